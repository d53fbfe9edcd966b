//! One user's lists.

use entity::{id::ListId, list, task, time::Micros};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{Expr, ExprTrait, Order, SimpleExpr},
};

use super::{
    revisioned::{CommonColumns, Revisioned, Room, has_id, rows, rows_with_deleted},
    scope::{Outcome, Scope, Write},
    tasks::{self, MAX_KEY_LENGTH, Tasks},
    values::{Color, ListName, new_id},
};
use crate::error::{Current, Error, Thing, ValidationError};

/// How many lists a user has at most.
pub(super) const MAX_LISTS_PER_USER: usize = 500;

/// The lists of one user.
#[derive(Clone, Copy, Debug)]
pub struct Lists<'a> {
    scope: Scope<'a>,
}

/// A list that is to be made.
#[derive(Clone, Debug)]
pub struct NewList {
    /// The id, if the client chose it: the same list with it is made once, and another is a conflict.
    pub id: Option<ListId>,
    /// Its name; several lists may have the same.
    pub name: ListName,
    /// Its color.
    pub color: Option<Color>,
}

/// Changes to a list: an absent field stays, an inner `None` clears.
#[derive(Clone, Debug, Default)]
pub struct ListPatch {
    /// Its name.
    pub name: Option<ListName>,
    /// Its color.
    pub color: Option<Option<Color>>,
    /// Whether it is out of the way.
    pub archived: Option<bool>,
}

/// Where a list is to stand among the lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListPosition {
    /// In front of another list.
    Before(ListId),
    /// Behind another list.
    After(ListId),
}

impl ListPatch {
    /// The columns that change.
    fn columns(&self) -> Vec<(list::Column, SimpleExpr)> {
        let Self { name, color, archived } = self.clone();
        let name = name.map(|name| (list::Column::Name, Expr::value(String::from(name))));
        let color = color.map(|color| (list::Column::Color, Expr::value(color.map(String::from))));
        let archived = archived.map(|archived| (list::Column::Archived, Expr::value(archived)));
        name.into_iter().chain(color).chain(archived).collect()
    }
}

impl NewList {
    /// Whether that list was made of the same.
    pub(super) fn is_same(&self, row: &list::Model) -> bool {
        row.name == self.name.as_str() && row.color.as_deref() == self.color.as_ref().map(Color::as_str)
    }
}

impl Revisioned for list::Entity {
    type Id = ListId;

    const THING: Thing = Thing::List;
    const COLUMNS: CommonColumns<list::Column> = CommonColumns {
        id: list::Column::Id,
        owner: list::Column::OwnerId,
        revision: list::Column::Revision,
        updated_at: list::Column::UpdatedAt,
        deleted_at: list::Column::DeletedAt,
    };
    const ROOM: Option<Room> = Some(Room { most: MAX_LISTS_PER_USER as u64, field: "lists", rule: "are 500 already" });

    fn revision(row: &list::Model) -> i64 {
        row.revision
    }

    fn deleted_at(row: &list::Model) -> Option<Micros> {
        row.deleted_at
    }

    fn current(row: list::Model) -> Current {
        Current::List(row)
    }
}

impl<'a> Lists<'a> {
    pub(super) fn new(scope: Scope<'a>) -> Self {
        Self { scope }
    }

    /// All lists in their order: archived ones only, or only the others, if asked for.
    pub async fn all(self, archived: Option<bool>) -> Result<Vec<list::Model>, Error> {
        let mut lists = rows::<list::Entity>(self.scope.owner);
        if let Some(archived) = archived {
            lists = lists.filter(list::Column::Archived.eq(archived));
        }
        Ok(self.scope.reads().rows(lists.order_by_asc(list::Column::Position)).await?)
    }

    /// Those of the lists that are there, in no order, in one statement.
    pub async fn find_many(self, ids: &[ListId]) -> Result<Vec<list::Model>, Error> {
        self.scope.find_many::<list::Entity>(ids).await
    }

    /// Makes a list, the last of all. A repeated request makes nothing: the list of the first is answered.
    pub async fn create(self, draft: NewList) -> Result<list::Model, Error> {
        self.scope
            .write_if_needed(async |mut write| {
                if let Some(known) = write.existing::<list::Entity>(draft.id, |it| draft.is_same(it)).await? {
                    return Ok(Outcome::Unchanged(known));
                }
                self.add(&mut write, draft.clone(), false).await.map(Outcome::Changed)
            })
            .await
    }

    /// Makes a list that may be archived.
    pub(super) async fn create_with(self, draft: NewList, is_archived: bool) -> Result<(), Error> {
        self.scope.write(async |mut write| self.add(&mut write, draft.clone(), is_archived).await.map(drop)).await
    }

    /// Restores a deleted list; its former tasks stay in the lists that they are in, or in none.
    pub async fn restore(self, id: ListId) -> Result<list::Model, Error> {
        self.scope.restore::<list::Entity>(id).await
    }

    /// Brings a deleted list back, with these changes.
    pub(super) async fn revive(self, id: ListId, edit: ListPatch) -> Result<(), Error> {
        self.scope
            .write(async |mut write| {
                write.check_room::<list::Entity>().await?;
                write.revive::<list::Entity>(id, edit.columns()).await.map(drop)
            })
            .await
    }

