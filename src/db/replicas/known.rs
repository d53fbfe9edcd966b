//! What this instance knows of the revisions of users.

use std::time::{Duration, Instant};

use entity::id::OwnerId;
use quick_cache::sync::Cache;

/// How many users are remembered.
const USERS: usize = 20_000;

/// The last revisions of those users who were read last.
#[derive(Debug)]
pub(super) struct KnownRevisions(Cache<OwnerId, KnownRevision>);

/// What is known of one user.
#[derive(Clone, Copy, Debug, Default)]
struct KnownRevision {
    /// The revision that the primary had last.
    revision: i64,
    /// When it was seen to be another one than before.
    changed: Option<Instant>,
    /// When something was written since, whose revision is not known.
    written: Option<Instant>,
}

impl Default for KnownRevisions {
    fn default() -> Self {
        Self(Cache::new(USERS))
    }
}

impl KnownRevisions {
    /// Notes the revision that the primary had when it was asked at that time or later, and tells since when it is known that
    /// it is another one than before.
    pub(super) fn note(&self, owner: OwnerId, revision: i64, asked: Instant) -> Option<Duration> {
        let before = self.0.get(&owner);
        let changed = match before {
            Some(known) if known.revision == revision => known.changed,
            Some(known) => Some(known.written.unwrap_or_else(Instant::now)),
            None => None,
        };
        let written = before.and_then(|it| it.written).filter(|written| *written >= asked);
        self.0.insert(owner, KnownRevision { revision, changed, written });
        changed.map(|it| it.elapsed())
    }

    /// Notes that something was written, and that the primary had that revision then, if that is known.
    pub(super) fn note_write(&self, owner: OwnerId, revision: Option<i64>) {
        let (known, now) = (self.0.get(&owner).unwrap_or_default(), Some(Instant::now()));
        let known = match revision {
            Some(revision) if revision > known.revision => KnownRevision { revision, changed: now, ..known },
            Some(_) => known,
            None => KnownRevision { written: now, ..known },
        };
        self.0.insert(owner, known);
    }

    /// The least revision that a replica must have which has all that was written before `caught_up`; none, if it may be
    /// behind whatever it has.
    pub(super) fn least(&self, owner: OwnerId, caught_up: Option<Instant>) -> Option<i64> {
        let known = self.0.get(&owner).unwrap_or_default();
        let has_all = known.written.is_none_or(|written| caught_up.is_some_and(|it| written < it));
        has_all.then_some(known.revision)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_whose_revision_is_not_known_is_waited_for() {
        let (known, ann) = (KnownRevisions::default(), OwnerId(7));
        assert_eq!(known.least(ann, None), Some(0));
        assert_eq!(known.note(ann, 7, Instant::now()), None);
        assert_eq!(known.note(ann, 7, Instant::now()), None);
        assert_eq!(known.least(ann, None), Some(7));
        let before = Instant::now();
        known.note_write(ann, None);
        assert_eq!((known.least(ann, None), known.least(ann, Some(before))), (None, None));
        assert_eq!(known.least(ann, Some(Instant::now() + Duration::from_secs(1))), Some(7));
        // What was asked before the write says nothing of it.
        known.note(ann, 7, before);
        assert_eq!(known.least(ann, None), None);
        assert!(known.note(ann, 8, Instant::now()).is_some_and(|it| it < Duration::from_secs(5)));
        assert_eq!(known.least(ann, None), Some(8));
        // A write whose revision is known need not be waited for.
        for (revision, least) in [(10, 10), (9, 10), (11, 11)] {
            known.note_write(ann, Some(revision));
            assert_eq!(known.least(ann, None), Some(least));
        }
        assert!(known.note(ann, 11, Instant::now()).is_some_and(|it| it < Duration::from_secs(5)));
    }
}
