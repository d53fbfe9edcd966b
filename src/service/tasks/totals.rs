//! How many tasks there are: counted once for each state of their owner's data, which the number of the owner's last
//! write names.

use entity::id::UserId;
use quick_cache::sync::Cache;

use super::Filter;
use crate::service::kept::{Kept, Key, Sought};

/// How many totals are kept.
const KEPT: usize = 4096;

/// The totals that were counted last.
#[derive(Debug)]
pub struct Totals(Cache<Key<Filter>, Kept<u64>>);

impl Default for Totals {
    fn default() -> Self {
        Self(Cache::new(KEPT))
    }
}

impl Totals {
    /// The total that was counted last, if it may still hold.
    pub(super) fn kept(&self, (owner, filter): (&UserId, &Filter)) -> Option<Kept<u64>> {
        self.0.get(&Sought(owner, filter)).filter(Kept::is_believed)
    }

    /// Keeps what was counted at that revision, unless it changes without a write.
    pub(super) fn keep(&self, (revision, count): (i64, u64), (owner, filter): (&UserId, &Filter)) {
        if filter.overdue.is_none() {
            self.0.insert(Key(owner.clone(), filter.clone()), Kept::new(revision, count));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_total_holds_for_its_revision_owner_and_filter_alone() {
        let totals = Totals::default();
        let (ann, bob) = (UserId("ann".into()), UserId("bob".into()));
        let (all, open) = (Filter::default(), Filter { completed: Some(false), ..Filter::default() });
        totals.keep((7, 3), (&ann, &all));
        let at = |revision, whose| totals.kept(whose).and_then(|it| it.at(revision));
        assert_eq!(at(7, (&ann, &all)), Some(3));
        assert_eq!(at(8, (&ann, &all)), None);
        assert_eq!(at(7, (&bob, &all)), None);
        assert_eq!(at(7, (&ann, &open)), None);
    }

    #[test]
    fn what_changes_without_a_write_is_not_kept() {
        let totals = Totals::default();
        let (ann, overdue) =
            (UserId("ann".into()), Filter { overdue: Some(super::super::TimeZone::UTC), ..Filter::default() });
        totals.keep((7, 3), (&ann, &overdue));
        assert!(totals.kept((&ann, &overdue)).is_none());
    }
}
