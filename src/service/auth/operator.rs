//! What whoever runs Docket does to accounts, for `docket user`. No request leads here.

use chrono::{DateTime, TimeDelta, Utc};
use entity::{id::UserId, user};

use super::{
    Auth, Client, Email,
    account::{insert, new_user},
    password::Password,
    token::LIFETIME_SECONDS,
};
use crate::{
    error::{AuthError, Error},
    service::{user_data, values::UserName},
    telemetry::{OPERATOR, SecurityEvent},
};

/// An account to be made.
#[derive(Clone)]
pub struct NewAccount {
    /// Not yet in use.
    pub email: Email,
    /// Shown to people.
    pub name: UserName,
    /// 8 to 128 UTF-16 code units.
    pub password: String,
    /// Whether the address counts as verified.
    pub is_verified: bool,
}

/// An access token that was made for an operator.
#[derive(Clone)]
pub struct IssuedToken {
    /// The JWT.
    pub token: String,
    /// When it expires.
    pub expires_at: DateTime<Utc>,
}

impl Auth<'_> {
    /// Makes an account with a password, by the rules of a sign-up. Nobody is signed in, and no mail is sent.
    pub async fn create_account(self, account: NewAccount) -> Result<user::Model, Error> {
        let password = Password::new(&account.password)?;
        let hash = self.material.hasher.hash_new(password, OPERATOR).await?;
        let user = user::Model { email_verified: account.is_verified, ..new_user(&account.email, account.name) };
        let made = self.db.transaction(async |it| insert(it.connection(), user.clone(), hash.clone()).await);
        made.await?;
        SecurityEvent::AccountCreated.log(&user.id.0, OPERATOR);
        Ok(user)
    }

    /// Sets the password of a user, who may have had none. All mailed links end, and all sessions unless a setting keeps
    /// them. Returns how many sessions have ended.
    pub async fn set_password_of(self, user: &UserId, password: &str) -> Result<u64, Error> {
        let password = Password::new(password)?;
        let hash = self.material.hasher.hash_new(password, OPERATOR).await?;
        let set = self.db.transaction(async |transaction| {
            let connection = transaction.connection();
            let locked = self.lock_user(connection, user).await?.ok_or(AuthError::UserNotFound)?;
            self.set_password(connection, user, hash.clone()).await?;
            self.end_links(connection, user).await?;
            if self.material.policy.reset_keeps_sessions {
                return Ok((locked, 0));
            }
            Ok::<_, Error>((locked, self.end_sessions(connection, user, None).await?))
        });
        let (user, ended) = set.await?;
        SecurityEvent::PasswordSet.log(&user.id.0, OPERATOR);
        self.forget_wrong(&user).await;
        Ok(ended)
    }

    /// Marks the address of a user as verified. Returns whether it was not.
    pub async fn verify_address(self, user: &UserId) -> Result<bool, Error> {
        let is_new = self.set_verified(user).await?;
        SecurityEvent::EmailVerified.log(&user.0, OPERATOR);
        Ok(is_new)
    }

    /// Deletes the account and everything that belongs to it, and returns when all of that is gone.
    pub async fn delete_whole_account(self, user: &UserId) -> Result<(), Error> {
        self.end_account(user, &Client::operator()).await?;
        user_data::erase(self.db, user).await
    }

    /// An access token of a user, as the user gets it.
    pub async fn issue_token(self, user: &user::Model) -> Result<IssuedToken, Error> {
        let now = Utc::now();
        let token = self.access_token_for(&Client::operator(), user, now).await?;
        SecurityEvent::TokenIssued.log(&user.id.0, OPERATOR);
        Ok(IssuedToken { token, expires_at: now + TimeDelta::seconds(LIFETIME_SECONDS) })
    }
}
