//! The tables of an archive, in an order in which their rows can be written.

use std::future::Future;

use entity::{account, jwks, label, list, owner, session, task, task_label, user, user_revision, verification};
use sea_orm::{
    ActiveModelTrait, EntityTrait, EnumIter, Iterable, ModelTrait, PaginatorTrait, PrimaryKeyToColumn, QueryFilter,
    QueryOrder, QuerySelect, Value,
    sea_query::{Expr, ExprTrait, OnConflict},
};
use serde::{Deserialize, Serialize};

use super::{
    ArchiveError,
    row::{Precision, Row},
};
use crate::db::Db;

/// A table. Those that others refer to come first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Table {
    User,
    Session,
    Account,
    Verification,
    Jwks,
    Owners,
    UserRevisions,
    Lists,
    Labels,
    Tasks,
    TaskLabels,
}

/// The rows of a table.
trait Stored:
    EntityTrait<Model: ModelTrait<Entity = Self> + Sync, ActiveModel: ActiveModelTrait<Entity = Self> + Send>
{
    /// What its instants are stored with.
    const PRECISION: Precision;
}

impl Stored for user::Entity {
    const PRECISION: Precision = Precision::Millis;
}

impl Stored for session::Entity {
    const PRECISION: Precision = Precision::Millis;
}

impl Stored for account::Entity {
    const PRECISION: Precision = Precision::Millis;
}

impl Stored for verification::Entity {
    const PRECISION: Precision = Precision::Millis;
}

impl Stored for jwks::Entity {
    const PRECISION: Precision = Precision::Millis;
}

impl Stored for owner::Entity {
    const PRECISION: Precision = Precision::Micros;
}

impl Stored for user_revision::Entity {
    const PRECISION: Precision = Precision::Micros;
}

impl Stored for list::Entity {
    const PRECISION: Precision = Precision::Micros;
}

impl Stored for label::Entity {
    const PRECISION: Precision = Precision::Micros;
}

impl Stored for task::Entity {
    const PRECISION: Precision = Precision::Micros;
}

impl Stored for task_label::Entity {
    const PRECISION: Precision = Precision::Micros;
}

/// Something that is done with the rows of a table.
trait Work {
    type Output;

    fn on<E: Stored>(self) -> impl Future<Output = Result<Self::Output, ArchiveError>> + Send;
}

impl Table {
    async fn work<W: Work + Send>(self, work: W) -> Result<W::Output, ArchiveError> {
        match self {
            Self::User => work.on::<user::Entity>().await,
            Self::Session => work.on::<session::Entity>().await,
            Self::Account => work.on::<account::Entity>().await,
            Self::Verification => work.on::<verification::Entity>().await,
            Self::Jwks => work.on::<jwks::Entity>().await,
            Self::Owners => work.on::<owner::Entity>().await,
            Self::UserRevisions => work.on::<user_revision::Entity>().await,
            Self::Lists => work.on::<list::Entity>().await,
            Self::Labels => work.on::<label::Entity>().await,
            Self::Tasks => work.on::<task::Entity>().await,
            Self::TaskLabels => work.on::<task_label::Entity>().await,
        }
    }

    /// The first rows, or those behind another one, in the order of their keys; none at the end.
    pub(super) async fn page(self, db: &Db, after: Option<&Row>, most: usize) -> Result<Vec<Row>, ArchiveError> {
        self.work(Page { db, after, most: most as u64 }).await
    }

    /// Writes rows that are not there yet.
    pub(super) async fn insert(self, db: &Db, rows: &[Row]) -> Result<(), ArchiveError> {
        self.work(Insert { db, rows }).await
    }

    /// How many rows there are.
    pub(super) async fn count(self, db: &Db) -> Result<u64, ArchiveError> {
        self.work(Count { db }).await
    }

    /// What keeps a row from being one of this table.
    pub(super) fn check(self, row: &Row) -> Result<(), String> {
        match self {
            Self::User => row.model::<user::Entity>(user::Entity::PRECISION).map(drop),
            Self::Session => row.model::<session::Entity>(session::Entity::PRECISION).map(drop),
            Self::Account => row.model::<account::Entity>(account::Entity::PRECISION).map(drop),
            Self::Verification => row.model::<verification::Entity>(verification::Entity::PRECISION).map(drop),
            Self::Jwks => row.model::<jwks::Entity>(jwks::Entity::PRECISION).map(drop),
            Self::Owners => row.model::<owner::Entity>(owner::Entity::PRECISION).map(drop),
            Self::UserRevisions => row.model::<user_revision::Entity>(user_revision::Entity::PRECISION).map(drop),
            Self::Lists => row.model::<list::Entity>(list::Entity::PRECISION).map(drop),
            Self::Labels => row.model::<label::Entity>(label::Entity::PRECISION).map(drop),
            Self::Tasks => row.model::<task::Entity>(task::Entity::PRECISION).map(drop),
            Self::TaskLabels => row.model::<task_label::Entity>(task_label::Entity::PRECISION).map(drop),
        }
    }
}

struct Page<'a> {
    db: &'a Db,
    after: Option<&'a Row>,
    most: u64,
}

impl Work for Page<'_> {
    type Output = Vec<Row>;

    async fn on<E: Stored>(self) -> Result<Vec<Row>, ArchiveError> {
        let keys = || E::PrimaryKey::iter().map(PrimaryKeyToColumn::into_column);
        let select = keys().fold(E::find(), |select, key| select.order_by_asc(key)).limit(self.most);
        let select = match self.after {
            None => select,
            Some(row) => {
                let here = Expr::tuple(keys().map(Expr::col));
                let values: Option<Vec<Value>> = keys().map(|key| row.value(key, E::PRECISION)).collect();
                select.filter(here.gt(Expr::tuple(values.unwrap_or_default().into_iter().map(Expr::value))))
            }
        };
        Ok(select.all(self.db.reader()).await?.iter().map(Row::of::<E>).collect())
    }
}

struct Insert<'a> {
    db: &'a Db,
    rows: &'a [Row],
}

impl Work for Insert<'_> {
    type Output = ();

    async fn on<E: Stored>(self) -> Result<(), ArchiveError> {
        let wrong = |reason| ArchiveError::Database(crate::error::Error::internal(reason));
        let models: Result<Vec<E::ActiveModel>, String> =
            self.rows.iter().map(|row| row.model::<E>(E::PRECISION)).collect();
        let insert = E::insert_many(models.map_err(wrong)?).on_conflict(OnConflict::new().do_nothing().to_owned());
        match insert.exec_without_returning(self.db.writer()).await {
            Err(cause) if cause.sql_err().is_some() => Err(ArchiveError::Mixed),
            done => Ok(done.map(drop)?),
        }
    }
}

struct Count<'a> {
    db: &'a Db,
}

impl Work for Count<'_> {
    type Output = u64;

    async fn on<E: Stored>(self) -> Result<u64, ArchiveError> {
        Ok(E::find().count(self.db.reader()).await?)
    }
}
