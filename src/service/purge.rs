//! Forgetting: what was deleted a month ago, answers of yesterday, sessions that have ended, what is left of accounts.
//! Each kind is a step by itself, which goes on whatever becomes of the others, in pieces that others wait for hardly
//! longer than for a write; and of several instances on one database one at a time removes a piece.

use std::{future::Future, time::Duration};

use chrono::{DateTime, Utc};
use entity::{
    id::OwnerId,
    idempotency_key, label, list, rate_limit, session, task,
    time::{Micros, Millis},
    user_revision, verification,
};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait, TryGetable,
    Value,
    sea_query::{Expr, ExprTrait},
};
use tokio::time::{self, Instant};
use tracing::{info, warn};

use super::{
    Services,
    revisioned::Revisioned,
    scope::{Outcome, Scope, Write},
    trash::RESTORABLE,
    user_data::chunk,
};
use crate::error::Error;

/// How often to look for what is to be forgotten.
const INTERVAL: Duration = Duration::from_secs(3600);
/// How long after the start to look for it first: an instance that ended may have left something.
const FIRST: Duration = Duration::from_secs(60);
/// How long an answer is remembered.
const IDEMPOTENCY_LIFETIME: chrono::Duration = chrono::Duration::hours(24);
/// How many users' data are looked at before others get a turn.
const USERS_AT_ONCE: u64 = 100;
/// How many rows of a table one statement removes.
const CHUNK_SIZE: u64 = 500;

/// What a purge came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Purged {
    /// How many users had deleted something that is gone for good now.
    pub users: usize,
    /// How many rows of other tables are gone: sessions, mailed links, counted attempts, remembered answers.
    pub rows: u64,
    /// The steps that failed and will be tried again; the others were done all the same.
    pub failed: Vec<&'static str>,
}

impl Purged {
    /// The value of a step, or a note that it failed.
    async fn step<T: Default>(&mut self, name: &'static str, work: impl Future<Output = Result<T, Error>>) -> T {
        work.await.unwrap_or_else(|cause| {
            warn!(step = name, cause = cause.causes(), "a step of the purge failed, and is tried again later");
            self.failed.push(name);
            T::default()
        })
    }
}

impl Services {
    /// What runs beside the requests, until it is dropped: events between instances, and the purge.
    pub async fn run_background(&self) {
        tokio::join!(self.events.exchange(&self.db), self.quota.clean_up(), self.forget(), self.db.watch_replicas());
    }

    async fn forget(&self) {
        let mut pause = FIRST;
        loop {
            tokio::select! {
                () = time::sleep(pause) => pause = INTERVAL,
                () = self.auth.leftovers() => {}
            }
            let Purged { users, rows, failed } = self.purge(Utc::now()).await;
            info!(users, rows, failed = failed.len(), "forgot what was deleted long ago");
        }
    }

    /// Forgets what is due at that time.
    pub async fn purge(&self, now: DateTime<Utc>) -> Purged {
        let mut done = Purged::default();
        let before = Micros::from(now - IDEMPOTENCY_LIFETIME);
        let answers = [idempotency_key::Column::OwnerId, idempotency_key::Column::Key];
        let answers = self.remove::<idempotency_key::Entity, _>(&answers, idempotency_key::Column::CreatedAt, before);
        done.rows += done.step("idempotency_keys", answers).await;
        let over = Millis::from(now);
        let sessions = self.remove::<session::Entity, _>(&[session::Column::Id], session::Column::ExpiresAt, over);
        done.rows += done.step("sessions", sessions).await;
        let links = [verification::Column::Id];
        let links = self.remove::<verification::Entity, _>(&links, verification::Column::ExpiresAt, over);
        done.rows += done.step("links", links).await;
        let before = (now - IDEMPOTENCY_LIFETIME).timestamp_millis();
        let attempts = [rate_limit::Column::Id];
        let attempts = self.remove::<rate_limit::Entity, _>(&attempts, rate_limit::Column::LastRequest, before);
        done.rows += done.step("attempts", attempts).await;
        done.step("accounts", self.auth().erase_deleted()).await;
        done.users = done.step("deletions", self.remove_deletions(Micros::from(now - RESTORABLE))).await;
        done
    }

    /// Removes what was deleted before that time, and tells of how many users.
    async fn remove_deletions(&self, before: Micros) -> Result<usize, Error> {
        let mut purged = 0;
        loop {
            let users = self.with_old_deletions(before).await?;
            if users.is_empty() {
                return Ok(purged);
            }
            // One user's data that cannot be removed stop nobody else's.
            let mut failed = None;
            for user in &users {
                failed = self.scope(*user).purge(before).await.err().or(failed);
            }
            if let Some(cause) = failed {
                return Err(cause);
            }
            purged += users.len();
        }
    }

