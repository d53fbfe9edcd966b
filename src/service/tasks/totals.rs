//! How many tasks there are: counted once for each state of their owner's data, which the number of the owner's last
//! write names.

use entity::id::OwnerId;

use super::Filter;
use crate::cache::{ByteBoundedCache, CacheKey, CacheKeyRef, Cached, byte_bounded};

/// How many bytes of totals and their filters are kept.
const CACHE_BYTES: u64 = 2 << 20;
/// How many totals are expected.
const EXPECTED: usize = 4096;
/// How many bytes a filter has at most whose total is kept.
const MAX_FILTER: usize = 1024;
/// What a total takes beside its filter.
const OVERHEAD: usize = 128;

/// The totals that were counted last.
#[derive(Debug)]
pub struct Totals(ByteBoundedCache<CacheKey<Filter>, Cached<u64>>);

impl Default for Totals {
    fn default() -> Self {
        Self(byte_bounded(CACHE_BYTES, EXPECTED, |CacheKey(_, filter), _| OVERHEAD + filter.bytes()))
    }
}

impl Totals {
    /// The total that was counted last, if it may still hold.
    pub(super) fn get(&self, owner: OwnerId, filter: &Filter) -> Option<Cached<u64>> {
        self.0.get(&CacheKeyRef(owner, filter)).filter(Cached::is_fresh)
    }

    /// Keeps what was counted at that revision, unless it changes without a write.
    pub(super) fn insert(&self, owner: OwnerId, filter: &Filter, revision: i64, count: u64) {
        if !filter.depends_on_time() && filter.bytes() <= MAX_FILTER {
            self.0.insert(CacheKey(owner, filter.clone()), Cached::new(revision, count));
        }
    }
}

#[cfg(test)]
mod tests {
    use entity::id::LabelId;
    use uuid::Uuid;

    use super::*;
    use crate::service::tasks::Condition;

    #[test]
    fn a_total_holds_for_its_revision_owner_and_filter_alone() {
        let totals = Totals::default();
        let (ann, bob) = (OwnerId(1), OwnerId(2));
        let (all, open) = (Filter::default(), Filter { completed: Some(false), ..Filter::default() });
        totals.insert(ann, &all, 7, 3);
        let at = |revision, owner, filter| totals.get(owner, filter).and_then(|it| it.at_revision(revision));
        assert_eq!(at(7, ann, &all), Some(3));
        assert_eq!(at(8, ann, &all), None);
        assert_eq!(at(7, bob, &all), None);
        assert_eq!(at(7, ann, &open), None);
    }

    #[test]
    fn a_large_filter_is_not_kept() {
        let (totals, ann) = (Totals::default(), OwnerId(1));
        let labels = |count| crate::service::tasks::AnyOf::new((0..count).map(|it| LabelId(Uuid::from_u128(it)))).ok();
        for (count, is_kept) in [(10, true), (100, false)] {
            let filter = Filter {
                conditions: labels(count).map(Condition::AnyLabel).into_iter().collect(),
                ..Filter::default()
            };
            totals.insert(ann, &filter, 7, 3);
            assert_eq!(totals.get(ann, &filter).is_some(), is_kept, "{count}");
        }
    }

    #[test]
    fn what_changes_without_a_write_is_not_kept() {
        let totals = Totals::default();
        let ann = OwnerId(1);
        let overdue = Filter { overdue: Some(super::super::TimeZone::UTC), ..Filter::default() };
        let others = Condition::Not(Box::new(overdue.clone()));
        for filter in [overdue, Filter { conditions: vec![others], ..Filter::default() }] {
            totals.insert(ann, &filter, 7, 3);
            assert!(totals.get(ann, &filter).is_none());
        }
    }
}
