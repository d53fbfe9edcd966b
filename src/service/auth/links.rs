//! Links in mail: their claims and their signature. Tokens of links have a key of their own, derived from the secret,
//! so that none of them is ever an access token.
//! See docs/contracts/better-auth.md#mailed-links.

use chrono::{Duration, Utc};
use entity::{id::UserId, time::Millis, user};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode, errors::ErrorKind};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{Auth, Email, random_id};
use crate::{
    error::{AuthError, Error},
    mail::Mail,
};

/// How long links to verify or change an address and to set a password hold.
pub(super) const HOUR: Duration = Duration::hours(1);
/// What a link says that asks the old address whether there is to be another one; Better Auth's word.
const CONFIRMATION: &str = "change-email-confirmation";
/// What a link says that changes the address; Better Auth's word.
const CHANGE: &str = "change-email-verification";
/// What to do about a link that somebody else asked for, and that does nothing by itself.
pub(super) const NOT_ASKED_FOR: &str = "If you did not ask for it, nothing needs to be done.";
/// What to do about a link that only somebody who is signed in can ask for.
const SOMEBODY_ELSE: &str =
    "If you did not ask for it, do not follow it: somebody else is signed in to your account. Set a new password.";

/// What signs the tokens of links.
pub(super) struct LinkKeys {
    signing: EncodingKey,
    verifying: DecodingKey,
    state_key: [u8; 32],
}

/// What following a link does.
#[derive(Clone, Debug)]
pub(super) enum Purpose {
    /// The address counts as verified.
    Verify,
    /// The new address is asked whether the user has it.
    ConfirmChange(AddressChange),
    /// The user gets another address.
    Change(AddressChange),
}

/// A change of the address that a user asked for.
#[derive(Clone, Debug)]
pub(super) struct AddressChange {
    /// The new address.
    pub(super) to: Email,
    /// In which session it was asked for.
    pub(super) session_id: String,
    /// What the user signed in with then.
    pub(super) state: String,
}

/// Whether a mail is sent. Where none is, the same work is done: nobody learns by the time that an answer takes which
/// addresses have accounts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Delivery {
    /// It is.
    Sent,
    /// It is not.
    Withheld,
}

/// Whose link is mailed, if it is.
#[derive(Clone, Copy)]
pub(super) struct Recipient<'a> {
    pub(super) user: &'a user::Model,
    pub(super) delivery: Delivery,
}

/// What a mail says beside its link.
pub(super) struct Letter<'a> {
    pub(super) to: &'a str,
    pub(super) subject: &'static str,
    pub(super) otherwise: &'static str,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct LinkClaims {
    pub(super) email: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) update_to: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_type: Option<String>,
    pub(super) user_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    session_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<String>,
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
        let state_key = Sha256::new().chain_update("docket link state\0").chain_update(secret).finalize().into();
        Self { signing: EncodingKey::from_secret(&key), verifying: DecodingKey::from_secret(&key), state_key }
    }

    /// What the digests of credentials are made with.
    pub(super) fn state_key(&self) -> &[u8; 32] {
        &self.state_key
    }
}

