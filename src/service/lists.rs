//! One user's lists.

use entity::{id::ListId, list, task, time::Micros};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect, Select,
    sea_query::{Expr, ExprTrait, Order, SimpleExpr},
};

use super::{
    scope::{Outcome, Scope, Write},
    tasks::{self, LONGEST, Tasks},
    values::{Colour, ListName, new_id},
};
use crate::error::{Current, Error, ValidationError};

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
    /// The id, if the client chose it: a second list with it is not made, the first is answered.
    pub id: Option<ListId>,
    /// Its name; several lists may have the same.
    pub name: ListName,
    /// Its colour.
    pub colour: Option<Colour>,
}

/// Changes to a list: an absent field stays, an inner `None` clears.
#[derive(Clone, Debug, Default)]
pub struct ListPatch {
    /// Its name.
    pub name: Option<ListName>,
    /// Its colour.
    pub colour: Option<Option<Colour>>,
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

impl<'a> Lists<'a> {
    pub(super) fn new(scope: Scope<'a>) -> Self {
        Self { scope }
    }

    /// All lists in their order: archived ones only, or only the others, if asked for.
    pub async fn all(self, archived: Option<bool>) -> Result<Vec<list::Model>, Error> {
        let mut lists = self.mine();
        if let Some(archived) = archived {
            lists = lists.filter(list::Column::Archived.eq(archived));
        }
        Ok(self.scope.db.reader().rows(lists.order_by_asc(list::Column::Position)).await?)
    }

    /// Those of the lists that are there, in no order, in one statement.
    pub async fn find_many(self, ids: &[ListId]) -> Result<Vec<list::Model>, Error> {
        let select = self.mine().filter(list::Column::Id.is_in(ids.iter().copied()));
        Ok(self.scope.db.reader().rows(select).await?)
    }

    /// Makes a list, the last of all. An id that is there already makes nothing: its list is answered.
    pub async fn create(self, draft: NewList) -> Result<list::Model, Error> {
        self.scope
            .write_if_needed(async |mut write| {
                if let Some(id) = draft.id
                    && let Some(known) = self.with_deleted().filter(is(id)).one(write.connection()).await?
                {
                    return match known.deleted_at {
                        None => Ok(Outcome::Unchanged(known)),
                        Some(_) => Err(Current::List(known).into()),
                    };
                }
                self.add(&mut write, draft, false).await.map(Outcome::Changed)
            })
            .await
    }

    /// Adds a list to a larger write, unless its id is there already; tells whether it did. It takes the place of a
    /// deleted one.
    pub(super) async fn insert(self, write: &mut Write<'_>, draft: NewList, is_archived: bool) -> Result<bool, Error> {
        if let Some(id) = draft.id {
            if self.mine().filter(is(id)).count(write.connection()).await? > 0 {
                return Ok(false);
            }
            list::Entity::delete_by_id((id, self.scope.owner.clone())).exec(write.connection()).await?;
        }
        self.add(write, draft, is_archived).await.map(|_| true)
    }

    async fn add(self, write: &mut Write<'_>, draft: NewList, is_archived: bool) -> Result<list::Model, Error> {
        if self.mine().count(write.connection()).await? >= MAX_LISTS_PER_USER as u64 {
            return Err(Error::invalid("lists", ValidationError::Rule("are 500 already")));
        }
        let (number, now) = (write.number().await?, Micros::now());
        let row = list::ActiveModel {
            id: Set(draft.id.unwrap_or_else(|| ListId(new_id()))),
            user_id: Set(self.scope.owner.clone()),
            name: Set(draft.name.into()),
            colour: Set(draft.colour.map(Into::into)),
            position: Set(tasks::behind_all(number)),
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
                let row = self.current(&write, id).await?;
                is_expected(expected, &row)?;
                let ListPatch { name, colour, archived } = edit;
                let mut changes = Vec::new();
                if let Some(name) = name {
                    changes.push((list::Column::Name, Expr::value(String::from(name))));
                }
                if let Some(colour) = colour {
                    changes.push((list::Column::Colour, Expr::value(colour.map(String::from))));
                }
                if let Some(archived) = archived {
                    changes.push((list::Column::Archived, Expr::value(archived)));
                }
                if changes.is_empty() {
                    return Ok(Outcome::Unchanged(row));
                }
                self.change(&mut write, id, changes).await.map(Outcome::Changed)
            })
            .await
    }

