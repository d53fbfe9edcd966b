//! Making an account, and signing in to it with e-mail and password.

use chrono::{Duration, Utc};
use entity::{account, id::UserId, session, time::Millis, user};
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, SqlErr};

use super::{Auth, Client, Email, LiveSession, password::Password, random_id, session::begin};
use crate::{error::Error, service::data, telemetry::SecurityEvent};

/// What somebody says to make an account.
#[derive(Clone)]
pub struct Registration {
    /// Shown to people.
    pub name: String,
    /// Not yet in use.
    pub email: Email,
    /// 8 to 128 UTF-16 code units.
    pub password: String,
    /// URL of a picture.
    pub image: Option<String>,
    /// Whether the session is to last a week instead of a day.
    pub is_remembered: bool,
}

/// What somebody shows to sign in.
#[derive(Clone)]
pub struct Login {
    /// The account's address.
    pub email: Email,
    /// At most 128 UTF-16 code units.
    pub password: String,
    /// Whether the session is to last a week instead of a day.
    pub is_remembered: bool,
}

/// A user with a new session.
#[derive(Clone, Debug)]
pub struct SignedIn {
    /// The user.
    pub user: user::Model,
    /// The new session.
    pub session: session::Model,
}

/// How long a session counts as just begun.
const FRESH: Duration = Duration::days(1);
/// The provider of accounts with e-mail and password.
const CREDENTIAL: &str = "credential";

impl Auth<'_> {
    /// Makes an account and signs in to it.
    pub async fn sign_up(self, registration: Registration, client: &Client) -> Result<SignedIn, Error> {
        let password = Password::new(&registration.password)?;
        if self.user_with(&registration.email).await?.is_some() {
            return Err(Error::EmailTaken);
        }
        let hash = self.material.hasher.hash(password).await?;
        let now = Millis::now();
        let user = user::Model {
            id: UserId(random_id()),
            name: registration.name,
            email: registration.email.as_str().to_owned(),
            email_verified: false,
            image: registration.image,
            created_at: now,
            updated_at: now,
        };
        let account = credential(&user.id, hash, now);
        let transaction = self.db.begin().await?;
        // Of several at once with one address, the unique index lets one through.
        let user =
            user.into_active_model().insert(transaction.connection()).await.map_err(|cause| match cause.sql_err() {
                Some(SqlErr::UniqueConstraintViolation(_)) => Error::EmailTaken,
                _ => cause.into(),
            })?;
        account.into_active_model().insert(transaction.connection()).await?;
        let (session, user) = begin(transaction.connection(), user, client, registration.is_remembered).await?;
        transaction.commit().await?;
        SecurityEvent::SignUp.log(&user.id.0);
        Ok(SignedIn { user, session })
    }

    /// Signs in. An unknown address and a wrong password take the same time and get the same answer.
    pub async fn sign_in(self, login: &Login, client: &Client) -> Result<SignedIn, Error> {
        let password = Password::shown(&login.password)?;
        let user = self.user_with(&login.email).await?;
        let stored = match &user {
            Some(user) => self.password_of(&user.id).await?,
            None => None,
        };
        let (Some(user), Some(stored)) = (user, stored) else {
            self.material.hasher.hash(password).await?;
            SecurityEvent::SignInFailed.log("unknown");
            return Err(Error::WrongPassword);
        };
        if !self.material.hasher.verify(password, stored).await? {
            SecurityEvent::SignInFailed.log(&user.id.0);
            return Err(Error::WrongPassword);
        }
        let (session, user) = begin(self.db.writer(), user, client, login.is_remembered).await?;
        SecurityEvent::SignIn.log(&user.id.0);
        Ok(SignedIn { user, session })
    }

    /// Deletes the account and everything that belongs to it. A session that is older than a day needs the password.
    pub async fn delete_account(self, live: &LiveSession, password: Option<&str>) -> Result<(), Error> {
        let user = &live.user.id;
        match password {
            Some(password) => self.check_password(user, password).await?,
            None if live.session.created_at.utc() + FRESH < Utc::now() => return Err(Error::SessionExpired),
            None => {}
        }
        let transaction = self.db.begin().await?;
        data::erase(transaction.connection(), user).await?;
        let mine = account::Column::UserId.eq(user.clone());
        account::Entity::delete_many().filter(mine).exec(transaction.connection()).await?;
        let mine = session::Column::UserId.eq(user.clone());
        session::Entity::delete_many().filter(mine).exec(transaction.connection()).await?;
        user::Entity::delete_by_id(user.clone()).exec(transaction.connection()).await?;
        transaction.commit().await?;
        SecurityEvent::AccountDeleted.log(&user.0);
        Ok(())
    }

    async fn check_password(self, user: &UserId, password: &str) -> Result<(), Error> {
        let password = Password::shown(password)?;
        let stored = self.password_of(user).await?.ok_or(Error::InvalidPassword)?;
        if self.material.hasher.verify(password, stored).await? { Ok(()) } else { Err(Error::InvalidPassword) }
    }

    async fn user_with(self, email: &Email) -> Result<Option<user::Model>, Error> {
        Ok(user::Entity::find().filter(user::Column::Email.eq(email.as_str())).one(self.db.reader()).await?)
    }

    async fn password_of(self, user: &UserId) -> Result<Option<String>, Error> {
        let account = account::Entity::find()
            .filter(account::Column::UserId.eq(user.clone()))
            .filter(account::Column::ProviderId.eq(CREDENTIAL))
            .one(self.db.reader())
            .await?;
        Ok(account.and_then(|it| it.password))
    }
}

fn credential(user: &UserId, hash: String, now: Millis) -> account::Model {
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