impl Auth<'_> {
    /// Mails a link with a signed token.
    pub(super) async fn mail_verification(
        self,
        recipient: Recipient<'_>,
        callback_url: Option<&str>,
        purpose: Purpose,
    ) -> Result<(), Error> {
        let user = recipient.user;
        let now = Utc::now();
        let (letter, request_type, change) = match &purpose {
            Purpose::Verify => {
                let subject = "Verify your address";
                (Letter { to: &user.email, subject, otherwise: NOT_ASKED_FOR }, None, None)
            }
            Purpose::ConfirmChange(change) => {
                let subject = "Confirm that you want another address";
                (Letter { to: &user.email, subject, otherwise: SOMEBODY_ELSE }, Some(CONFIRMATION), Some(change))
            }
            Purpose::Change(change) => {
                let (to, subject) = (change.to.as_str(), "Confirm your new address");
                (Letter { to, subject, otherwise: NOT_ASKED_FOR }, Some(CHANGE), Some(change))
            }
        };
        let claims = LinkClaims {
            email: user.email.clone(),
            update_to: change.map(|it| it.to.as_str().to_owned()),
            request_type: request_type.map(str::to_owned),
            user_id: user.id.0.clone(),
            session_id: change.map(|it| it.session_id.clone()),
            state: change.map(|it| it.state.clone()),
            iat: now.timestamp(),
            exp: (now + HOUR).timestamp(),
        };
        let header = Header { typ: None, ..Header::new(Algorithm::HS256) };
        let token = encode(&header, &claims, &self.material.links.signing).map_err(Error::internal)?;
        let url = self.url(&format!("/api/auth/verify-email?token={token}"), callback_url.unwrap_or("/"));
        self.mail(recipient, letter, &url).await
    }

    pub(super) fn claims(self, token: &str) -> Result<LinkClaims, Error> {
        let mut rules = Validation::new(Algorithm::HS256);
        rules.leeway = 0;
        rules.validate_aud = false;
        decode(token, &self.material.links.verifying, &rules).map(|it| it.claims).map_err(|cause| {
            let is_late = matches!(cause.kind(), ErrorKind::ExpiredSignature);
            if is_late { AuthError::TokenExpired.into() } else { AuthError::InvalidToken.into() }
        })
    }

    /// A URL of ours that leads on to a page.
    pub(super) fn url(self, path: &str, callback_url: &str) -> String {
        let joint = if path.contains('?') { '&' } else { '?' };
        let callback_url = utf8_percent_encode(callback_url, NON_ALPHANUMERIC);
        format!("{}{path}{joint}callbackURL={callback_url}", self.material.origins.base())
    }

    /// Mails a link, unless this address got many of late: nobody fills a stranger's mailbox, whoever asks and from
    /// wherever. The links that it got hold, and who asks is told the same.
    pub(super) async fn mail(
        self,
        Recipient { user, delivery }: Recipient<'_>,
        letter: Letter<'_>,
        url: &str,
    ) -> Result<(), Error> {
        let Letter { to, subject, otherwise } = letter;
        let subject_id = if delivery == Delivery::Sent { user.id.0.as_str() } else { "unknown" };
        if !self.may_mail(subject_id, to).await? {
            return Ok(());
        }
        let text = format!("{subject}: follow this link.\r\n\r\n{url}\r\n\r\n{otherwise}\r\n");
        if delivery == Delivery::Sent {
            self.material.mailer.send(Mail { to: to.to_owned(), subject, text });
        }
        Ok(())
    }
}

impl<'a> Recipient<'a> {
    /// A user who gets a mail.
    pub(super) fn of(user: &'a user::Model) -> Self {
        Self { user, delivery: Delivery::Sent }
    }

    /// A user who gets a mail only if that holds.
    pub(super) fn only_if(is_sent: bool, user: &'a user::Model) -> Self {
        Self { user, delivery: if is_sent { Delivery::Sent } else { Delivery::Withheld } }
    }
}

impl LinkClaims {
    /// What following the link does, if all of it is said.
    pub(super) fn purpose(self) -> Option<Purpose> {
        let Some(to) = self.update_to else { return Some(Purpose::Verify) };
        let change = AddressChange { to: Email::parse(&to)?, session_id: self.session_id?, state: self.state? };
        match self.request_type.as_deref() {
            Some(CONFIRMATION) => Some(Purpose::ConfirmChange(change)),
            Some(CHANGE) => Some(Purpose::Change(change)),
            _ => None,
        }
    }
}

/// Somebody who has no account, in whose name the work of a mail is done.
pub(super) fn nobody(email: &Email) -> user::Model {
    let now = Millis::now();
    user::Model {
        id: UserId(random_id()),
        name: String::new(),
        email: email.as_str().to_owned(),
        email_verified: false,
        image: None,
        created_at: now,
        updated_at: now,
    }
}
