//! Links that are mailed: to verify an address, to change it, to set a new password, to delete an account.
//! Tokens of links have a key of their own, derived from the secret, so that none of them is ever an access token.

use chrono::{Duration, Utc};
use entity::{id::UserId, time::Millis, user, verification};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode, errors::ErrorKind};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use rand::distr::{Alphanumeric, SampleString};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QuerySelect, SqlErr, sea_query::Expr,
};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{Auth, Client, Email, LiveSession, random_id};
use crate::{
    db::Connection,
    error::{AuthFault, Error},
    mail::Mail,
    telemetry::SecurityEvent,
};

/// How long links to verify an address and to set a password hold.
const HOUR: Duration = Duration::hours(1);
/// How long a link to delete an account holds.
const DAY: Duration = Duration::days(1);
/// How long the token of a link to set a password is.
const RESET_TOKEN: usize = 24;
/// How long the token of a link to delete an account is.
const DELETE_TOKEN: usize = 32;

/// What signs the tokens of links.
pub(super) struct LinkKeys {
    signing: EncodingKey,
    verifying: DecodingKey,
}

/// What following a link does.
#[derive(Clone, Debug)]
pub(super) enum Purpose {
    /// The address counts as verified.
    Verify,
    /// The user gets another address.
    Change(Email),
}

/// What following a verification link came to.
#[derive(Clone, Debug)]
pub enum Verified {
    /// The address is verified.
    Address,
    /// The user has another address.
    Changed(user::Model),
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct LinkClaims {
    email: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    update_to: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_type: Option<String>,
    user_id: String,
    iat: i64,
    exp: i64,
}

impl std::fmt::Debug for LinkKeys {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("LinkKeys(…)")
    }
}

