//! How much there is of everything, for `docket stats`. Each count is one statement, which PostgreSQL ends after three
//! seconds: of a table that is too large for that its own estimate is shown.

use chrono::{DateTime, Utc};
use entity::{
    idempotency_key, label, list, session, task,
    time::{Micros, Millis},
    user, user_revision, verification,
};
use sea_orm::{ColumnTrait, EntityName, EntityTrait, QueryFilter, QuerySelect, Select};

use super::Operator;
use crate::{error::Error, proof};

/// How many there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Total {
    /// So many.
    Exact(i64),
    /// About so many, as the database knows without counting.
    About(i64),
    /// Too many to be counted in time.
    Unknown,
}

/// How much there is of everything.
#[derive(Clone, Debug)]
pub struct DatabaseStatistics {
    /// The database's name and version.
    pub database: String,
    /// How many bytes it takes on the disk.
    pub bytes: i64,
    /// The last migration.
    pub schema: String,
    /// Accounts.
    pub users: Total,
    /// Accounts whose address is verified.
    pub verified_users: Total,
    /// Users with tasks, lists or labels.
    pub users_with_data: Total,
    /// Sessions that have not ended.
    pub sessions: Total,
    /// Tasks, deleted ones too.
    pub tasks: Total,
    /// Tasks that are not completed.
    pub open_tasks: Total,
    /// Tasks that are completed.
    pub completed_tasks: Total,
    /// Tasks that are deleted and not yet purged.
    pub deleted_tasks: Total,
    /// Lists.
    pub lists: Total,
    /// Labels.
    pub labels: Total,
    /// Answers that are stored for requests with an `Idempotency-Key`.
    pub stored_answers: Total,
    /// Mailed links that were not used, and deleted accounts that are remembered.
    pub verifications: Total,
    /// When the task was deleted that waits longest for the purge, if there is one and it was found in time.
    pub oldest_deletion: Option<DateTime<Utc>>,
}

impl Total {
    /// What is left without the others, if that is known. Each was counted at a moment of its own.
    fn without(self, others: Self) -> Self {
        match (self, others) {
            (Self::Exact(all), Self::Exact(others)) => Self::Exact((all - others).max(0)),
            _ => Self::Unknown,
        }
    }
}

impl Operator<'_> {
    /// How much there is of everything.
    pub async fn statistics(self) -> Result<DatabaseStatistics, Error> {
        let db = &self.services.db;
        let verified = user::Entity::find().filter(user::Column::EmailVerified.eq(true));
        let live = session::Entity::find().filter(session::Column::ExpiresAt.gt(Millis::now()));
        let completed = task::Entity::find().filter(task::Column::DeletedAt.is_null());
        let completed = completed.filter(task::Column::Completed.eq(true));
        let deleted = task::Entity::find().filter(task::Column::DeletedAt.is_not_null());
        let lists = list::Entity::find().filter(list::Column::DeletedAt.is_null());
        let labels = label::Entity::find().filter(label::Column::DeletedAt.is_null());
        let (tasks, completed_tasks) = (self.rows_of::<task::Entity>().await?, self.rows_that(completed).await?);
        let deleted_tasks = self.rows_that(deleted).await?;
        Ok(DatabaseStatistics {
            database: db.version().await?,
            bytes: db.bytes().await?,
            schema: proof::last_migration(),
            users: self.rows_of::<user::Entity>().await?,
            verified_users: self.rows_that(verified).await?,
            users_with_data: self.rows_of::<user_revision::Entity>().await?,
            sessions: self.rows_that(live).await?,
            tasks,
            open_tasks: tasks.without(completed_tasks).without(deleted_tasks),
            completed_tasks,
            deleted_tasks,
            lists: self.rows_that(lists).await?,
            labels: self.rows_that(labels).await?,
            stored_answers: self.rows_of::<idempotency_key::Entity>().await?,
            verifications: self.rows_of::<verification::Entity>().await?,
            oldest_deletion: self.oldest_deletion().await?,
        })
    }

    /// How many rows a table has.
    async fn rows_of<E: EntityTrait + EntityName>(self) -> Result<Total, Error> {
        match self.rows_that(E::find()).await? {
            Total::Unknown => {
                let estimate = self.services.db.estimated_rows(E::default().table_name()).await?;
                Ok(estimate.map_or(Total::Unknown, Total::About))
            }
            total => Ok(total),
        }
    }

    /// How many rows these are, if that can be counted in time.
    async fn rows_that<E: EntityTrait>(self, rows: Select<E>) -> Result<Total, Error> {
        match self.count(rows).await {
            Ok(count) => Ok(Total::Exact(count)),
            // It took too long, or the database is away: whatever is asked next finds that out.
            Err(Error::Unavailable(_)) => Ok(Total::Unknown),
            Err(error) => Err(error),
        }
    }

    async fn oldest_deletion(self) -> Result<Option<DateTime<Utc>>, Error> {
        let oldest = task::Entity::find()
            .select_only()
            .column_as(task::Column::DeletedAt.min(), "oldest")
            .filter(task::Column::DeletedAt.is_not_null());
        let oldest = oldest.into_tuple::<Option<Micros>>().one(self.services.db.reader()).await;
        match oldest.map_err(Error::from) {
            Ok(oldest) => Ok(oldest.flatten().map(|it| it.0)),
            Err(Error::Unavailable(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }
}
