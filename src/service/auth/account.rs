//! Making an account, signing in to it with e-mail and password, and the ways to sign in that it has.

use chrono::{Duration, Utc};
use entity::{
    account,
    id::{OwnerId, UserId},
    owner, session,
    time::Millis,
    user, verification,
};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect, QueryTrait,
    SqlErr,
    sea_query::{Expr, ExprTrait},
};
use tokio::time::timeout;
use tracing::warn;

use super::{
    Auth, Client, Email, LiveSession,
    credential::{MAX_ATTEMPTS, credential},
    links::{HOUR, Purpose, Recipient},
    password::{Password, VerifiedHash},
    random_id,
    session::begin,
};
use crate::{
    db::{AccountRow, Connection},
    error::{AuthError, Error},
    service::{owners::give_number, user_data, values::UserName},
    telemetry::SecurityEvent,
};

/// What somebody says to make an account.
#[derive(Clone)]
pub struct Registration {
    /// Shown to people.
    pub name: UserName,
    /// Not yet in use.
    pub email: Email,
    /// 8 to 128 UTF-16 code units.
    pub password: String,
    /// URL of a picture.
    pub image: Option<String>,
    /// How long the session lasts.
    pub lasts: Duration,
    /// Where the link of a verification mail leads to.
    pub callback_url: Option<String>,
}

/// What somebody shows to sign in.
#[derive(Clone)]
pub struct Login {
    /// The account's address.
    pub email: Email,
    /// At most 128 UTF-16 code units.
    pub password: String,
    /// How long the session lasts.
    pub lasts: Duration,
}

/// A user with a new session.
#[derive(Clone, Debug)]
pub struct SignedIn {
    /// The user.
    pub user: user::Model,
    /// The new session.
    pub session: session::Model,
}

/// What a sign-up comes to.
#[derive(Clone, Debug)]
pub enum SignedUp {
    /// An account and a session.
    In(SignedIn),
    /// A link was mailed, and nobody signs in before it was followed. The answer is the same for a taken address.
    ToBeVerified(user::Model),
}

/// How old a session may be for an action without a password.
const FRESH_SESSION_AGE: Duration = Duration::days(1);
/// How long it is known that an account was deleted: longer than any of its access tokens lives.
const DELETED_LIFETIME: Duration = Duration::days(30);
/// How long it may take to erase what belongs to an account until it is deleted as far as its user can tell.
const ERASE_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(3);
/// What it is called in the table of verifications, before the user's id.
const DELETED_USER: &str = "deleted-user:";
/// How many deleted accounts are looked at by one statement.
const BATCH_SIZE: usize = 500;

