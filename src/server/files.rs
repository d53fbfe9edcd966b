//! Open files, of which each connection is one: how many of them may be clients'.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tracing::warn;

/// How many connections there are at most; others wait to be accepted.
const MAX_CONNECTIONS: usize = 25_000;
/// How many files this process may need besides.
const OTHERS: usize = 512;

/// How many connections there may be, so that there are files left for all else. Where fewer files are usual than
/// allowed, as for a service or in a shell, as many are taken as allowed.
pub(super) fn most_connections() -> usize {
    let allowed = getrlimit(Resource::Nofile).maximum;
    if let Err(cause) = setrlimit(Resource::Nofile, Rlimit { current: allowed, maximum: allowed }) {
        warn!(%cause, "there may be no more open files than usual");
    }
    let files = getrlimit(Resource::Nofile).current.and_then(|it| usize::try_from(it).ok()).unwrap_or(usize::MAX);
    files.saturating_sub(OTHERS).clamp(OTHERS, MAX_CONNECTIONS)
}
