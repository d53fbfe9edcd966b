//! The feed of one user's changes: everything after a sync token, deletions included, in order.

use std::sync::Arc;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::Utc;
use entity::{id::TaskId, label, list, task};

use super::{
    events::{Events, Listener},
    scope::{FeedState, Scope},
    tasks::RESTORABLE,
};
use crate::error::{Error, Thing, ValidationError};

/// How many changes a page has at most.
pub const MAX_CHANGES: u64 = 500;
/// The version of the form of sync tokens.
const TOKEN_VERSION: &str = "1";

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

/// How far a client has come, which clients read as opaque text.
///
/// Usually that is a revision. But a client that is still on its way through what lies before the last thing that was
/// purged would look like one that was there long ago and has missed the end of that: its token says when it started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyncToken {
    /// The epoch of the database.
    epoch: String,
    /// The revision of the last change that the client has.
    revision: i64,
    /// The day on which it started from the beginning, if it has not come far since.
    start: Option<i64>,
}

/// What is asked of the feed.
#[derive(Clone, Debug)]
pub struct FeedRequest {
    /// How far the client has come; from the beginning without it.
    pub after: Option<SyncToken>,
    /// The kinds of objects that it follows; all of them without it.
    pub kinds: Option<Vec<Thing>>,
    /// How many changes it takes at most.
    pub most: u64,
}

/// A page of the feed.
#[derive(Clone, Debug)]
pub struct Feed {
    /// The changes, each row once, by revision.
    pub changes: Vec<Changed>,
    /// Whether more changes are there already.
    pub has_more: bool,
    /// The revision to which the client has come with this page.
    revision: i64,
    epoch: String,
    /// Deletions up to this revision may have been purged.
    purged_through: i64,
    /// The day on which the client started from the beginning.
    start: Option<i64>,
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

    /// What to ask from next time.
    pub fn token(&self) -> SyncToken {
        self.token_at(self.revision)
    }