impl Auth<'_> {
    /// Makes an account and signs in to it, unless the address is to be verified first.
    pub async fn sign_up(self, registration: Registration, client: &Client) -> Result<SignedUp, Error> {
        let password = Password::new(&registration.password)?;
        let is_taken = self.user_with(&registration.email).await?.is_some();
        let must_verify = self.material.policy.email_verification;
        if is_taken && !must_verify {
            return Err(AuthError::EmailTaken.into());
        }
        let hash = self.material.hasher.hash_new(password, &client.asker()).await?;
        let user = user::Model { image: registration.image, ..new_user(&registration.email, registration.name) };
        if is_taken {
            self.pretend_to_sign_up(&user, registration.callback_url.as_deref()).await?;
            return Ok(SignedUp::ToBeVerified(user));
        }
        let made = self.db.transaction(async |transaction| {
            insert(transaction.connection(), user.clone(), hash.clone()).await?;
            if must_verify {
                return Ok(None);
            }
            let user = user.clone();
            begin(transaction.connection(), user, client, registration.lasts).await.map(Some)
        });
        let made = match made.await {
            // Somebody else has taken it in the meantime.
            Err(Error::Auth(AuthError::EmailTaken)) if must_verify => return Ok(SignedUp::ToBeVerified(user)),
            made => made?,
        };
        SecurityEvent::SignUp.log(&user.id.0, client);
        match made {
            Some((session, user)) => Ok(SignedUp::In(SignedIn { user, session })),
            None => {
                self.mail_verification(Recipient::of(&user), registration.callback_url.as_deref(), Purpose::Verify)
                    .await?;
                Ok(SignedUp::ToBeVerified(user))
            }
        }
    }

    /// Does the work of making an account, without one: nobody learns by the time that it takes whether an address has
    /// one. The disk has as much to do with rows that are forgotten in an hour.
    async fn pretend_to_sign_up(self, user: &user::Model, callback_url: Option<&str>) -> Result<(), Error> {
        let pretended = self.db.transaction(async |transaction| {
            // As many rows as an account, its password and its number.
            for _ in 0..3 {
                self.remember(transaction.connection(), format!("nothing:{}", random_id()), random_id(), HOUR).await?;
            }
            Ok::<_, Error>(())
        });
        pretended.await?;
        self.mail_verification(Recipient::only_if(false, user), callback_url, Purpose::Verify).await
    }

    /// Signs in. An unknown address and a wrong password take the same time and get the same answer.
    pub async fn sign_in(self, login: &Login, client: &Client) -> Result<SignedIn, Error> {
        let password = Password::shown(&login.password)?;
        let user = self.user_with(&login.email).await?;
        let guesses = self.attempt(&login.email, user.as_ref(), client).await?;
        let asker = client.asker();
        for _ in 0..MAX_ATTEMPTS {
            let verified = self.matching(user.as_ref().map(|user| &user.id), &password, &asker).await?;
            let (Some(user), Some(VerifiedHash { stored, renewed })) = (&user, verified) else {
                SecurityEvent::SignInFailed.log(user.as_ref().map_or("unknown", |user| &user.id.0), client);
                self.guessed_wrong(guesses).await;
                return Err(AuthError::WrongPassword.into());
            };
            if self.material.policy.email_verification && !user.email_verified {
                self.mail_verification(Recipient::of(user), None, Purpose::Verify).await?;
                return Err(AuthError::EmailNotVerified.into());
            }
            let begun = self.db.transaction(async |transaction| {
                let connection = transaction.connection();
                if !self.keep_password(connection, &user.id, &stored, renewed.clone()).await? {
                    return Ok(None);
                }
                begin(connection, user.clone(), client, login.lasts).await.map(Some)
            });
            if let Some((session, user)) = begun.await? {
                SecurityEvent::SignIn.log(&user.id.0, client);
                return Ok(SignedIn { user, session });
            }
        }
        Err(Error::Busy)
    }

    /// The user's ways to sign in.
    pub async fn accounts(self, user: &UserId) -> Result<Vec<account::Model>, Error> {
        let mine = account::Entity::find().filter(account::Column::UserId.eq(user.clone()));
        Ok(mine.order_by_asc(account::Column::CreatedAt).all(self.db.reader()).await?)
    }

    /// Takes away one of the user's ways to sign in, unless it is the only one.
    pub async fn unlink(self, user: &UserId, account: &str) -> Result<(), Error> {
        let unlinked = self.db.transaction(async |transaction| {
            self.lock_user(transaction.connection(), user).await?;
            // They are kept from others until the end, who would count them too.
            let mine = account::Entity::find().filter(account::Column::UserId.eq(user.clone())).lock_exclusive();
            if mine.all(transaction.connection()).await?.len() <= 1 {
                return Err(AuthError::LastAccount.into());
            }
            let gone = account::Entity::delete_many()
                .filter(account::Column::UserId.eq(user.clone()))
                .filter(account::Column::Id.eq(account))
                .exec(transaction.connection())
                .await?;
            if gone.rows_affected == 0 {
                return Err(AuthError::AccountNotFound.into());
            }
            self.end_links(transaction.connection(), user).await
        });
        unlinked.await
    }

    /// Checks what confirms that an account is to be deleted: the password, or a session that began today.
    pub async fn confirm_deletion(self, live: &LiveSession, password: Option<&str>) -> Result<(), Error> {
        match password {
            Some(password) => self.check_password(&live.user.id, password).await,
            None if live.session.created_at.utc() + FRESH_SESSION_AGE < Utc::now() => {
                Err(AuthError::SessionExpired.into())
            }
            None => Ok(()),
        }
    }

    /// Deletes the account and everything that belongs to it; of very much, what is left after a while is erased when
    /// that was answered.
    pub async fn delete_account(self, user: &UserId, client: &Client) -> Result<(), Error> {
        self.end_account(user, client).await?;
        match timeout(ERASE_TIMEOUT, user_data::erase(self.db, user)).await {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(cause)) => warn!(cause = cause.causes(), "what is left of an account is erased later"),
            Err(_) => {}
        }
        self.material.leftovers.notify_one();
        Ok(())
    }

    /// Deletes the account and the ways to sign in to it, and remembers that it was deleted; its data is still there.
    pub(super) async fn end_account(self, user: &UserId, client: &Client) -> Result<(), Error> {
        let gone = self.db.transaction(async |transaction| {
            self.lock_user(transaction.connection(), user).await?;
            let mine = account::Column::UserId.eq(user.clone());
            account::Entity::delete_many().filter(mine).exec(transaction.connection()).await?;
            self.end_sessions(transaction.connection(), user, None).await?;
            self.end_links(transaction.connection(), user).await?;
            user::Entity::delete_by_id(user.clone()).exec(transaction.connection()).await?;
            self.remember(transaction.connection(), deleted(user), String::new(), DELETED_LIFETIME).await
        });
        gone.await?;
        // Access tokens that are still good are refused from now on.
        self.material.verified.clear();
        SecurityEvent::AccountDeleted.log(&user.0, client);
        Ok(())
    }

    /// Erases what is left of deleted accounts, and what other instances, which heard of it later, and requests under
    /// way made for them.
    pub async fn erase_deleted(self) -> Result<(), Error> {
        let rows = verification::Entity::find()
            .select_only()
            .column(verification::Column::Identifier)
            .filter(verification::Column::Identifier.starts_with(DELETED_USER));
        let known: Vec<String> = rows.into_tuple().all(self.db.reader()).await?;
        let ids: Vec<&str> = known.iter().filter_map(|it| it.strip_prefix(DELETED_USER)).collect();
        for some in ids.chunks(BATCH_SIZE) {
            let left = owner::Entity::find()
                .select_only()
                .column(owner::Column::UserId)
                .filter(owner::Column::UserId.is_in(some.iter().copied()));
            for user in left.into_tuple::<UserId>().all(self.db.reader()).await? {
                user_data::erase(self.db, &user).await?;
            }
        }
        Ok(())
    }

    /// The number of a user, if there is one, unless the user had an account here that was deleted.
    pub(super) async fn owner_if_there(self, user: &UserId) -> Result<Option<OwnerId>, Error> {
        let was_deleted = verification::Entity::find()
            .select_only()
            .column(verification::Column::Id)
            .filter(verification::Column::Identifier.eq(deleted(user)));
        let its = owner::Entity::find()
            .filter(owner::Column::UserId.eq(user.clone()))
            .filter(Expr::exists(was_deleted.into_query()).not());
        let found: AccountRow<owner::Model> = self.db.account_row(its).await?;
        match found.row {
            Some(owner) => Ok(Some(owner.id)),
            // It may have been given in the last moments.
            None if found.is_of_replica => Err(Error::Busy),
            None if self.is_deleted(user).await? => Err(Error::BadCredentials("token of a deleted user")),
            None => Ok(None),
        }
    }

    /// Whether the user had an account here that was deleted.
    pub(super) async fn is_deleted(self, user: &UserId) -> Result<bool, Error> {
        let row = verification::Entity::find()
            .select_only()
            .columns([verification::Column::Id, verification::Column::Identifier])
            .filter(verification::Column::Identifier.eq(deleted(user)));
        let found: AccountRow<(String, String)> = self.db.account_row(row).await?;
        Ok(found.row.is_some())
    }

    /// The user with this address.
    pub(super) async fn user_with(self, email: &Email) -> Result<Option<user::Model>, Error> {
        Ok(self.db.reader().row(user::Entity::find().filter(user::Column::Email.eq(email.as_str()))).await?)
    }
}

/// A user who was not there before, whose address is not verified.
pub(super) fn new_user(email: &Email, name: UserName) -> user::Model {
    let now = Millis::now();
    user::Model {
        id: UserId(random_id()),
        name: name.into(),
        email: email.as_str().to_owned(),
        email_verified: false,
        image: None,
        created_at: now,
        updated_at: now,
    }
}

/// Of several at once with one address, the unique index lets one through.
pub(super) async fn insert(connection: &Connection, user: user::Model, hash: String) -> Result<(), Error> {
    let account = credential(&user.id, hash, user.created_at);
    user.into_active_model().insert(connection).await.map_err(|cause| match cause.sql_err() {
        Some(SqlErr::UniqueConstraintViolation(_)) => AuthError::EmailTaken.into(),
        _ => Error::from(cause),
    })?;
    give_number(connection, &account.user_id).await?;
    account.into_active_model().insert(connection).await?;
    Ok(())
}

fn deleted(user: &UserId) -> String {
    format!("{DELETED_USER}{}", user.0)
}