    /// Adds a list to a larger write, unless its id is there already; tells whether it did. It takes the place of a
    /// deleted one.
    pub(super) async fn insert(self, write: &mut Write, draft: NewList, is_archived: bool) -> Result<bool, Error> {
        if let Some(id) = draft.id {
            if write.count_of::<list::Entity>(&[id]).await? > 0 {
                return Ok(false);
            }
            write.remove_deleted::<list::Entity>(id).await?;
        }
        self.add(write, draft, is_archived).await.map(|_| true)
    }

    async fn add(self, write: &mut Write, draft: NewList, is_archived: bool) -> Result<list::Model, Error> {
        write.check_room::<list::Entity>().await?;
        let (number, now) = (write.number().await?, Micros::now());
        let row = list::ActiveModel {
            id: Set(draft.id.unwrap_or_else(|| ListId(new_id()))),
            owner_id: Set(self.scope.owner),
            name: Set(draft.name.into()),
            color: Set(draft.color.map(Into::into)),
            position: Set(tasks::append_key(number)),
            archived: Set(is_archived),
            revision: Set(number),
            created_at: Set(now),
            updated_at: Set(now),
            deleted_at: Set(None),
        };
        Ok(list::Entity::insert(row).exec_with_returning(write.connection()).await?)
    }

    /// Changes a list; with `expected`, only if that is still its revision.
    pub async fn edit(self, id: ListId, edit: ListPatch, expected: Option<i64>) -> Result<list::Model, Error> {
        self.scope
            .write_if_needed(async |mut write| {
                let row = write.find_expected::<list::Entity>(is(id), expected).await?;
                let changes = edit.columns();
                if changes.is_empty() {
                    return Ok(Outcome::Unchanged(row));
                }
                write.update::<list::Entity>(is(id), changes).await.map(Outcome::Changed)
            })
            .await
    }

    /// Moves a list among the lists.
    pub async fn move_to(self, id: ListId, place: ListPosition, expected: Option<i64>) -> Result<list::Model, Error> {
        self.scope
            .write(async |mut write| {
                write.find_expected::<list::Entity>(is(id), expected).await?;
                let (ListPosition::Before(anchor) | ListPosition::After(anchor)) = place;
                if anchor == id {
                    return Err(Error::invalid("position", ValidationError::Rule("must name another list")));
                }
                let mut position = self.position(&mut write, place).await?;
                if position.len() > MAX_KEY_LENGTH {
                    self.rebalance(&mut write).await?;
                    position = self.position(&mut write, place).await?;
                }
                write.update::<list::Entity>(is(id), vec![(list::Column::Position, Expr::value(position))]).await
            })
            .await
    }

    /// Puts all lists at new places in the order that they have, where there is room between any two.
    async fn rebalance(self, write: &mut Write) -> Result<(), Error> {
        for row in
            rows::<list::Entity>(self.scope.owner).order_by_asc(list::Column::Position).all(write.connection()).await?
        {
            let position = tasks::append_key(write.number().await?);
            write.update::<list::Entity>(is(row.id), vec![(list::Column::Position, Expr::value(position))]).await?;
        }
        Ok(())
    }

    async fn position(self, write: &mut Write, place: ListPosition) -> Result<String, Error> {
        let (ListPosition::Before(anchor) | ListPosition::After(anchor)) = place;
        let anchor = write.find::<list::Entity>(is(anchor)).await?.position;
        let column = || Expr::col(list::Column::Position);
        let (beyond, nearest) = match place {
            ListPosition::Before(_) => (column().lt(anchor.clone()), Order::Desc),
            ListPosition::After(_) => (column().gt(anchor.clone()), Order::Asc),
        };
        let neighbour: Option<String> = rows_with_deleted::<list::Entity>(self.scope.owner)
            .filter(beyond)
            .select_only()
            .column(list::Column::Position)
            .order_by(list::Column::Position, nearest)
            .into_tuple()
            .one(write.connection())
            .await?;
        Ok(match (place, neighbour) {
            (ListPosition::Before(_), before) => tasks::between(before.as_deref(), Some(&anchor)),
            (ListPosition::After(_), Some(behind)) => tasks::between(Some(&anchor), Some(&behind)),
            (ListPosition::After(_), None) => tasks::append_key(write.number().await?),
        })
    }

    /// Deletes a list; its tasks stay, in no list.
    pub async fn delete(self, id: ListId, expected: Option<i64>) -> Result<list::Model, Error> {
        self.scope
            .write(async |mut write| {
                write.find_expected::<list::Entity>(is(id), expected).await?;
                let row = write.delete::<list::Entity>(is(id)).await?;
                Tasks::new(self.scope).leave(&mut write, id).await?;
                Ok(row)
            })
            .await
    }
}

fn is(id: ListId) -> SimpleExpr {
    has_id::<list::Entity>(id)
}

impl Tasks<'_> {
    /// Takes all tasks out of a list, deleted ones too, which would otherwise come back into a list that is gone.
    async fn leave(self, write: &mut Write, list: ListId) -> Result<(), Error> {
        let in_it = || task::Column::ListId.eq(list);
        self.change_all(write, in_it(), vec![(task::Column::ListId, Expr::value(None::<ListId>))]).await?;
        task::Entity::update_many()
            .filter(task::Column::OwnerId.eq(write.owner()))
            .filter(in_it())
            .col_expr(task::Column::ListId, Expr::value(None::<ListId>))
            .exec(write.connection())
            .await?;
        Ok(())
    }
}
