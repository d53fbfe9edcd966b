//! The numbers of owners. What a user owns is stored under a short number instead of the user's id, because every index of
//! the data begins with its owner. A number is given once, with an
//! account or before the first write.

use entity::{
    id::{OwnerId, UserId},
    owner,
};
use sea_orm::{ActiveValue::Set, ColumnTrait, DbErr, EntityTrait, QueryFilter, SqlErr, sea_query::OnConflict};

use crate::{
    db::{AccountRow, Connection, Db},
    error::Error,
};

/// How often a number is chosen that somebody has already, until something else must be wrong.
const ATTEMPTS: usize = 20;

/// The number of a user who has one.
pub(super) async fn known_owner(db: &Db, user: &UserId) -> Result<Option<OwnerId>, Error> {
    let its = owner::Entity::find().filter(owner::Column::UserId.eq(user.clone()));
    Ok(db.reader().row::<owner::Model>(its).await?.map(|it| it.id))
}

/// The number of a user, who gets one if there is none.
pub(super) async fn owner_of(db: &Db, user: &UserId) -> Result<OwnerId, Error> {
    let its = owner::Entity::find().filter(owner::Column::UserId.eq(user.clone()));
    for _ in 0..ATTEMPTS {
        let found: AccountRow<owner::Model> = db.account_row(its.clone()).await?;
        if let Some(owner) = found.row {
            return Ok(owner.id);
        }
        if found.is_of_replica {
            return Err(Error::Busy);
        }
        // Of several at once one gives it, and the others find it.
        if let Some(given) = give(db.writer(), user).await? {
            return Ok(given);
        }
    }
    Err(no_number())
}

/// Gives a number to a user who has none, so that what is read first need not write.
pub(super) async fn give_number(connection: &Connection, user: &UserId) -> Result<(), Error> {
    for _ in 0..ATTEMPTS {
        if give(connection, user).await?.is_some() {
            return Ok(());
        }
    }
    Err(no_number())
}

/// Gives a number, unless the user has one or somebody else has that number.
async fn give(connection: &Connection, user: &UserId) -> Result<Option<OwnerId>, Error> {
    let id = OwnerId(rand::random_range(1..=i32::MAX));
    let row = owner::ActiveModel { id: Set(id), user_id: Set(user.clone()) };
    let kept = OnConflict::new().do_nothing().to_owned();
    let given = owner::Entity::insert(row).on_conflict(kept).exec_without_returning(connection).await?;
    Ok((given == 1).then_some(id))
}

fn no_number() -> Error {
    Error::internal("no number is free for an owner")
}

/// What a write of an owner comes to whose number is gone, which is that of a deleted account.
pub(super) fn unless_gone(cause: DbErr) -> Error {
    match cause.sql_err() {
        Some(SqlErr::ForeignKeyConstraintViolation(_)) => Error::BadCredentials("token of a deleted user"),
        _ => cause.into(),
    }
}