    /// Moves a list among the lists.
    pub async fn move_to(self, id: ListId, place: ListPosition, expected: Option<i64>) -> Result<list::Model, Error> {
        self.scope
            .write(async |mut write| {
                is_expected(expected, &self.current(&write, id).await?)?;
                let (ListPosition::Before(anchor) | ListPosition::After(anchor)) = place;
                if anchor == id {
                    return Err(Error::invalid("place", ValidationError::Rule("must name another list")));
                }
                let mut position = self.position(&mut write, place).await?;
                if position.len() > LONGEST {
                    self.space_out(&mut write).await?;
                    position = self.position(&mut write, place).await?;
                }
                self.change(&mut write, id, vec![(list::Column::Position, Expr::value(position))]).await
            })
            .await
    }

    /// Puts all lists at new places in the order that they have, where there is room between any two.
    async fn space_out(self, write: &mut Write<'_>) -> Result<(), Error> {
        for row in self.mine().order_by_asc(list::Column::Position).all(write.connection()).await? {
            let position = tasks::behind_all(write.number().await?);
            self.change(write, row.id, vec![(list::Column::Position, Expr::value(position))]).await?;
        }
        Ok(())
    }

    async fn position(self, write: &mut Write<'_>, place: ListPosition) -> Result<String, Error> {
        let (ListPosition::Before(anchor) | ListPosition::After(anchor)) = place;
        let anchor = self.current(write, anchor).await?.position;
        let column = || Expr::col(list::Column::Position);
        let (beyond, nearest) = match place {
            ListPosition::Before(_) => (column().lt(anchor.clone()), Order::Desc),
            ListPosition::After(_) => (column().gt(anchor.clone()), Order::Asc),
        };
        let neighbour: Option<String> = self
            .with_deleted()
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
            (ListPosition::After(_), None) => tasks::behind_all(write.number().await?),
        })
    }

    /// Deletes a list; its tasks stay, in no list.
    pub async fn delete(self, id: ListId, expected: Option<i64>) -> Result<list::Model, Error> {
        self.scope
            .write(async |mut write| {
                is_expected(expected, &self.current(&write, id).await?)?;
                let gone = vec![(list::Column::DeletedAt, Expr::value(Some(Micros::now())))];
                let row = self.change(&mut write, id, gone).await?;
                Tasks::new(self.scope).leave(&mut write, id).await?;
                Ok(row)
            })
            .await
    }

    async fn change(
        self,
        write: &mut Write<'_>,
        id: ListId,
        changes: Vec<(list::Column, SimpleExpr)>,
    ) -> Result<list::Model, Error> {
        let number = write.number().await?;
        let update = list::Entity::update_many()
            .filter(list::Column::UserId.eq(self.scope.owner.clone()))
            .filter(list::Column::DeletedAt.is_null())
            .filter(is(id));
        let updated = changes
            .into_iter()
            .fold(update, |update, (column, value)| update.col_expr(column, value))
            .col_expr(list::Column::Revision, Expr::value(number))
            .col_expr(list::Column::UpdatedAt, Expr::value(Micros::now()))
            .exec_with_returning(write.connection())
            .await?;
        updated.into_iter().next().ok_or(Error::NotFound("list"))
    }

    async fn current(self, write: &Write<'_>, id: ListId) -> Result<list::Model, Error> {
        self.mine().filter(is(id)).one(write.connection()).await?.ok_or(Error::NotFound("list"))
    }

    fn mine(self) -> Select<list::Entity> {
        self.with_deleted().filter(list::Column::DeletedAt.is_null())
    }

    fn with_deleted(self) -> Select<list::Entity> {
        list::Entity::find().filter(list::Column::UserId.eq(self.scope.owner.clone()))
    }
}

fn is(id: ListId) -> SimpleExpr {
    list::Column::Id.eq(id)
}

fn is_expected(expected: Option<i64>, row: &list::Model) -> Result<(), Error> {
    match expected {
        Some(revision) if revision != row.revision => Err(Current::List(row.clone()).into()),
        _ => Ok(()),
    }
}

/// Whether the list is there.
pub(super) async fn check(write: &Write<'_>, id: ListId) -> Result<(), Error> {
    let there = list::Entity::find()
        .filter(list::Column::UserId.eq(write.owner().clone()))
        .filter(list::Column::DeletedAt.is_null())
        .filter(is(id));
    if there.count(write.connection()).await? == 1 { Ok(()) } else { Err(Error::NotFound("list")) }
}

impl Tasks<'_> {
    /// Takes all tasks out of a list, deleted ones too, which would otherwise come back into a list that is gone.
    async fn leave(self, write: &mut Write<'_>, list: ListId) -> Result<(), Error> {
        let in_it = || task::Column::ListId.eq(list);
        self.change_all(write, in_it(), vec![(task::Column::ListId, Expr::value(None::<ListId>))]).await?;
        task::Entity::update_many()
            .filter(task::Column::UserId.eq(write.owner().clone()))
            .filter(in_it())
            .col_expr(task::Column::ListId, Expr::value(None::<ListId>))
            .exec(write.connection())
            .await?;
        Ok(())
    }
}
