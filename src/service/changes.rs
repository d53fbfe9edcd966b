//! The feed of one user's changes: everything after a sync token, deletions included, in order.

use std::sync::Arc;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::Utc;
use entity::{
    id::{TaskId, UserId},
    label, list, task,
};
use sha2::{Digest, Sha256};

use super::{
    events::{Events, Listener},
    scope::{FeedState, Scope},
    trash::RESTORABLE,
};
use crate::error::{Error, Thing, ValidationError};

/// How many changes a page has at most.
pub const MAX_CHANGES: u64 = 500;
/// The version of the form of sync tokens.
const TOKEN_VERSION: &str = "2";

/// The changes of one user's data.
#[derive(Clone, Copy, Debug)]
pub struct Changes<'a> {
    scope: Scope<'a>,
    user: &'a UserId,
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
///
/// The revisions of one user say nothing about the data of another, so a token says whose it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyncToken {
    /// A hash of the user's id.
    user: u64,
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
    user: u64,
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
        SyncToken { user: self.user, epoch: self.epoch.clone(), revision, start }
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
        let Self { user, epoch, revision, start: _ } = self;
        URL_SAFE_NO_PAD.encode(format!("{TOKEN_VERSION}.{user:x}.{epoch}.{revision}.{start}"))
    }

    /// Reads a token of that user back.
    pub fn parse(text: &str, user: &UserId) -> Result<Self, ValidationError> {
        let token = Self::decode(text).filter(|token| token.user == user_hash(user));
        token.ok_or(ValidationError::Rule("must be a sync token of this user"))
    }

    fn decode(text: &str) -> Option<Self> {
        let text = String::from_utf8(URL_SAFE_NO_PAD.decode(text).ok()?).ok()?;
        let mut fields = text.split('.');
        let (version, user, epoch) = (fields.next()?, fields.next()?, fields.next()?);
        let (revision, start) = (fields.next()?, fields.next()?);
        if version != TOKEN_VERSION || fields.next().is_some() {
            return None;
        }
        let user = u64::from_str_radix(user, 16).ok()?;
        let start = if start.is_empty() { None } else { Some(start.parse().ok()?) };
        let revision = revision.parse().ok().filter(|it| *it >= 0)?;
        Some(Self { user, epoch: epoch.to_owned(), revision, start })
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

/// What tells the tokens of users apart.
fn user_hash(user: &UserId) -> u64 {
    let [a, b, c, d, e, f, g, h, ..] = <[u8; 32]>::from(Sha256::digest(&user.0));
    u64::from_be_bytes([a, b, c, d, e, f, g, h])
}

/// The days since 1970.
fn today() -> i64 {
    Utc::now().timestamp() / 86_400
}

impl<'a> Changes<'a> {
    pub(super) fn new(scope: Scope<'a>, user: &'a UserId, events: &'a Arc<Events>) -> Self {
        Self { scope, user, events }
    }

    /// The revision of the last change.
    pub async fn revision(self) -> Result<i64, Error> {
        Ok(self.scope.counter().await?.map_or(0, |row| row.revision))
    }

    /// The token of now: what it is followed by is still to come.
    pub async fn token(self) -> Result<SyncToken, Error> {
        let FeedState { epoch, revision, purged_through: _ } = self.scope.feed_state().await?;
        Ok(SyncToken { user: user_hash(self.user), epoch, revision, start: None })
    }

    /// What changed after the token. From the beginning on that is everything there is.
    pub async fn page(self, request: &FeedRequest) -> Result<Feed, Error> {
        // The counter first: whatever has a number up to this one was committed before it could be read here, because
        // the counter is the lock of every write. What has a higher one comes next time.
        request.after.iter().for_each(|token| self.scope.db.note_seen(token.revision));
        let (state, since, start) = loop {
            let state = self.scope.feed_state().await?;
            match &request.after {
                None => break (state, 0, Some(today())),
                Some(token) if token.is_known(&state, today()) => break (state, token.revision, token.start),
                // What a replica does not know the primary may know.
                Some(_) if self.scope.db.leave_replica() => {}
                Some(_) => return Err(Error::ResyncRequired),
            }
        };
        let mut changes =
            if since == state.revision { Vec::new() } else { self.changed(since, &state, request).await? };
        let most = usize::try_from(request.most).unwrap_or(usize::MAX);
        let has_more = changes.len() > most;
        changes.truncate(most);
        let FeedState { epoch, revision, purged_through } = state;
        let revision = changes.last().filter(|_| has_more).map_or(revision, Changed::revision);
        Ok(Feed { changes, has_more, revision, user: user_hash(self.user), epoch, purged_through, start })
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

    fn ann() -> UserId {
        UserId("ann".to_owned())
    }

    fn token(revision: i64, start: Option<i64>) -> SyncToken {
        SyncToken { user: user_hash(&ann()), epoch: "e".to_owned(), revision, start }
    }

    #[test]
    fn a_token_is_read_back_and_nothing_else_is_one() {
        for token in [token(0, None), token(i64::MAX, Some(20_000))] {
            assert_eq!(SyncToken::parse(&token.encode(), &ann()), Ok(token));
        }
        let user = user_hash(&ann());
        let encoded = |text: &str| URL_SAFE_NO_PAD.encode(text.replace("ann", &format!("{user:x}")));
        assert!(SyncToken::parse(&encoded("2.ann.e.1."), &ann()).is_ok());
        for text in ["2.ann.e.-1.", "3.ann.e.1.", "2.ann.e.1..x", "2.ann.e.1", "2.e.1.", "2.0.e.1.", "2.x.e.1."] {
            assert!(SyncToken::parse(&encoded(text), &ann()).is_err(), "{text}");
        }
        for text in ["", "0", "300", "é", "*"] {
            assert!(SyncToken::parse(text, &ann()).is_err(), "{text}");
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
