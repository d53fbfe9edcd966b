//! The two timestamp formats that are stored. Both are `timestamptz` on PostgreSQL and text on SQLite, where
//! `docket::db` writes the first with six fraction digits and the second with three, so that text order is time order.

use chrono::{DateTime, SubsecRound, Utc};
use sea_orm::{
    DeriveValueType,
    prelude::{DateTimeUtc, DateTimeWithTimeZone},
};

/// A UTC instant in whole microseconds: what Docket's own tables hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, DeriveValueType)]
pub struct Micros(pub DateTimeUtc);

/// A UTC instant in whole milliseconds: what Better Auth's tables hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, DeriveValueType)]
pub struct Millis(pub DateTimeWithTimeZone);

impl Micros {
    /// Now, by the server's clock.
    pub fn now() -> Self {
        Utc::now().into()
    }
}

impl Millis {
    /// Now, by the server's clock.
    pub fn now() -> Self {
        Utc::now().into()
    }

    /// The instant in UTC.
    pub fn utc(self) -> DateTime<Utc> {
        self.0.to_utc()
    }
}

impl From<DateTime<Utc>> for Micros {
    fn from(instant: DateTime<Utc>) -> Self {
        Self(instant.trunc_subsecs(6))
    }
}

impl From<DateTime<Utc>> for Millis {
    fn from(instant: DateTime<Utc>) -> Self {
        Self(instant.trunc_subsecs(3).fixed_offset())
    }
}
