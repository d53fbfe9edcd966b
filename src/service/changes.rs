//! The feed of one user's changes: everything behind a number, deletions included, in order.

use std::sync::Arc;

use chrono::Utc;
use entity::{id::TaskId, label, list, task};

use super::{
    events::{Events, Listener},
    scope::Scope,
    tasks::RESTORABLE,
};
use crate::error::{Error, ValidationError};

/// How many changes a page has at most.
pub const MAX_CHANGES: u64 = 500;

/// Marks a number as no revision. JavaScript's numbers are exact up to 53 bits.
const ON_THE_WAY: i64 = 1 << 52;
/// How many bits of such a number are a revision.
const REVISION_BITS: u32 = 36;

/// The changes of one user's data.
#[derive(Clone, Copy, Debug)]
pub struct Changes<'a> {
    scope: Scope<'a>,
    events: &'a Arc<Events>,
}

/// A row as it is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Changed {
    /// A task.
    Task(task::Model),
    /// A list.
    List(list::Model),
    /// A label.
    Label(label::Model),
}

/// A part of the feed.
#[derive(Clone, Debug)]
pub struct Feed {
    /// The changes, each row once, by revision.
    pub changes: Vec<Changed>,
    /// What to ask from next time: the number of the last change, or on a long way from 0 what stands for it.
    pub revision: i64,
    /// Whether more changes are there already.
    pub has_more: bool,
}

impl Feed {
    /// The ids of the tasks among the changes.
    pub fn tasks(&self) -> Vec<TaskId> {
        let task = |changed: &Changed| match changed {
            Changed::Task(row) => Some(row.id),
            Changed::List(_) | Changed::Label(_) => None,
        };
        self.changes.iter().filter_map(task).collect()
    }
}

impl Changed {
    /// The number of the write that changed the row last.
    pub fn revision(&self) -> i64 {
        match self {
            Self::Task(row) => row.revision,
            Self::List(row) => row.revision,
            Self::Label(row) => row.revision,
        }
    }

    /// Whether the row is deleted.
    pub fn is_deleted(&self) -> bool {
        match self {
            Self::Task(row) => row.deleted_at.is_some(),
            Self::List(row) => row.deleted_at.is_some(),
            Self::Label(row) => row.deleted_at.is_some(),
        }
    }
}

/// How far a client has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Progress {
    revision: i64,
    /// The day on which it started from 0, if it has not come far since.
    start: Option<i64>,
}

impl Progress {
    /// What a client has to say to go on from there. Usually that is the revision. But one that is still on its way
    /// through what lies before the last thing that was purged would look like one that was there long ago and has
    /// missed the end of that; its number says when it started, and is no revision.
    fn number(self) -> i64 {
        self.start.map_or(self.revision, |day| ON_THE_WAY | (day << REVISION_BITS) | self.revision)
    }

    /// What a client means by a number, unless too much may have been purged since that start.
    fn read(number: i64, today: i64) -> Option<Self> {
        let is_on_the_way = number & ON_THE_WAY != 0;
        match number {
            ..0 => None,
            0 => Some(Self { revision: 0, start: Some(today) }),
            _ if !is_on_the_way => Some(Self { revision: number, start: None }),
            _ => {
                let day = (number ^ ON_THE_WAY) >> REVISION_BITS;
                let is_recent = today - day < RESTORABLE.num_days() - 1;
                let revision = number & ((1 << REVISION_BITS) - 1);
                Some(Self { revision, start: Some(day) }).filter(|_| is_recent)
            }
        }
    }
}

/// The days since 1970, of which 16 bits hold those of the next hundred years.
fn today() -> i64 {
    Utc::now().timestamp() / 86_400
}

impl<'a> Changes<'a> {
    pub(super) fn new(scope: Scope<'a>, events: &'a Arc<Events>) -> Self {
        Self { scope, events }
    }

    /// The number of the last change.
    pub async fn revision(self) -> Result<i64, Error> {
        Ok(self.scope.counter().await?.map_or(0, |row| row.revision))
    }

    /// What changed after that number, which is 0, one that a feed gave, or that of a change. From 0 on that is everything
    /// there is.
    pub async fn since(self, since: i64, most: u64) -> Result<Feed, Error> {
        if since < 0 {
            return Err(Error::invalid("since", ValidationError::Rule("must not be negative")));
        }
        let progress = Progress::read(since, today()).ok_or(Error::ResyncRequired)?;
        let since = progress.revision;
        // The counter first: whatever has a number up to this one was committed before it could be read here, because
        // the counter is the lock of every write. What has a higher one comes next time.
        let (revision, purged) = self.scope.counter().await?.map_or((0, 0), |row| (row.revision, row.purged_through));
        if since > revision || (progress.start.is_none() && since < purged) {
            return Err(Error::ResyncRequired);
        }
        if since == revision {
            return Ok(Feed { changes: Vec::new(), revision, has_more: false });
        }
        let (scope, limit) = (self.scope, most + 1);
        let tasks = scope.changed::<task::Entity>(since, revision, limit).await?;
        let lists = scope.changed::<list::Entity>(since, revision, limit).await?;
        let labels = scope.changed::<label::Entity>(since, revision, limit).await?;
        let mut changes: Vec<Changed> = tasks.into_iter().map(Changed::Task).collect();
        changes.extend(lists.into_iter().map(Changed::List));
        changes.extend(labels.into_iter().map(Changed::Label));
        changes.sort_by_key(Changed::revision);
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        let has_more = changes.len() > most;
        changes.truncate(most);
        let last = changes.last().filter(|_| has_more).map_or(revision, Changed::revision);
        let next = match progress.start {
            Some(_) if last < purged => Progress { revision: last, ..progress }.number(),
            _ => last,
        };
        Ok(Feed { changes, revision: next, has_more })
    }

    /// Hears of changes from now on.
    pub fn listen(self) -> Listener {
        self.events.listen(self.scope.owner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_start_from_0_goes_on_as_long_as_nothing_that_was_deleted_since_is_purged() {
        let progress = Progress { revision: 300, start: Some(20_000) };
        let number = progress.number();
        assert!(number < 1 << 53);
        assert_eq!((Progress::read(number, 20_000), Progress::read(number, 20_028)), (Some(progress), Some(progress)));
        assert_eq!((Progress::read(number, 20_029), Progress::read(-1, 20_000)), (None, None));
        assert_eq!(Progress::read(0, 20_000), Some(Progress { revision: 0, start: Some(20_000) }));
        assert_eq!(Progress::read(300, 20_000), Some(Progress { revision: 300, start: None }));
    }
}
