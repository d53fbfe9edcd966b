//! Sessions: created at sign-in, extended by use, ended by sign-out.
//! See docs/contracts/better-auth.md#sessions.

use std::fmt;

use chrono::{DateTime, Duration, Utc};
use entity::{
    id::{OwnerId, UserId},
    session,
    time::Millis,
    user,
};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter, sea_query::Expr,
};

use super::{Auth, SessionAndUser, random_id};
use crate::{
    db::{AccountRow, Connection},
    error::{AuthError, Error},
    telemetry::{OPERATOR, SecurityEvent},
};

/// How long a remembered session lives after its last extension.
pub const SESSION_LIFETIME: Duration = Duration::days(7);
/// How long a session lives that is not to be remembered.
pub const NOT_REMEMBERED: Duration = Duration::days(1);
/// How old an extension must be before use makes the next one.
const UPDATE_AGE: Duration = Duration::days(1);

/// Where and with what somebody signs in.
#[derive(Clone, Debug, Default)]
pub struct Client {
    /// The address, when known.
    pub ip_address: String,
    /// The `User-Agent`.
    pub user_agent: String,
}

impl Client {
    /// A command of whoever runs Docket.
    pub fn operator() -> Self {
        Self { ip_address: OPERATOR.to_owned(), user_agent: String::new() }
    }
}

impl fmt::Display for Client {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(if self.ip_address.is_empty() { "-" } else { &self.ip_address })
    }
}

/// A session that has not ended, and its user.
#[derive(Clone, Debug)]
pub struct LiveSession {
    /// The session.
    pub session: session::Model,
    /// Whose it is.
    pub user: user::Model,
    /// The user's number, if there is one.
    pub owner: Option<OwnerId>,
    /// Whether this use extended it.
    pub is_extended: bool,
}

/// Whether the use of a session may extend it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lifetime {
    /// It may.
    Extended,
    /// It stays as it is.
    Fixed,
}

