//! The numbers of owners. What a user owns is stored under a short number instead of the user's id, because every index of
//! the data begins with its owner. A number is given once, with an account or before the first write.

use entity::{
    id::{OwnerId, UserId},
    owner,
};
use sea_orm::{ActiveValue::Set, ColumnTrait, DbErr, EntityTrait, QueryFilter, Select, SqlErr, sea_query::OnConflict};

use crate::{
    db::{AccountRow, Connection, Db},
    error::Error,
};

/// How often a number is chosen that somebody has already, until something else must be wrong.
const ATTEMPTS: usize = 20;

/// The number of a user who has one.
pub(super) async fn known_owner(db: &Db, user: &UserId) -> Result<Option<OwnerId>, Error> {
    numbered(db.reader(), user).await
}

/// The number of a user, who gets one if there is none.
pub(super) async fn owner_of(db: &Db, user: &UserId) -> Result<OwnerId, Error> {
    let found: AccountRow<owner::Model> = db.account_row(number_of(user)).await?;
    match found.row {
        Some(owner) => Ok(owner.id),
        None if found.is_of_replica => Err(Error::Busy),
        None => give_number(db.writer(), user).await,
    }
}

/// Gives a number to a user who has none, so that what is read first need not write; and tells the user's number.
pub(super) async fn give_number(connection: &Connection, user: &UserId) -> Result<OwnerId, Error> {
    for _ in 0..ATTEMPTS {
        let id = OwnerId(rand::random_range(1..=i32::MAX));
        let row = owner::ActiveModel { id: Set(id), user_id: Set(user.clone()) };
        let kept = OnConflict::new().do_nothing().to_owned();
        if owner::Entity::insert(row).on_conflict(kept).exec_without_returning(connection).await? == 1 {
            return Ok(id);
        }
        // The user has one already, or somebody else has this one.
        if let Some(known) = numbered(connection, user).await? {
            return Ok(known);
        }
    }
    Err(Error::internal("no number is free for an owner"))
}

async fn numbered(connection: &Connection, user: &UserId) -> Result<Option<OwnerId>, Error> {
    Ok(connection.row::<owner::Model>(number_of(user)).await?.map(|it| it.id))
}

fn number_of(user: &UserId) -> Select<owner::Entity> {
    owner::Entity::find().filter(owner::Column::UserId.eq(user.clone()))
}

/// What a write of an owner comes to whose number is gone, which is that of a deleted account.
pub(super) fn unless_gone(cause: DbErr) -> Error {
    match cause.sql_err() {
        Some(SqlErr::ForeignKeyConstraintViolation(_)) => Error::BadCredentials("token of a deleted user"),
        _ => cause.into(),
    }
}