    /// Removes the rows whose time is before that, the oldest first, some at a time, with a pause as long as that took; and
    /// tells how many. Each piece begins where the last one ended: PostgreSQL would look at all that is gone again.
    async fn remove<E, T>(&self, key: &[E::Column], time: E::Column, before: T) -> Result<u64, Error>
    where
        E: EntityTrait,
        T: TryGetable + Into<Value> + Ord + Clone + Send + Sync,
    {
        let names = Expr::tuple(key.iter().map(|column| Expr::col(*column)));
        let (mut gone, mut from) = (0, None::<T>);
        loop {
            let start = Instant::now();
            let some = E::find().select_only().columns(key.iter().copied()).filter(time.lt(before.clone()));
            let some = some.apply_if(from.clone(), |some, from| some.filter(time.gte(from)));
            let some = some.order_by_asc(time).limit(CHUNK_SIZE).into_query();
            let mut delete = E::delete_many().filter(names.clone().in_subquery(some)).into_query();
            delete.returning_col(time);
            let chunk = self.db.transaction(async |transaction| {
                if !transaction.try_lock_purge().await? {
                    return Ok(Vec::new());
                }
                let rows = transaction.connection().query_all(&delete).await?;
                let times = rows.iter().map(|row| row.try_get_by_index::<T>(0));
                Ok::<_, Error>(times.collect::<Result<Vec<T>, _>>()?)
            });
            let chunk = chunk.await?;
            gone += chunk.len() as u64;
            // Less than a piece is the rest, or another instance is at it.
            if (chunk.len() as u64) < CHUNK_SIZE {
                return Ok(gone);
            }
            from = chunk.into_iter().max();
            time::sleep(start.elapsed()).await;
        }
    }

    async fn with_old_deletions(&self, before: Micros) -> Result<Vec<OwnerId>, Error> {
        let mut users = self.owners_of_old::<task::Entity>(before).await?;
        users.extend(self.owners_of_old::<list::Entity>(before).await?);
        users.extend(self.owners_of_old::<label::Entity>(before).await?);
        users.sort();
        users.dedup();
        Ok(users)
    }

    async fn owners_of_old<E: Revisioned>(&self, before: Micros) -> Result<Vec<OwnerId>, Error> {
        let owners = E::find()
            .select_only()
            .column(E::COLUMNS.owner)
            .distinct()
            .filter(E::COLUMNS.deleted_at.lt(before))
            .limit(USERS_AT_ONCE);
        Ok(owners.into_tuple().all(self.db.reader()).await?)
    }
}

impl Scope<'_> {
    /// Removes what was deleted before that time, some of it if it is very much, and remembers up to which number the feed
    /// has gaps from now on.
    async fn purge(self, before: Micros) -> Result<(), Error> {
        self.write_if_needed(async |write| {
            let mine = self.owner;
            let due = Condition::all().add(task::Column::DeletedAt.lt(before));
            let tasks =
                task::Entity::delete_many().filter(chunk(mine, due)).exec_with_returning(write.connection()).await?;
            let numbers = [
                tasks.iter().map(|row| row.revision).max(),
                write.remove_old::<list::Entity>(before).await?,
                write.remove_old::<label::Entity>(before).await?,
            ];
            let Some(highest) = numbers.into_iter().flatten().max() else {
                return Ok(Outcome::Unchanged(()));
            };
            user_revision::Entity::update_many()
                .filter(user_revision::Column::OwnerId.eq(mine))
                .filter(user_revision::Column::PurgedThrough.lt(highest))
                .col_expr(user_revision::Column::PurgedThrough, Expr::value(highest))
                .exec(write.connection())
                .await?;
            Ok(Outcome::Changed(()))
        })
        .await
    }
}

impl Write {
    /// Removes the rows that were deleted before that time, and returns the highest number that one of them had.
    async fn remove_old<E: Revisioned>(&self, before: Micros) -> Result<Option<i64>, Error> {
        let gone = E::delete_many()
            .filter(E::COLUMNS.owner.eq(self.owner()))
            .filter(E::COLUMNS.deleted_at.lt(before))
            .exec_with_returning(self.connection())
            .await?;
        Ok(gone.iter().map(E::revision).max())
    }
}
