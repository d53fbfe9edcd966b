//! Forgetting: what was deleted a month ago, answers of yesterday, sessions that have ended, what is left of accounts.

use std::time::Duration;

use chrono::{DateTime, Utc};
use entity::{
    answer,
    id::UserId,
    label, list, owner, rate_limit, session, task,
    time::{Micros, Millis},
    verification,
};
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QuerySelect, sea_query::Expr};
use tokio::time;
use tracing::{info, warn};

use super::{Services, data::piece, scope::Scope, tasks::RESTORABLE};
use crate::error::Error;

/// How often to look for what is to be forgotten.
const INTERVAL: Duration = Duration::from_secs(3600);
/// How long after the start to look for it first: an instance that ended may have left something.
const FIRST: Duration = Duration::from_secs(60);
/// How long an answer is remembered.
const REMEMBERED: chrono::Duration = chrono::Duration::hours(24);
/// How many users' data are looked at before others get a turn.
const USERS_AT_ONCE: u64 = 100;

impl Services {
    /// What goes on beside the requests, until it is dropped: hints between instances, and forgetting.
    pub async fn work(&self) {
        let hints = self.db.hints();
        let carrying = self.events.carry(&self.db, &hints, &self.quota);
        tokio::join!(carrying, self.quota.keep(&hints), self.forget());
    }

    async fn forget(&self) {
        let mut pause = FIRST;
        loop {
            tokio::select! {
                () = time::sleep(pause) => pause = INTERVAL,
                () = self.auth.leftovers() => {}
            }
            match self.purge(Utc::now()).await {
                Ok(users) => info!(users, "forgot what was deleted long ago"),
                Err(cause) => warn!(cause = cause.causes(), "forgetting is put off"),
            }
        }
    }

    /// Forgets what is due at that time, and tells how many users had deleted something.
    pub async fn purge(&self, now: DateTime<Utc>) -> Result<usize, Error> {
        answer::Entity::delete_many()
            .filter(answer::Column::CreatedAt.lt(Micros::from(now - REMEMBERED)))
            .exec(self.db.writer())
            .await?;
        session::Entity::delete_many()
            .filter(session::Column::ExpiresAt.lt(Millis::from(now)))
            .exec(self.db.writer())
            .await?;
        verification::Entity::delete_many()
            .filter(verification::Column::ExpiresAt.lt(Millis::from(now)))
            .exec(self.db.writer())
            .await?;
        rate_limit::Entity::delete_many()
            .filter(rate_limit::Column::LastRequest.lt((now - REMEMBERED).timestamp_millis()))
            .exec(self.db.writer())
            .await?;
        self.auth().erase_deleted().await?;
        let before = Micros::from(now - RESTORABLE);
        let mut purged = 0;
        loop {
            let users = self.with_old_deletions(before).await?;
            if users.is_empty() {
                return Ok(purged);
            }
            for user in &users {
                self.scope(user).purge(before).await?;
            }
            purged += users.len();
        }
    }

    async fn with_old_deletions(&self, before: Micros) -> Result<Vec<UserId>, Error> {
        let tasks = task::Entity::find()
            .select_only()
            .column(task::Column::UserId)
            .distinct()
            .filter(task::Column::DeletedAt.lt(before))
            .limit(USERS_AT_ONCE);
        let mut users: Vec<UserId> = tasks.into_tuple().all(self.db.reader()).await?;
        let lists = list::Entity::find()
            .select_only()
            .column(list::Column::UserId)
            .distinct()
            .filter(list::Column::DeletedAt.lt(before))
            .limit(USERS_AT_ONCE);
        users.extend(lists.into_tuple::<UserId>().all(self.db.reader()).await?);
        let labels = label::Entity::find()
            .select_only()
            .column(label::Column::UserId)
            .distinct()
            .filter(label::Column::DeletedAt.lt(before))
            .limit(USERS_AT_ONCE);
        users.extend(labels.into_tuple::<UserId>().all(self.db.reader()).await?);
        users.sort_by(|one, other| one.0.cmp(&other.0));
        users.dedup();
        Ok(users)
    }
}

impl Scope<'_> {
    /// Removes what was deleted before that time, some of it if it is very much, and remembers up to which number the feed
    /// has gaps from now on.
    async fn purge(self, before: Micros) -> Result<(), Error> {
        let write = self.write().await?;
        let mine = self.owner;
        let due = Condition::all().add(task::Column::UserId.eq(mine.clone())).add(task::Column::DeletedAt.lt(before));
        let tasks = task::Entity::delete_many().filter(piece(due)).exec_with_returning(write.connection()).await?;
        let lists = list::Entity::delete_many()
            .filter(list::Column::UserId.eq(mine.clone()))
            .filter(list::Column::DeletedAt.lt(before))
            .exec_with_returning(write.connection())
            .await?;
        let labels = label::Entity::delete_many()
            .filter(label::Column::UserId.eq(mine.clone()))
            .filter(label::Column::DeletedAt.lt(before))
            .exec_with_returning(write.connection())
            .await?;
        let numbers = tasks.iter().map(|row| row.revision).chain(lists.iter().map(|row| row.revision));
        let Some(highest) = numbers.chain(labels.iter().map(|row| row.revision)).max() else { return Ok(()) };
        owner::Entity::update_many()
            .filter(owner::Column::UserId.eq(mine.clone()))
            .filter(owner::Column::Purged.lt(highest))
            .col_expr(owner::Column::Purged, Expr::value(highest))
            .exec(write.connection())
            .await?;
        write.commit().await
    }
}
