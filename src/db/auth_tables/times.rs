//! How SQLite holds the times of Better Auth's tables.

use entity::time::FIRST_OF_MILLIS;
use sea_orm::Value;

/// How SQLite holds the times of these tables.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Times {
    /// Texts of ISO 8601, as Better Auth's own migration has them.
    #[default]
    Text,
    /// Whole seconds since 1970, as Drizzle's `timestamp`.
    Seconds,
    /// Whole milliseconds since 1970, as Prisma and Drizzle's `timestamp_ms`.
    Millis,
    /// As `Seconds`, with a fraction.
    RealSeconds,
    /// As `Millis`, in a column of floating point numbers.
    RealMillis,
}

impl Times {
    /// How a column holds times, by its type and its default, in small letters.
    pub(super) fn declared(kind: &str, default: &str) -> Self {
        let is_millis = ["1000", "subsec"].iter().any(|it| default.contains(it));
        match kind {
            "integer" | "int" | "bigint" if !is_millis && default.contains("unixepoch") => Self::Seconds,
            "integer" | "int" | "bigint" | "datetime" => Self::Millis,
            "real" => Self::RealMillis,
            _ => Self::Text,
        }
    }

    /// How values of a type of SQLite's, of which that is the greatest, hold times.
    pub(super) fn of(kind: &str, most: Option<f64>) -> Option<Self> {
        let is_millis = most.is_some_and(|it| it >= FIRST_OF_MILLIS);
        Some(match (kind, is_millis) {
            ("text", _) => Self::Text,
            ("integer", false) => Self::Seconds,
            ("integer", true) => Self::Millis,
            ("real", false) => Self::RealSeconds,
            ("real", true) => Self::RealMillis,
            _ => return None,
        })
    }

    /// What they are called.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Text => "texts",
            Self::Seconds | Self::RealSeconds => "numbers of seconds",
            Self::Millis | Self::RealMillis => "numbers of milliseconds",
        }
    }

    /// An instant, in milliseconds since 1970, as it is held.
    pub(super) fn number(self, millis: i64) -> Value {
        #[expect(clippy::cast_precision_loss, reason = "milliseconds of the next 200,000 years are exact")]
        let real = millis as f64;
        match self {
            Self::Seconds => millis.div_euclid(1000).into(),
            Self::RealSeconds => (real / 1000.0).into(),
            Self::RealMillis => real.into(),
            Self::Text | Self::Millis => millis.into(),
        }
    }
}
