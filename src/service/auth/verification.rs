//! Addresses: verified and changed by links that are mailed to them.

use entity::{id::UserId, time::Millis, user};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, SqlErr, sea_query::Expr};

use super::{
    Auth, Client, Email, LiveSession,
    links::{AddressChange, Purpose, Recipient, nobody},
};
use crate::{
    error::{AuthError, Error},
    mail::Mail,
    telemetry::SecurityEvent,
};

/// What following a verification link came to.
#[derive(Clone, Debug)]
pub enum VerificationOutcome {
    /// The address is verified.
    Address,
    /// The user has another address.
    Changed(user::Model),
}

impl Auth<'_> {
    /// Mails a link that verifies the address of a user who is signed in; of anybody else, if there is an account.
    pub async fn send_verification(
        self,
        live: Option<&LiveSession>,
        email: &Email,
        callback_url: Option<&str>,
    ) -> Result<(), Error> {
        if !self.material.mailer.is_on() {
            return Err(AuthError::VerificationDisabled.into());
        }
        if let Some(live) = live {
            if live.user.email != email.as_str() {
                return Err(AuthError::EmailMismatch.into());
            }
            if live.user.email_verified {
                return Err(AuthError::EmailAlreadyVerified.into());
            }
            return self.mail_verification(Recipient::of(&live.user), callback_url, Purpose::Verify).await;
        }
        let unverified = self.user_with(email).await?.filter(|user| !user.email_verified);
        let is_there = unverified.is_some();
        let user = unverified.unwrap_or_else(|| nobody(email));
        self.mail_verification(Recipient::only_if(is_there, &user), callback_url, Purpose::Verify).await
    }

    /// Mails a link to a new address; a taken one gets the same answer and no mail. A verified address is asked first,
    /// where that is not turned off: whoever got hold of a session alone does not get the account with it.
    pub async fn change_email(self, live: &LiveSession, to: Email, callback_url: Option<&str>) -> Result<(), Error> {
        if !self.material.mailer.is_on() {
            return Err(AuthError::ChangeEmailDisabled.into());
        }
        if live.user.email == to.as_str() {
            return Err(AuthError::SameEmail.into());
        }
        let is_free = self.user_with(&to).await?.is_none();
        let password = self.password_of(&live.user.id).await?;
        let state = self.credential_state(&live.user.email, password.as_deref());
        let change = AddressChange { to, session_id: live.session.id.clone(), state };
        if live.user.email_verified && self.material.policy.change_confirmation {
            let purpose = Purpose::ConfirmChange(change);
            return self.mail_verification(Recipient::of(&live.user), callback_url, purpose).await;
        }
        self.mail_verification(Recipient::only_if(is_free, &live.user), callback_url, Purpose::Change(change)).await
    }

    /// Follows a verification link, which leads on to a page. `live` is whoever follows it, if signed in.
    pub async fn verify_email(
        self,
        token: &str,
        callback_url: Option<&str>,
        live: Option<&LiveSession>,
        client: &Client,
    ) -> Result<VerificationOutcome, Error> {
        let claims = self.claims(token)?;
        let email = Email::parse(&claims.email).ok_or(AuthError::InvalidToken)?;
        let user = self.user_with(&email).await?;
        let user = match (user, &claims.update_to) {
            (Some(user), _) if user.id.0 == claims.user_id => user,
            // A second click: the address has changed, and the old one is nobody's.
            (_, Some(_)) => return Err(AuthError::InvalidToken.into()),
            (Some(_) | None, None) => return Err(AuthError::UserNotFound.into()),
        };
        if live.is_some_and(|live| live.user.id != user.id) {
            return Err(AuthError::InvalidUser.into());
        }
        match claims.purpose().ok_or(AuthError::InvalidToken)? {
            Purpose::Change(change) => self.take_address(user, &change, client).await.map(VerificationOutcome::Changed),
            Purpose::ConfirmChange(change) => {
                self.db
                    .transaction(async |transaction| self.check_change(transaction.connection(), &user, &change).await)
                    .await?;
                let is_free = self.user_with(&change.to).await?.is_none();
                let recipient = Recipient::only_if(is_free, &user);
                self.mail_verification(recipient, callback_url, Purpose::Change(change)).await?;
                Ok(VerificationOutcome::Address)
            }
            Purpose::Verify => {
                self.set_verified(&user.id).await?;
                Ok(VerificationOutcome::Address)
            }
        }
    }

    /// Tells an address that the account which had it has another one. No limit keeps that back, which somebody else
    /// could have used up.
    fn tell_of_change(self, old: String) {
        let text = format!(
            "The account with this address at {} has another address now.\r\n\r\n\
             If that was not you, write to whoever runs it at once: they can give you the account back.\r\n",
            self.material.origins.base()
        );
        self.material.mailer.send(Mail { to: old, subject: "Your address was changed", text });
    }

    /// Marks the user's address as verified. Returns whether it was not.
    pub(super) async fn set_verified(self, user: &UserId) -> Result<bool, Error> {
        let verified = user::Entity::update_many()
            .filter(user::Column::Id.eq(user.clone()))
            .filter(user::Column::EmailVerified.eq(false))
            .col_expr(user::Column::EmailVerified, Expr::value(true))
            .col_expr(user::Column::UpdatedAt, Expr::value(Millis::now()))
            .exec(self.db.writer())
            .await?;
        Ok(verified.rows_affected > 0)
    }

    async fn take_address(
        self,
        user: user::Model,
        change: &AddressChange,
        client: &Client,
    ) -> Result<user::Model, Error> {
        let changed = self.db.transaction(async |transaction| {
            let connection = transaction.connection();
            self.check_change(connection, &user, change).await?;
            let changed = user::Entity::update_many()
                .filter(user::Column::Id.eq(user.id.clone()))
                .filter(user::Column::Email.eq(user.email.clone()))
                .col_expr(user::Column::Email, Expr::value(change.to.as_str()))
                .col_expr(user::Column::UpdatedAt, Expr::value(Millis::now()))
                .exec_with_returning(connection)
                .await
                .map_err(|cause| match cause.sql_err() {
                    // Somebody else has taken it in the meantime.
                    Some(SqlErr::UniqueConstraintViolation(_)) => AuthError::InvalidToken.into(),
                    _ => Error::from(cause),
                })?;
            // Links to set a password are in the mailbox of the old address.
            self.end_links(connection, &user.id).await?;
            changed.into_iter().next().ok_or(Error::from(AuthError::InvalidToken))
        });
        let changed: user::Model = changed.await?;
        SecurityEvent::EmailChanged.log(&changed.id.0, client);
        self.tell_of_change(user.email);
        Ok(changed)
    }
}