    /// The token of a client that has come to that revision on this page.
    pub fn token_at(&self, revision: i64) -> SyncToken {
        let start = self.start.filter(|_| revision < self.purged_through);
        SyncToken { epoch: self.epoch.clone(), revision, start }
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

impl SyncToken {
    /// The token as clients see it.
    pub fn encode(&self) -> String {
        let start = self.start.map(|day| day.to_string()).unwrap_or_default();
        URL_SAFE_NO_PAD.encode(format!("{TOKEN_VERSION}.{}.{}.{start}", self.epoch, self.revision))
    }

    /// Reads a token back.
    pub fn parse(text: &str) -> Result<Self, ValidationError> {
        Self::decode(text).ok_or(ValidationError::Rule("must be a sync token of this API"))
    }

    fn decode(text: &str) -> Option<Self> {
        let text = String::from_utf8(URL_SAFE_NO_PAD.decode(text).ok()?).ok()?;
        let mut fields = text.split('.');
        let (version, epoch, revision, start) = (fields.next()?, fields.next()?, fields.next()?, fields.next()?);
        if version != TOKEN_VERSION || fields.next().is_some() {
            return None;
        }
        let start = if start.is_empty() { None } else { Some(start.parse().ok()?) };
        let revision = revision.parse().ok().filter(|it| *it >= 0)?;
        Some(Self { epoch: epoch.to_owned(), revision, start })
    }

    /// Whether everything that changed after it is still known.
    fn is_known(&self, state: &FeedState, today: i64) -> bool {
        let is_of_this_database = self.epoch == state.epoch && self.revision <= state.revision;
        is_of_this_database
            && match self.start {
                Some(day) => (0..RESTORABLE.num_days() - 1).contains(&(today.saturating_sub(day))),
                None => self.revision >= state.purged_through,
            }
    }
}

/// The days since 1970.
fn today() -> i64 {
    Utc::now().timestamp() / 86_400
}

impl<'a> Changes<'a> {
    pub(super) fn new(scope: Scope<'a>, events: &'a Arc<Events>) -> Self {
        Self { scope, events }
    }

    /// The revision of the last change.
    pub async fn revision(self) -> Result<i64, Error> {
        Ok(self.scope.counter().await?.map_or(0, |row| row.revision))
    }

    /// The token of now: what it is followed by is still to come.
    pub async fn token(self) -> Result<SyncToken, Error> {
        let FeedState { epoch, revision, purged_through: _ } = self.scope.feed_state().await?;
        Ok(SyncToken { epoch, revision, start: None })
    }

    /// What changed after the token. From the beginning on that is everything there is.
    pub async fn page(self, request: &FeedRequest) -> Result<Feed, Error> {
        // The counter first: whatever has a number up to this one was committed before it could be read here, because
        // the counter is the lock of every write. What has a higher one comes next time.
        let state = self.scope.feed_state().await?;
        let (since, start) = match &request.after {
            None => (0, Some(today())),
            Some(token) if token.is_known(&state, today()) => (token.revision, token.start),
            Some(_) => return Err(Error::ResyncRequired),
        };
        let mut changes =
            if since == state.revision { Vec::new() } else { self.changed(since, &state, request).await? };
        let most = usize::try_from(request.most).unwrap_or(usize::MAX);
        let has_more = changes.len() > most;
        changes.truncate(most);
        let FeedState { epoch, revision, purged_through } = state;
        let revision = changes.last().filter(|_| has_more).map_or(revision, Changed::revision);
        Ok(Feed { changes, has_more, revision, epoch, purged_through, start })
    }

    /// The changes of the kinds that are followed, in order, one more than a page has.
    async fn changed(self, since: i64, state: &FeedState, request: &FeedRequest) -> Result<Vec<Changed>, Error> {
        let (scope, until, limit) = (self.scope, state.revision, request.most + 1);
        let is_followed = |kind: Thing| request.kinds.as_ref().is_none_or(|kinds| kinds.contains(&kind));
        let mut changes = Vec::new();
        if is_followed(Thing::Task) {
            let tasks = scope.changed::<task::Entity>(since, until, limit).await?;
            changes.extend(tasks.into_iter().map(Changed::Task));
        }
        if is_followed(Thing::List) {
            let lists = scope.changed::<list::Entity>(since, until, limit).await?;
            changes.extend(lists.into_iter().map(Changed::List));
        }
        if is_followed(Thing::Label) {
            let labels = scope.changed::<label::Entity>(since, until, limit).await?;
            changes.extend(labels.into_iter().map(Changed::Label));
        }
        changes.sort_by_key(Changed::revision);
        Ok(changes)
    }

    /// Hears of changes from now on.
    pub fn listen(self) -> Listener {
        self.events.listen(self.scope.owner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(revision: i64, start: Option<i64>) -> SyncToken {
        SyncToken { epoch: "e".to_owned(), revision, start }
    }

    #[test]
    fn a_token_is_read_back_and_nothing_else_is_one() {
        for token in [token(0, None), token(i64::MAX, Some(20_000))] {
            assert_eq!(SyncToken::parse(&token.encode()), Ok(token));
        }
        let encoded = |text: &str| URL_SAFE_NO_PAD.encode(text);
        for text in
            ["", "0", "300", &encoded("1.e.-1."), &encoded("2.e.1."), &encoded("1.e.1..x"), &encoded("1.e.1"), "é", "*"]
        {
            assert!(SyncToken::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_token_is_known_as_long_as_nothing_that_was_deleted_since_is_purged() {
        let state = FeedState { epoch: "e".to_owned(), revision: 500, purged_through: 400 };
        for (token, is_known) in [
            (token(300, Some(20_000)), true),
            (token(300, Some(19_972)), true),
            (token(300, Some(19_971)), false),
            (token(300, Some(20_001)), false),
            (token(300, None), false),
            (token(400, None), true),
            (token(501, None), false),
            (SyncToken { epoch: "f".to_owned(), ..token(450, None) }, false),
        ] {
            assert_eq!(token.is_known(&state, 20_000), is_known, "{token:?}");
        }
    }
}