impl Auth<'_> {
    /// The raw session token of a bearer: itself when it has no dot, otherwise only if its signature holds.
    pub fn session_token(self, bearer: &str) -> Option<String> {
        if bearer.contains('.') { self.material.signer.open(bearer) } else { Some(bearer.to_owned()) }
    }

    /// The value inside a signed cookie.
    pub fn cookie_value(self, signed: &str) -> Option<String> {
        self.material.signer.open(signed)
    }

    /// Signs a value for a cookie or for `set-auth-token`; not yet percent-encoded.
    pub fn signed(self, value: &str) -> String {
        self.material.signer.seal(value)
    }

    /// The session of a raw token, unless it has ended.
    pub async fn session(self, token: &str, lifetime: Lifetime) -> Result<Option<LiveSession>, Error> {
        let now = Utc::now();
        let its = session::with_user().filter(session::Column::Token.eq(token));
        let AccountRow::<(session::Model, user::Model, Option<OwnerId>)> { row, is_of_replica } =
            self.db.account_row(its).await?;
        let Some((session, user, owner)) = row else {
            // It may have begun in the last moments.
            return if is_of_replica { Err(Error::Busy) } else { Ok(None) };
        };
        if session.expires_at.utc() <= now {
            if !is_of_replica {
                session::Entity::delete_by_id(session.id).exec(self.db.writer()).await?;
            }
            return Ok(None);
        }
        let is_fixed = is_of_replica || lifetime == Lifetime::Fixed || self.is_limited(&session);
        if is_fixed || !is_due_for_extension(session.expires_at.utc(), now) {
            return Ok(Some(LiveSession { session, user, owner, is_extended: false }));
        }
        let session = self.extend(session, now).await?;
        Ok(session.map(|session| LiveSession { session, user, owner, is_extended: true }))
    }

    /// Whether a session began at an account route of the original back-ends, with less time than others have: that is how
    /// long it lasts.
    fn is_limited(self, session: &session::Model) -> bool {
        let lasts = self.material.policy.rest_session;
        lasts < SESSION_LIFETIME && session.expires_at.utc() - session.created_at.utc() == lasts
    }

    /// Ends the session of a raw token, if there is one.
    pub async fn sign_out(self, token: &str, client: &Client) -> Result<(), Error> {
        let its = session::Column::Token.eq(token);
        let ended = session::Entity::delete_many().filter(its).exec_with_returning(self.db.writer()).await?;
        for session in ended {
            SecurityEvent::SessionRevoked.log(&session.user_id.0, client);
        }
        Ok(())
    }

    /// The user's sessions that have not ended.
    pub async fn sessions(self, user: &UserId) -> Result<Vec<session::Model>, Error> {
        let mine = session::Entity::find().filter(session::Column::UserId.eq(user.clone()));
        Ok(self.db.reader().rows(mine.filter(session::Column::ExpiresAt.gt(Millis::now()))).await?)
    }

    /// Ends one of the user's own sessions; a token that is none of theirs ends nothing.
    pub async fn revoke(self, user: &UserId, token: &str, client: &Client) -> Result<(), Error> {
        let ended = session::Entity::delete_many()
            .filter(session::Column::UserId.eq(user.clone()))
            .filter(session::Column::Token.eq(token))
            .exec(self.db.writer())
            .await?;
        if ended.rows_affected > 0 {
            SecurityEvent::SessionRevoked.log(&user.0, client);
        }
        Ok(())
    }

    /// Ends the user's sessions, all of them or all but one, and the links that were mailed before. Returns how many
    /// sessions there were.
    pub async fn revoke_all(self, user: &UserId, but: Option<&str>, client: &Client) -> Result<u64, Error> {
        let ended = self.db.transaction(async |transaction| {
            self.lock_user(transaction.connection(), user).await?;
            let ended = self.end_sessions(transaction.connection(), user, but).await?;
            self.end_links(transaction.connection(), user).await?;
            Ok::<_, Error>(ended)
        });
        let ended = ended.await?;
        SecurityEvent::SessionRevoked.log(&user.0, client);
        Ok(ended)
    }

    /// Whether the session is fresh enough for what shows or takes away other ways in.
    pub fn check_fresh(self, session: &session::Model) -> Result<(), Error> {
        match self.material.policy.fresh_age {
            Some(age) if session.created_at.utc() + age < Utc::now() => Err(AuthError::SessionNotFresh.into()),
            _ => Ok(()),
        }
    }

    /// Ends the user's sessions, all of them or all but one. Returns how many there were.
    pub(super) async fn end_sessions(
        self,
        connection: &Connection,
        user: &UserId,
        but: Option<&str>,
    ) -> Result<u64, Error> {
        let mut ending = session::Entity::delete_many().filter(session::Column::UserId.eq(user.clone()));
        if let Some(token) = but {
            ending = ending.filter(session::Column::Token.ne(token));
        }
        Ok(ending.exec(connection).await?.rows_affected)
    }

    async fn extend(self, session: session::Model, now: DateTime<Utc>) -> Result<Option<session::Model>, Error> {
        let extended = session::Entity::update_many()
            .filter(session::Column::Id.eq(session.id))
            .col_expr(session::Column::ExpiresAt, Expr::value(Millis::from(now + SESSION_LIFETIME)))
            .col_expr(session::Column::UpdatedAt, Expr::value(Millis::from(now)))
            .exec_with_returning(self.db.writer())
            .await?;
        Ok(extended.into_iter().next())
    }
}

/// A new session, always: one that the client had before is never taken over.
pub(super) async fn begin(
    connection: &impl ConnectionTrait,
    user: user::Model,
    client: &Client,
    lasts: Duration,
) -> Result<SessionAndUser, Error> {
    let now = Utc::now();
    let session = session::Model {
        id: random_id(),
        expires_at: (now + lasts).into(),
        token: random_id(),
        created_at: now.into(),
        updated_at: now.into(),
        ip_address: Some(client.ip_address.clone()),
        user_agent: Some(client.user_agent.clone()),
        user_id: UserId(user.id.0.clone()),
    };
    let session = session.into_active_model().insert(connection).await?;
    Ok((session, user))
}

fn is_due_for_extension(expires_at: DateTime<Utc>, now: DateTime<Utc>) -> bool {
    expires_at - SESSION_LIFETIME + UPDATE_AGE <= now
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_extended_once_a_day() {
        let now = Utc::now();
        assert!(!is_due_for_extension(now + SESSION_LIFETIME, now));
        assert!(!is_due_for_extension(now + Duration::days(6) + Duration::seconds(1), now));
        assert!(is_due_for_extension(now + Duration::days(6), now));
        assert!(is_due_for_extension(now + Duration::hours(1), now));
    }
}
