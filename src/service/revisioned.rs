//! Revisioned rows: what tasks, lists and labels have in common. Each has one owner, an id that a client may choose, the
//! revision of the owner's write that last changed it, and a tombstone instead of being deleted at once. Every statement
//! names the owner.

use entity::{id::OwnerId, row::FromRow, time::Micros};
use sea_orm::{
    ColumnTrait, DbErr, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect, Select, Value,
    sea_query::{Expr, ExprTrait, SimpleExpr},
};

use super::{
    labels,
    scope::{Outcome, Scope, Write},
    trash::is_restorable,
};
use crate::error::{Current, Error, Thing, ValidationError};

/// A kind of revisioned rows.
pub(super) trait Revisioned: EntityTrait<Model: FromRow> {
    /// The type of its ids.
    type Id: Copy + Into<Value>;

    /// What errors call it.
    const THING: Thing;
    /// Its columns that all kinds have.
    const COLUMNS: CommonColumns<Self::Column>;
    /// How many an owner has at most, if that is bounded.
    const ROOM: Option<Room> = None;

    /// All rows of all owners, with the columns that are read.
    fn select() -> Select<Self> {
        Self::find()
    }

    /// The revision of a row.
    fn revision(row: &Self::Model) -> i64;

    /// When a row was deleted, if it is.
    fn deleted_at(row: &Self::Model) -> Option<Micros>;

    /// Whether a row is deleted.
    fn is_deleted(row: &Self::Model) -> bool {
        Self::deleted_at(row).is_some()
    }

    /// A row as a conflict shows it.
    fn current(row: Self::Model) -> Current;

    /// What a failed write means.
    fn write_error(cause: DbErr) -> Error {
        cause.into()
    }
}

/// How many rows of a kind an owner has at most.
pub(super) struct Room {
    pub(super) most: u64,
    /// What errors call the rows, and what they say of them when there are so many.
    pub(super) field: &'static str,
    pub(super) rule: &'static str,
}

/// The columns that all kinds of revisioned rows have.
pub(super) struct CommonColumns<C> {
    pub(super) id: C,
    pub(super) owner: C,
    pub(super) revision: C,
    pub(super) updated_at: C,
    pub(super) deleted_at: C,
}

/// The rows of an owner, deleted ones too.
pub(super) fn rows_with_deleted<E: Revisioned>(owner: OwnerId) -> Select<E> {
    E::select().filter(E::COLUMNS.owner.eq(owner))
}

/// The rows of an owner that are not deleted.
pub(super) fn rows<E: Revisioned>(owner: OwnerId) -> Select<E> {
    rows_with_deleted(owner).filter(E::COLUMNS.deleted_at.is_null())
}

/// Whether a row has that id.
pub(super) fn has_id<E: Revisioned>(id: E::Id) -> SimpleExpr {
    E::COLUMNS.id.eq(id)
}

/// Whether a row has one of these ids.
pub(super) fn has_id_of<E: Revisioned>(ids: &[E::Id]) -> SimpleExpr {
    E::COLUMNS.id.is_in(ids.iter().copied())
}

impl Scope<'_> {
    /// Those of the rows that are there, in no order, in one statement.
    pub(super) async fn find_many<E: Revisioned>(self, ids: &[E::Id]) -> Result<Vec<E::Model>, Error> {
        Ok(self.reads().rows(rows::<E>(self.owner).filter(has_id_of::<E>(ids))).await?)
    }

    /// Those of the rows that are there or deleted, in no order, in one statement.
    pub(super) async fn find_with_deleted<E: Revisioned>(self, ids: &[E::Id]) -> Result<Vec<E::Model>, Error> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        Ok(self.reads().rows(rows_with_deleted::<E>(self.owner).filter(has_id_of::<E>(ids))).await?)
    }

    /// Restores the deleted row with that id; one that is not deleted stays as it is.
    pub(super) async fn restore<E: Revisioned>(self, id: E::Id) -> Result<E::Model, Error>
    where
        E::Model: Sync,
    {
        self.write_if_needed(async |mut write| {
            let row = write.find_restorable::<E>(id).await?;
            if !E::is_deleted(&row) {
                return Ok(Outcome::Unchanged(row));
            }
            write.check_room::<E>().await?;
            write.revive::<E>(id, Vec::new()).await.map(Outcome::Changed)
        })
        .await
    }

    /// The rows that were changed or deleted after the revision `since` and up to `until`, at most `limit`, in order.
    pub(super) async fn changed<E: Revisioned>(
        self,
        since: i64,
        until: i64,
        limit: u64,
    ) -> Result<Vec<E::Model>, Error> {
        let select = rows_with_deleted::<E>(self.owner)
            .filter(E::COLUMNS.revision.gt(since))
            .filter(E::COLUMNS.revision.lte(until))
            .order_by_asc(E::COLUMNS.revision)
            .limit(limit);
        Ok(self.reads().rows(select).await?)
    }
}

impl Write {
    /// The one row that meets the condition.
    pub(super) async fn find<E: Revisioned>(&self, which: SimpleExpr) -> Result<E::Model, Error> {
        let found = self.connection().row(rows::<E>(self.owner()).filter(which)).await?;
        found.ok_or(Error::NotFound(E::THING))
    }

    /// The one row that meets the condition, if it is as the caller expects. That it is deleted is a conflict for
    /// callers that expect a revision; for others it is not there.
    pub(super) async fn find_expected<E: Revisioned>(
        &self,
        which: SimpleExpr,
        expected: Option<i64>,
    ) -> Result<E::Model, Error> {
        let Some(revision) = expected else { return self.find::<E>(which).await };
        let found = self.connection().row(rows_with_deleted::<E>(self.owner()).filter(which)).await?;
        let row: E::Model = found.ok_or(Error::NotFound(E::THING))?;
        let is_expected = E::revision(&row) == revision && !E::is_deleted(&row);
        if is_expected { Ok(row) } else { Err(self.conflict::<E>(row).await) }
    }

