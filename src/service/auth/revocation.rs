//! What ends when the password, the address or the sessions of a user change: links that were mailed before. A link that a
//! row stands for ends with its row. A link that is a signed token names the session that asked for it and the state of
//! the credentials at that time, and both are compared when it is followed.
//!
//! Whatever changes credentials locks the user first, so that changes of one user happen one after the other and take
//! their locks in the same order. The lock lets others refer to the user meanwhile, as a sign-in does.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use entity::{id::UserId, session, time::Millis, user, verification};
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QuerySelect, sea_query::LockType};
use sha2::{Digest, Sha256};

use super::{Auth, links::AddressChange};
use crate::{
    db::Connection,
    error::{AuthError, Error},
};

/// What the identifier of a link to set a password begins with.
pub(super) const RESET: &str = "reset-password:";
/// What the identifier of a link to delete an account begins with.
pub(super) const DELETION: &str = "delete-account-";

impl Auth<'_> {
    /// The user, whose credentials nobody else changes until the transaction ends.
    pub(super) async fn lock_user(self, connection: &Connection, user: &UserId) -> Result<Option<user::Model>, Error> {
        Ok(user::Entity::find_by_id(user.clone()).lock(LockType::NoKeyUpdate).one(connection).await?)
    }

    /// Ends the user's links that rows stand for.
    pub(super) async fn end_links(self, connection: &Connection, user: &UserId) -> Result<(), Error> {
        let is_link = Condition::any()
            .add(verification::Column::Identifier.starts_with(RESET))
            .add(verification::Column::Identifier.starts_with(DELETION));
        verification::Entity::delete_many()
            .filter(verification::Column::Value.eq(user.0.clone()))
            .filter(is_link)
            .exec(connection)
            .await?;
        Ok(())
    }

    /// Refuses a change of the address that was asked for with another password or address, or in a session that has ended.
    /// Nothing of that changes until the transaction ends.
    pub(super) async fn check_change(
        self,
        connection: &Connection,
        user: &user::Model,
        change: &AddressChange,
    ) -> Result<(), Error> {
        let now = self.lock_user(connection, &user.id).await?;
        let password = self.locked_password(connection, &user.id).await?;
        let session = session::Entity::find_by_id(change.session_id.clone())
            .filter(session::Column::UserId.eq(user.id.clone()))
            .filter(session::Column::ExpiresAt.gt(Millis::now()))
            .lock_shared()
            .one(connection)
            .await?;
        let state = now.map(|now| self.credential_state(&now.email, password.as_deref()));
        let holds = state.as_ref() == Some(&change.state) && session.is_some();
        if holds { Ok(()) } else { Err(AuthError::InvalidToken.into()) }
    }

    /// A digest of what a user signs in with: it tells nothing of it, and is another one after each change.
    pub(super) fn credential_state(self, email: &str, password: Option<&str>) -> String {
        let digest = Sha256::new()
            .chain_update(self.material.links.state_key())
            .chain_update(Sha256::digest(email))
            .chain_update(Sha256::digest(password.unwrap_or_default()))
            .finalize();
        URL_SAFE_NO_PAD.encode(digest)
    }
}
