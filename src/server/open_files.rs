//! Open files, of which each connection is one: how many connections they allow.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tracing::warn;

/// How many connections are open at most; others wait to be accepted.
const MAX_CONNECTIONS: usize = 25_000;
/// How many files this process may need besides.
const OTHER_FILES: usize = 512;

/// How many connections may be open, so that files are left for all else. As many files as the hard limit allows are
/// taken: the soft limit of services and shells is low.
pub(super) fn max_connections() -> usize {
    let allowed = getrlimit(Resource::Nofile).maximum;
    if let Err(cause) = setrlimit(Resource::Nofile, Rlimit { current: allowed, maximum: allowed }) {
        warn!(%cause, "the limit of open files could not be raised");
    }
    let files = getrlimit(Resource::Nofile).current.and_then(|it| usize::try_from(it).ok()).unwrap_or(usize::MAX);
    files.saturating_sub(OTHER_FILES).clamp(OTHER_FILES, MAX_CONNECTIONS)
}
