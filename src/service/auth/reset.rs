//! Links that rows stand for: to set a new password, and to delete an account. Each is used once.

use chrono::{Duration, Utc};
use entity::{id::UserId, time::Millis, user, verification};
use rand::distr::{Alphanumeric, SampleString};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QuerySelect, sea_query::LockType,
};

use super::{
    Auth, Client, Email, LiveSession,
    links::{HOUR, Letter, NOT_ASKED_FOR, Recipient, nobody},
    password::Password,
    random_id,
    revocation::{DELETION, RESET},
};
use crate::{
    db::Connection,
    error::{AuthError, Error},
    telemetry::SecurityEvent,
};

/// How long a link to delete an account holds.
const DAY: Duration = Duration::days(1);
/// How long the token of a link to set a password is.
const RESET_TOKEN: usize = 24;
/// How long the token of a link to delete an account is.
const DELETE_TOKEN: usize = 32;

impl Auth<'_> {
    /// Mails a link to set a new password; the answer is the same for an address that nobody has.
    pub async fn request_reset(self, email: &Email, redirect_to: Option<&str>) -> Result<(), Error> {
        if !self.material.mailer.is_on() {
            return Err(AuthError::ResetDisabled.into());
        }
        let token = Alphanumeric.sample_string(&mut rand::rng(), RESET_TOKEN);
        let found = self.db.transaction(async |transaction| {
            // As long as the link is not stored nobody takes the address away, which would end it.
            let its = user::Entity::find().filter(user::Column::Email.eq(email.as_str())).lock(LockType::KeyShare);
            let found = its.one(transaction.connection()).await?;
            // The same work, whether there is an account or not; a link of nobody is mailed to nobody.
            let id = found.as_ref().map_or_else(random_id, |user| user.id.0.clone());
            self.remember(transaction.connection(), format!("{RESET}{token}"), id, HOUR).await?;
            Ok::<_, Error>(found)
        });
        let found = found.await?;
        let is_there = found.is_some();
        let user = found.unwrap_or_else(|| nobody(email));
        let url = self.url(&format!("/api/auth/reset-password/{token}"), redirect_to.unwrap_or_default());
        let letter = Letter { to: email.as_str(), subject: "Set a new password", otherwise: NOT_ASKED_FOR };
        self.mail(Recipient::only_if(is_there, &user), letter, &url).await
    }

    /// Whether the token of a link to set a password holds; it can still be used afterwards.
    pub async fn is_reset_token(self, token: &str) -> Result<bool, Error> {
        Ok(self.user_of_reset(token).await?.is_some())
    }

    async fn user_of_reset(self, token: &str) -> Result<Option<UserId>, Error> {
        let row = verification::Entity::find()
            .filter(verification::Column::Identifier.eq(format!("{RESET}{token}")))
            .filter(verification::Column::ExpiresAt.gt(Millis::now()))
            .one(self.db.reader())
            .await?;
        Ok(row.map(|row| UserId(row.value)))
    }

    /// Sets a new password with the token of a link, which is used up, as all other links of the user are. Sessions end,
    /// unless a setting keeps them.
    pub async fn reset_password(self, token: &str, password: &str, client: &Client) -> Result<(), Error> {
        let password = Password::new(password)?;
        let user = self.user_of_reset(token).await?.ok_or(AuthError::InvalidToken)?;
        let hash = self.material.hasher.hash_new(password, &client.asker()).await?;
        let reset = self.db.transaction(async |transaction| {
            let connection = transaction.connection();
            // Another link of the same user waits until this one is done; a user who is gone has no password.
            let locked = self.lock_user(connection, &user).await?.ok_or(AuthError::InvalidToken)?;
            let used = verification::Entity::delete_many()
                .filter(verification::Column::Identifier.eq(format!("{RESET}{token}")))
                .filter(verification::Column::Value.eq(user.0.clone()))
                .filter(verification::Column::ExpiresAt.gt(Millis::now()))
                .exec(connection)
                .await?;
            if used.rows_affected == 0 {
                return Err(AuthError::InvalidToken.into());
            }
            self.set_password(connection, &user, hash.clone()).await?;
            self.end_links(connection, &user).await?;
            if !self.material.policy.reset_keeps_sessions {
                self.end_sessions(connection, &user, None).await?;
            }
            Ok::<_, Error>(locked)
        });
        let user = reset.await?;
        SecurityEvent::PasswordReset.log(&user.id.0, client);
        self.forget_wrong(&user).await;
        Ok(())
    }

    /// Mails a link that deletes the account.
    pub async fn mail_deletion(self, live: &LiveSession, callback_url: Option<&str>) -> Result<(), Error> {
        let token: String = random_id().to_ascii_lowercase().chars().take(DELETE_TOKEN).collect();
        let user = live.user.id.0.clone();
        self.remember(self.db.writer(), format!("{DELETION}{token}"), user, DAY).await?;
        let path = format!("/api/auth/delete-user/callback?token={token}");
        let url = self.url(&path, callback_url.unwrap_or("/"));
        let letter = Letter { to: &live.user.email, subject: "Delete your account", otherwise: NOT_ASKED_FOR };
        self.mail(Recipient::of(&live.user), letter, &url).await
    }

    /// Uses up the token of a link that deletes the account of the user who follows it.
    pub async fn use_deletion(self, user: &UserId, token: &str) -> Result<(), Error> {
        let used = verification::Entity::delete_many()
            .filter(verification::Column::Identifier.eq(format!("{DELETION}{token}")))
            .filter(verification::Column::ExpiresAt.gt(Millis::now()))
            .filter(verification::Column::Value.eq(user.0.clone()))
            .exec(self.db.writer())
            .await?;
        if used.rows_affected == 1 { Ok(()) } else { Err(AuthError::InvalidToken.into()) }
    }

    /// Keeps what is found by its identifier for so long.
    pub(super) async fn remember(
        self,
        connection: &Connection,
        identifier: String,
        value: String,
        lifetime: Duration,
    ) -> Result<(), Error> {
        let now = Utc::now();
        let row = verification::Model {
            id: random_id(),
            identifier,
            value,
            expires_at: (now + lifetime).into(),
            created_at: now.into(),
            updated_at: now.into(),
        };
        row.into_active_model().insert(connection).await?;
        Ok(())
    }
}