impl LinkKeys {
    pub(super) fn new(secret: &str) -> Self {
        let key = Sha256::new().chain_update("docket link\0").chain_update(secret).finalize();
        Self { signing: EncodingKey::from_secret(&key), verifying: DecodingKey::from_secret(&key) }
    }
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
            return Err(AuthFault::VerificationDisabled.into());
        }
        if let Some(live) = live {
            if live.user.email != email.as_str() {
                return Err(AuthFault::EmailMismatch.into());
            }
            if live.user.email_verified {
                return Err(AuthFault::EmailAlreadyVerified.into());
            }
            return self.mail_verification(&live.user, callback_url, Purpose::Verify).await;
        }
        match self.user_with(email).await? {
            Some(user) if !user.email_verified => self.mail_verification(&user, callback_url, Purpose::Verify).await,
            _ => Ok(()),
        }
    }

    /// Mails a link to a new address; a taken one gets the same answer and no mail.
    pub async fn change_email(self, live: &LiveSession, to: Email, callback_url: Option<&str>) -> Result<(), Error> {
        if !self.material.mailer.is_on() {
            return Err(AuthFault::ChangeEmailDisabled.into());
        }
        if live.user.email == to.as_str() {
            return Err(AuthFault::SameEmail.into());
        }
        if self.user_with(&to).await?.is_some() {
            return Ok(());
        }
        self.mail_verification(&live.user, callback_url, Purpose::Change(to)).await
    }

    /// Follows a verification link. `live` is whoever follows it, if signed in.
    pub async fn verify_email(self, token: &str, live: Option<&LiveSession>) -> Result<Verified, Error> {
        let claims = self.claims(token)?;
        let email = Email::parse(&claims.email).ok_or(AuthFault::InvalidToken)?;
        let user = self.user_with(&email).await?;
        let user = match (user, &claims.update_to) {
            (Some(user), _) if user.id.0 == claims.user_id => user,
            // A second click: the address has changed, and the old one is nobody's.
            (_, Some(_)) => return Err(AuthFault::InvalidToken.into()),
            (Some(_) | None, None) => return Err(AuthFault::UserNotFound.into()),
        };
        if live.is_some_and(|live| live.user.id != user.id) {
            return Err(AuthFault::InvalidUser.into());
        }
        match claims.update_to.as_deref().map(Email::parse) {
            Some(to) => self.take_address(user, &to.ok_or(AuthFault::InvalidToken)?).await.map(Verified::Changed),
            None => {
                self.set_verified(&user.id).await?;
                Ok(Verified::Address)
            }
        }
    }

    /// Mails a link to set a new password; the answer is the same for an address that nobody has.
    pub async fn request_reset(self, email: &Email, redirect_to: Option<&str>) -> Result<(), Error> {
        if !self.material.mailer.is_on() {
            return Err(AuthFault::ResetDisabled.into());
        }
        let user = self.user_with(email).await?;
        let token = Alphanumeric.sample_string(&mut rand::rng(), RESET_TOKEN);
        // The same work, whether there is an account or not.
        let value = user.as_ref().map_or_else(String::new, |user| user.id.0.clone());
        self.remember(self.db.writer(), (format!("reset-password:{token}"), value), HOUR).await?;
        if let Some(user) = user {
            let url = self.url(&format!("/api/auth/reset-password/{token}"), redirect_to.unwrap_or_default());
            self.mail(&user, (&user.email, "Set a new password"), &url).await?;
        }
        Ok(())
    }

    /// Whether the token of a link to set a password holds; it can still be used afterwards.
    pub async fn is_reset_token(self, token: &str) -> Result<bool, Error> {
        let row = verification::Entity::find()
            .filter(verification::Column::Identifier.eq(format!("reset-password:{token}")))
            .filter(verification::Column::ExpiresAt.gt(Millis::now()))
            .one(self.db.reader())
            .await?;
        Ok(row.is_some_and(|row| !row.value.is_empty()))
    }

    /// Sets a new password with the token of a link, which is used up.
    pub async fn reset_password(self, token: &str, password: &str, client: &Client) -> Result<(), Error> {
        let password = self.new_password(password)?;
        if !self.is_reset_token(token).await? {
            return Err(AuthFault::InvalidToken.into());
        }
        let hash = self.material.hasher.hash(password).await?;
        let reset = self.db.transaction(async |transaction| {
            let used = verification::Entity::delete_many()
                .filter(verification::Column::Identifier.eq(format!("reset-password:{token}")))
                .filter(verification::Column::ExpiresAt.gt(Millis::now()))
                .exec_with_returning(transaction.connection())
                .await?;
            let user = used.into_iter().next().map(|row| UserId(row.value)).ok_or(AuthFault::InvalidToken)?;
            // Another link of the same user waits until this one is done; a user who is gone has no password.
            let of = user::Entity::find_by_id(user.clone()).lock_exclusive();
            of.one(transaction.connection()).await?.ok_or(AuthFault::InvalidToken)?;
            self.set_password(transaction.connection(), &user, hash).await?;
            Ok::<_, Error>(user)
        });
        let user = reset.await?;
        SecurityEvent::PasswordReset.log(&user.0, client);
        Ok(())
    }

    /// Mails a link that deletes the account.
    pub async fn mail_deletion(self, live: &LiveSession, callback_url: Option<&str>) -> Result<(), Error> {
        let token: String = random_id().to_ascii_lowercase().chars().take(DELETE_TOKEN).collect();
        let kept = (format!("delete-account-{token}"), live.user.id.0.clone());
        self.remember(self.db.writer(), kept, DAY).await?;
        let path = format!("/api/auth/delete-user/callback?token={token}");
        let url = self.url(&path, callback_url.unwrap_or("/"));
        self.mail(&live.user, (&live.user.email, "Delete your account"), &url).await
    }

    /// Uses up the token of a link that deletes the account of the user who follows it.
    pub async fn use_deletion(self, user: &UserId, token: &str) -> Result<(), Error> {
        let used = verification::Entity::delete_many()
            .filter(verification::Column::Identifier.eq(format!("delete-account-{token}")))
            .filter(verification::Column::ExpiresAt.gt(Millis::now()))
            .filter(verification::Column::Value.eq(user.0.clone()))
            .exec(self.db.writer())
            .await?;
        if used.rows_affected == 1 { Ok(()) } else { Err(AuthFault::InvalidToken.into()) }
    }

    /// Mails a link with a signed token.
    pub(super) async fn mail_verification(
        self,
        user: &user::Model,
        callback_url: Option<&str>,
        purpose: Purpose,
    ) -> Result<(), Error> {
        let now = Utc::now();
        let (to, subject, update_to) = match &purpose {
            Purpose::Verify => (user.email.clone(), "Verify your address", None),
            Purpose::Change(to) => (to.as_str().to_owned(), "Confirm your new address", Some(to.as_str().to_owned())),
        };
        let request_type = update_to.is_some().then(|| "change-email-verification".to_owned());
        let claims = LinkClaims {
            email: user.email.clone(),
            update_to,
            request_type,
            user_id: user.id.0.clone(),
            iat: now.timestamp(),
            exp: (now + HOUR).timestamp(),
        };
        let header = Header { typ: None, ..Header::new(Algorithm::HS256) };
        let token = encode(&header, &claims, &self.material.links.signing).map_err(Error::internal)?;
        let url = self.url(&format!("/api/auth/verify-email?token={token}"), callback_url.unwrap_or("/"));
        self.mail(user, (&to, subject), &url).await
    }

    fn claims(self, token: &str) -> Result<LinkClaims, Error> {
        let mut rules = Validation::new(Algorithm::HS256);
        rules.leeway = 0;
        rules.validate_aud = false;
        decode(token, &self.material.links.verifying, &rules).map(|it| it.claims).map_err(|cause| {
            let is_late = matches!(cause.kind(), ErrorKind::ExpiredSignature);
            if is_late { AuthFault::TokenExpired.into() } else { AuthFault::InvalidToken.into() }
        })
    }

    /// A URL of ours that leads on to a page.
    fn url(self, path: &str, callback_url: &str) -> String {
        let joint = if path.contains('?') { '&' } else { '?' };
        let callback_url = utf8_percent_encode(callback_url, NON_ALPHANUMERIC);
        format!("{}{path}{joint}callbackURL={callback_url}", self.material.origins.own())
    }

    /// Mails a link, unless this address got many of late: nobody fills a stranger's mailbox, whoever asks and from
    /// wherever. The links that it got hold, and who asks is told the same.
    async fn mail(self, user: &user::Model, (to, subject): (&str, &'static str), url: &str) -> Result<(), Error> {
        if !self.may_mail(user, to).await? {
            return Ok(());
        }
        let text = format!(
            "{subject}: follow this link.\r\n\r\n{url}\r\n\r\nIf you did not ask for it, nothing needs to be done.\r\n"
        );
        self.material.mailer.send(Mail { to: to.to_owned(), subject, text });
        Ok(())
    }

    /// Keeps what is found by its identifier for so long.
    pub(super) async fn remember(
        self,
        connection: &Connection,
        (identifier, value): (String, String),
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

    async fn set_verified(self, user: &UserId) -> Result<(), Error> {
        user::Entity::update_many()
            .filter(user::Column::Id.eq(user.clone()))
            .filter(user::Column::EmailVerified.eq(false))
            .col_expr(user::Column::EmailVerified, Expr::value(true))
            .col_expr(user::Column::UpdatedAt, Expr::value(Millis::now()))
            .exec(self.db.writer())
            .await?;
        Ok(())
    }

    async fn take_address(self, user: user::Model, to: &Email) -> Result<user::Model, Error> {
        let changed = user::Entity::update_many()
            .filter(user::Column::Id.eq(user.id))
            .filter(user::Column::Email.eq(user.email))
            .col_expr(user::Column::Email, Expr::value(to.as_str()))
            .col_expr(user::Column::UpdatedAt, Expr::value(Millis::now()))
            .exec_with_returning(self.db.writer())
            .await
            .map_err(|cause| match cause.sql_err() {
                // Somebody else has taken it in the meantime.
                Some(SqlErr::UniqueConstraintViolation(_)) => AuthFault::InvalidToken.into(),
                _ => Error::from(cause),
            })?;
        changed.into_iter().next().ok_or(AuthFault::InvalidToken.into())
    }
}
