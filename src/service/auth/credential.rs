//! The password of an account: how it is compared, changed and kept. To hash one takes so long that the stored one may
//! be another meanwhile: what follows from it is done only as long as it is not.

use entity::{account, id::UserId, session, time::Millis};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, Condition, EntityTrait, IntoActiveModel, QueryFilter, QuerySelect, sea_query::Expr,
};

use super::{
    Auth, Client, LiveSession,
    password::{Password, VerifiedHash},
    random_id,
    session::{SESSION_LIFETIME, begin},
};
use crate::{
    db::Connection,
    error::{AuthError, Error},
    telemetry::SecurityEvent,
};

/// A change of password.
#[derive(Clone)]
pub struct PasswordChange {
    /// The password until now.
    pub current: String,
    /// The password from now on: 8 to 128 UTF-16 code units.
    pub new: String,
    /// Whether all sessions are to end and a new one begins, if the client says so.
    pub ends_sessions: Option<bool>,
}

/// The provider of accounts with e-mail and password.
const CREDENTIAL: &str = "credential";
/// How often a password is compared that becomes another meanwhile.
pub(super) const MAX_ATTEMPTS: usize = 3;

impl Auth<'_> {
    /// Changes the password. If all sessions are to end, a new one is made.
    pub async fn change_password(
        self,
        live: &LiveSession,
        change: &PasswordChange,
        client: &Client,
    ) -> Result<Option<session::Model>, Error> {
        let PasswordChange { current, new, ends_sessions } = change;
        let (user, new) = (&live.user.id, Password::new(new)?);
        for _ in 0..MAX_ATTEMPTS {
            let stored = self.password_of(user).await?.ok_or(AuthError::NoCredential)?;
            self.confirm(user, Password::shown(current)?, stored.clone()).await?;
            let hash = self.material.hasher.hash_new(new.clone(), &user.0).await?;
            let changed = self.db.transaction(async |transaction| {
                let connection = transaction.connection();
                self.lock_user(connection, user).await?;
                if !self.keep_password(connection, user, &stored, Some(hash.clone())).await? {
                    return Ok(None);
                }
                self.end_links(connection, user).await?;
                match ends_sessions {
                    Some(true) => drop(self.end_sessions(connection, user, None).await?),
                    // Whoever changes a password means to be alone with it, unless the client or a setting says otherwise.
                    None if !self.material.policy.reset_keeps_sessions => {
                        self.end_sessions(connection, user, Some(&live.session.token)).await?;
                        return Ok(Some(None));
                    }
                    Some(false) | None => return Ok(Some(None)),
                }
                begin(connection, live.user.clone(), client, SESSION_LIFETIME)
                    .await
                    .map(|(session, _)| Some(Some(session)))
            });
            if let Some(session) = changed.await? {
                SecurityEvent::PasswordChanged.log(&user.0, client);
                return Ok(session);
            }
        }
        Err(Error::Busy)
    }

    /// Whether the password is the user's.
    pub async fn check_password(self, user: &UserId, password: &str) -> Result<(), Error> {
        let password = Password::shown(password)?;
        let stored = self.password_of(user).await?.ok_or(AuthError::InvalidPassword)?;
        self.confirm(user, password, stored).await
    }

    /// Refuses a password that is not the stored one. Whoever got hold of a session has no more attempts than a stranger.
    async fn confirm(self, user: &UserId, password: Password, stored: String) -> Result<(), Error> {
        let guesses = self.attempt_again(user).await?;
        if self.material.hasher.verify(password, stored, &user.0).await? {
            return Ok(());
        }
        self.guessed_wrong(guesses).await;
        Err(AuthError::InvalidPassword.into())
    }

    /// The hash of the user's password if it is this one; all others take the same time, and nobody's too.
    pub(super) async fn matching(
        self,
        user: Option<&UserId>,
        password: &Password,
        asker: &str,
    ) -> Result<Option<VerifiedHash>, Error> {
        let hasher = &self.material.hasher;
        let stored = self.password_of(user.unwrap_or(&UserId(random_id()))).await?;
        if let Some(stored) = &stored
            && let Some(verified) = hasher.verify_and_renew(password.clone(), stored.clone(), asker).await?
        {
            return Ok(Some(verified));
        }
        hasher.waste(password, stored.as_deref(), asker).await?;
        Ok(None)
    }

    /// Keeps the stored hash from others until the transaction ends, or puts another one in its place; whether it is
    /// still that one.
    pub(super) async fn keep_password(
        self,
        connection: &Connection,
        user: &UserId,
        stored: &str,
        next: Option<String>,
    ) -> Result<bool, Error> {
        let same = credential_of(user).add(account::Column::Password.eq(stored));
        match next {
            Some(hash) => replace(connection, same, hash).await,
            None => Ok(account::Entity::find().filter(same).lock_shared().one(connection).await?.is_some()),
        }
    }

    /// Stores a hash; a user without a password gets one.
    pub(super) async fn set_password(self, connection: &Connection, user: &UserId, hash: String) -> Result<(), Error> {
        if !replace(connection, credential_of(user), hash.clone()).await? {
            credential(user, hash, Millis::now()).into_active_model().insert(connection).await?;
        }
        Ok(())
    }

    /// The hash of the user's password, which nobody changes until the transaction ends.
    pub(super) async fn locked_password(self, connection: &Connection, user: &UserId) -> Result<Option<String>, Error> {
        let account = account::Entity::find().filter(credential_of(user)).lock_shared().one(connection).await?;
        Ok(account.and_then(|it| it.password))
    }

    pub(super) async fn password_of(self, user: &UserId) -> Result<Option<String>, Error> {
        let account = account::Entity::find().filter(credential_of(user)).one(self.db.reader()).await?;
        Ok(account.and_then(|it| it.password))
    }
}

/// The account with the user's password.
fn credential_of(user: &UserId) -> Condition {
    Condition::all().add(account::Column::UserId.eq(user.clone())).add(account::Column::ProviderId.eq(CREDENTIAL))
}

/// Puts a hash into the accounts for which that holds; whether there was one.
async fn replace(connection: &Connection, of: Condition, hash: String) -> Result<bool, Error> {
    let changed = account::Entity::update_many()
        .filter(of)
        .col_expr(account::Column::Password, Expr::value(hash))
        .col_expr(account::Column::UpdatedAt, Expr::value(Millis::now()))
        .exec(connection)
        .await?;
    Ok(changed.rows_affected > 0)
}

/// The account of a new user, or of one who had no password.
pub(in crate::service) fn credential(user: &UserId, hash: String, now: Millis) -> account::Model {
    account::Model {
        id: random_id(),
        account_id: user.0.clone(),
        provider_id: CREDENTIAL.to_owned(),
        user_id: user.clone(),
        access_token: None,
        refresh_token: None,
        id_token: None,
        access_token_expires_at: None,
        refresh_token_expires_at: None,
        scope: None,
        password: Some(hash),
        created_at: now,
        updated_at: now,
    }
}