    /// The row with that id, deleted or not.
    pub(super) async fn known<E: Revisioned>(&self, id: E::Id) -> Result<Option<E::Model>, Error> {
        Ok(self.connection().row(rows_with_deleted::<E>(self.owner()).filter(has_id::<E>(id))).await?)
    }

    /// The row that the same request made before with that id, if there is one. An id is used once: one that is deleted
    /// or has other content is a conflict.
    pub(super) async fn existing<E: Revisioned>(
        &self,
        id: Option<E::Id>,
        is_same: impl FnOnce(&E::Model) -> bool,
    ) -> Result<Option<E::Model>, Error> {
        let Some(id) = id else { return Ok(None) };
        match self.known::<E>(id).await? {
            Some(row) if E::is_deleted(&row) || !is_same(&row) => Err(self.conflict::<E>(row).await),
            found => Ok(found),
        }
    }

    /// The conflict with a row, which shows what it is now.
    pub(super) async fn conflict<E: Revisioned>(&self, row: E::Model) -> Error {
        match E::current(row) {
            Current::Task(row, _) => match labels::of_task(self, row.id).await {
                Ok(labels) => Current::Task(row, labels).into(),
                Err(error) => error,
            },
            current => current.into(),
        }
    }

    /// Removes the tombstone with that id, which a new row takes the place of.
    pub(super) async fn remove_deleted<E: Revisioned>(&self, id: E::Id) -> Result<(), Error> {
        E::delete_many()
            .filter(E::COLUMNS.owner.eq(self.owner()))
            .filter(E::COLUMNS.deleted_at.is_not_null())
            .filter(has_id::<E>(id))
            .exec(self.connection())
            .await?;
        Ok(())
    }

    /// How many rows there are.
    pub(super) async fn count<E: Revisioned>(&self) -> Result<u64, Error>
    where
        E::Model: Sync,
    {
        Ok(rows::<E>(self.owner()).count(self.connection()).await?)
    }

    /// Refuses one row more than an owner has at most.
    pub(super) async fn check_room<E: Revisioned>(&self) -> Result<(), Error>
    where
        E::Model: Sync,
    {
        match E::ROOM {
            Some(Room { most, field, rule }) if self.count::<E>().await? >= most => {
                Err(Error::invalid(field, ValidationError::Rule(rule)))
            }
            _ => Ok(()),
        }
    }

    /// How many rows have one of these ids.
    pub(super) async fn count_of<E: Revisioned>(&self, ids: &[E::Id]) -> Result<u64, Error>
    where
        E::Model: Sync,
    {
        Ok(rows::<E>(self.owner()).filter(has_id_of::<E>(ids)).count(self.connection()).await?)
    }

    /// Refuses ids of which one is of no row.
    pub(super) async fn check_exist<E: Revisioned>(&self, ids: &[E::Id]) -> Result<(), Error>
    where
        E::Model: Sync,
    {
        if self.count_of::<E>(ids).await? == ids.len() as u64 { Ok(()) } else { Err(Error::NotFound(E::THING)) }
    }

    /// Changes the one row that meets the condition, under a revision of its own.
    pub(super) async fn update<E: Revisioned>(
        &mut self,
        which: SimpleExpr,
        changes: Vec<(E::Column, SimpleExpr)>,
    ) -> Result<E::Model, Error> {
        self.change::<E>(E::COLUMNS.deleted_at.is_null().and(which), changes).await
    }

    /// Brings the deleted row with that id back, with these changes, under a revision of its own.
    pub(super) async fn revive<E: Revisioned>(
        &mut self,
        id: E::Id,
        changes: Vec<(E::Column, SimpleExpr)>,
    ) -> Result<E::Model, Error> {
        let back = (E::COLUMNS.deleted_at, Expr::value(None::<Micros>));
        let changes = changes.into_iter().chain([back]).collect();
        self.change::<E>(E::COLUMNS.deleted_at.is_not_null().and(has_id::<E>(id)), changes).await
    }

    /// The deleted row with that id, if it can be restored; or the row, if it is not deleted.
    pub(super) async fn find_restorable<E: Revisioned>(&self, id: E::Id) -> Result<E::Model, Error> {
        let known = self.known::<E>(id).await?.ok_or(Error::NotFound(E::THING))?;
        match E::deleted_at(&known) {
            Some(deleted_at) if !is_restorable(deleted_at) => Err(Error::NotFound(E::THING)),
            _ => Ok(known),
        }
    }

    async fn change<E: Revisioned>(
        &mut self,
        which: SimpleExpr,
        changes: Vec<(E::Column, SimpleExpr)>,
    ) -> Result<E::Model, Error> {
        let revision = self.number().await?;
        let update = E::update_many().filter(E::COLUMNS.owner.eq(self.owner())).filter(which);
        let updated = changes
            .into_iter()
            .fold(update, |update, (column, value)| update.col_expr(column, value))
            .col_expr(E::COLUMNS.revision, Expr::value(revision))
            .col_expr(E::COLUMNS.updated_at, Expr::value(Micros::now()))
            .exec_with_returning(self.connection())
            .await
            .map_err(E::write_error)?;
        updated.into_iter().next().ok_or(Error::NotFound(E::THING))
    }

    /// Deletes the one row that meets the condition: it stays as a tombstone, until it is purged.
    pub(super) async fn delete<E: Revisioned>(&mut self, which: SimpleExpr) -> Result<E::Model, Error> {
        self.update::<E>(which, vec![(E::COLUMNS.deleted_at, Expr::value(Some(Micros::now())))]).await
    }
}
