//! Settings that are one of a few words.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr},
    str::FromStr,
};

/// Where this instance runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Environment {
    /// One developer's machine.
    Development,
    /// A rehearsal of production.
    Staging,
    /// The real thing.
    Production,
}

/// The JWS algorithm of the access tokens that Docket issues.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JwtAlg {
    /// Ed25519 with a key of the `jwks` table.
    EdDsa,
    /// HMAC-SHA-256 with `BETTER_AUTH_SECRET`.
    Hs256,
}

/// What new passwords are hashed with; both are understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PasswordHash {
    /// OWASP's first choice.
    Argon2id,
    /// Better Auth's, for running beside one.
    Scrypt,
}

/// Which edition of GraphQL over HTTP decides about status codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HttpEdition {
    /// The draft that the official audit and today's clients know.
    May2025,
    /// The draft with 422 and 294.
    August2026,
}

/// A part of a whole, from 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SampleRatio(pub f64);

impl Default for SampleRatio {
    fn default() -> Self {
        Self(1.0)
    }
}

impl FromStr for SampleRatio {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        text.parse().ok().filter(|share| (0.0..=1.0).contains(share)).map(Self).ok_or(())
    }
}

/// `on` or `off`.
pub(super) struct Switch(pub(super) bool);

impl FromStr for Switch {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "on" => Ok(Self(true)),
            "off" => Ok(Self(false)),
            _ => Err(()),
        }
    }
}

/// An address to listen on: a number, or the name that each machine has for itself.
pub(super) struct Host(pub(super) IpAddr);

impl Host {
    /// What to write instead of any other name.
    pub(super) const FORM: &str = "localhost, or an IP address of this machine such as 127.0.0.1; 0.0.0.0 or :: for \
                                   all of them: other names are of clients, BETTER_AUTH_URL says them";
}

impl FromStr for Host {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "localhost" => Ok(Self(Ipv4Addr::LOCALHOST.into())),
            text => text.parse().map(Self).map_err(drop),
        }
    }
}

impl Environment {
    /// For how many seconds requests are still taken after the signal to stop: nobody waits at a developer's machine.
    pub(super) fn drain(self) -> u64 {
        if self == Self::Development { 0 } else { 3 }
    }
}

impl FromStr for Environment {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "development" => Ok(Self::Development),
            "staging" => Ok(Self::Staging),
            "production" => Ok(Self::Production),
            _ => Err(()),
        }
    }
}

impl FromStr for HttpEdition {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "2025-05" => Ok(Self::May2025),
            "2026-08" => Ok(Self::August2026),
            _ => Err(()),
        }
    }
}

impl FromStr for JwtAlg {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "EdDSA" => Ok(Self::EdDsa),
            "HS256" => Ok(Self::Hs256),
            _ => Err(()),
        }
    }
}

impl FromStr for PasswordHash {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "argon2id" => Ok(Self::Argon2id),
            "scrypt" => Ok(Self::Scrypt),
            _ => Err(()),
        }
    }
}

impl fmt::Display for Environment {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Development => "development",
            Self::Staging => "staging",
            Self::Production => "production",
        })
    }
}
