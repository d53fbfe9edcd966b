//! The trash of one user: tasks, lists and labels that were deleted and can be restored.

use chrono::{Duration, Utc};
use entity::{id::OwnerId, label, list, task, time::Micros};
use sea_orm::{
    ColumnTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect, Select,
    sea_query::{Expr, ExprTrait},
};

use super::{
    page::{Cursor, CursorValue, Page, PageRequest},
    revisioned::{Revisioned, rows_with_deleted},
    scope::Scope,
};
use crate::error::{Error, ValidationError};

/// How long what is deleted can be restored.
pub const RESTORABLE: Duration = Duration::days(30);
/// How many lists or labels are shown at most.
pub const MAX_SHOWN: u64 = 500;

/// The trash of one user.
#[derive(Clone, Copy, Debug)]
pub struct Trash<'a> {
    scope: Scope<'a>,
}

impl<'a> Trash<'a> {
    pub(super) fn new(scope: Scope<'a>) -> Self {
        Self { scope }
    }

    /// A page of the deleted tasks, the last deleted first; subtasks are among them.
    pub async fn tasks(self, page: &PageRequest) -> Result<Page<task::Model>, Error> {
        let select = last_deleted::<task::Entity>(self.scope.owner).order_by_desc(task::Column::Number);
        let here = || Expr::tuple([Expr::col(task::Column::DeletedAt), Expr::col(task::Column::Number)]);
        let select = match &page.after {
            None => select,
            Some(after) => {
                let place = place(after).ok_or(Error::invalid("after", ValidationError::Cursor))?;
                select.filter(here().lt(Expr::tuple([Expr::value(place), Expr::value(after.number)])))
            }
        };
        Ok(page.cut(self.scope.reads().rows(select.limit(page.size as u64 + 1)).await?))
    }

    /// How many deleted tasks there are.
    pub async fn task_count(self) -> Result<u64, Error> {
        Ok(deleted::<task::Entity>(self.scope.owner).count(&*self.scope.reads()).await?)
    }

    /// The deleted lists, the last deleted first, at most 500.
    pub async fn lists(self) -> Result<Vec<list::Model>, Error> {
        Ok(self.scope.reads().rows(last_deleted::<list::Entity>(self.scope.owner).limit(MAX_SHOWN)).await?)
    }

    /// The deleted labels, the last deleted first, at most 500.
    pub async fn labels(self) -> Result<Vec<label::Model>, Error> {
        Ok(self.scope.reads().rows(last_deleted::<label::Entity>(self.scope.owner).limit(MAX_SHOWN)).await?)
    }
}

/// Cursor of a task in the trash.
pub fn cursor(row: &task::Model) -> Cursor {
    Cursor { order: 0, values: vec![CursorValue::Time(row.deleted_at)], number: row.number }
}

fn place(cursor: &Cursor) -> Option<Micros> {
    match (cursor.order, cursor.values.as_slice()) {
        (0, [CursorValue::Time(instant)]) => *instant,
        _ => None,
    }
}

/// Whether what was deleted then can be restored.
pub(super) fn is_restorable(deleted_at: Micros) -> bool {
    deleted_at.0 >= Utc::now() - RESTORABLE
}

fn deleted<E: Revisioned>(owner: OwnerId) -> Select<E> {
    let oldest = Micros::from(Utc::now() - RESTORABLE);
    let deleted_at = E::COLUMNS.deleted_at;
    rows_with_deleted::<E>(owner).filter(deleted_at.gte(oldest))
}

fn last_deleted<E: Revisioned>(owner: OwnerId) -> Select<E> {
    deleted::<E>(owner).order_by_desc(E::COLUMNS.deleted_at)
}
