//! What can go wrong. `table` says what clients learn about it, and the APIs put that into the shape of their bodies.

mod auth;
mod table;

use std::{error, fmt, iter, time::Duration};

use entity::{id::LabelId, label, list, task};
use sea_orm::DbErr;

pub use self::{auth::AuthError, table::PublicError};

/// A kind of object that a user has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Thing {
    /// A task.
    Task,
    /// A list of tasks.
    List,
    /// A label.
    Label,
}

impl fmt::Display for Thing {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Task => "task",
            Self::List => "list",
            Self::Label => "label",
        })
    }
}

/// Everything that a service call can return instead of a result.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Nobody is signed in.
    #[error("sign in first")]
    Unauthenticated,
    /// The token, session or cookie is not valid; the reason is for the log.
    #[error("the credentials are not valid")]
    BadCredentials(&'static str),
    /// Signed in, but not allowed to.
    #[error("access denied")]
    Forbidden,
    /// The cookie is valid, but a foreign page may have sent it.
    #[error("a session cookie works only from a trusted origin")]
    UntrustedOrigin,
    /// Absent, or another user's: clients cannot tell which.
    #[error("{0} not found")]
    NotFound(Thing),
    /// The input breaks rules; all of them are listed.
    #[error("the input is not valid")]
    Invalid(Vec<FieldError>),
    /// A file breaks rules; the first of them are listed, each with its path in the file.
    #[error("the file is not valid")]
    InvalidFile(Vec<FileProblem>),
    /// One entry of a batch is wrong.
    #[error("{cause} (entry {index})")]
    Entry {
        /// Its index in the input, from 0.
        index: usize,
        /// What is wrong with it.
        cause: Box<Error>,
    },
    /// It was changed since the caller read it; this is its current state.
    #[error("{} was changed in the meantime", .0.thing())]
    Conflict(Box<Current>),
    /// A label of this name is there already.
    #[error("a label of this name exists")]
    NameTaken,
    /// The feed of changes does not reach back so far, or this is not its number: start from nothing.
    #[error("the changes since then are not all known any more; synchronise from the start")]
    ResyncRequired,
    /// The `Idempotency-Key` came before with another request.
    #[error("the Idempotency-Key was used for another request")]
    KeyReused,
    /// A rule of accounts is broken.
    #[error("{}", .0.message())]
    Auth(AuthError),
    /// The user or address has used up its quota; try again after that time.
    #[error("too many requests, try again later")]
    TooMany(Duration),
    /// The body of a request did not arrive in time.
    #[error("the body did not arrive in time")]
    BodyTimeout,
    /// The body of a request is compressed.
    #[error("the body must not have a Content-Encoding")]
    EncodedBody,
    /// Too much work is waiting; try again in a second.
    #[error("too busy, try again")]
    Busy,
    /// The database cannot be reached; try again in a second.
    #[error("the database is not available")]
    Unavailable(#[source] DbErr),
    /// Docket failed: the cause is logged, never sent.
    #[error("internal error")]
    Internal(#[source] Box<dyn error::Error + Send + Sync>),
}

impl Error {
    /// Wraps a cause that no client can act on.
    pub fn internal(cause: impl Into<Box<dyn error::Error + Send + Sync>>) -> Self {
        Self::Internal(cause.into())
    }

    /// One problem with one field.
    pub fn invalid(field: &'static str, rule: ValidationError) -> Self {
        Self::Invalid(vec![FieldError { field, rule }])
    }

    /// The same error, with the index of the entry of a batch that it is about. Errors that are about no entry stay.
    pub fn at(self, index: usize) -> Self {
        match self {
            Self::NotFound(_) | Self::Invalid(_) | Self::Conflict(_) | Self::NameTaken => {
                Self::Entry { index, cause: Box::new(self) }
            }
            other => other,
        }
    }

    /// Whether the same request may succeed soon.
    pub fn is_temporary(&self) -> bool {
        self.public().retry_after.is_some()
    }

    /// Whether the database rolled the work back because of what others did at the same time.
    pub fn is_conflict(&self) -> bool {
        matches!(self, Self::Unavailable(cause) if crate::db::is_conflict(cause))
    }

    /// What to log.
    pub fn causes(&self) -> String {
        causes(self)
    }
}

/// What led to the error, the nearest first. What an error says at its own end is not said again.
pub fn sources<'a>(error: &'a (dyn error::Error + 'static)) -> impl Iterator<Item = &'a (dyn error::Error + 'static)> {
    let mut before = error.to_string();
    iter::successors(error.source(), |cause| cause.source()).filter(move |cause| {
        let text = cause.to_string();
        let is_new = !before.ends_with(&text);
        before = text;
        is_new
    })
}

/// The error and what led to it, in their own words. Debug would show PostgreSQL's details, which hold the values of a row
/// that it refuses.
pub fn causes(error: &(dyn error::Error + 'static)) -> String {
    sources(error).fold(error.to_string(), |text, cause| {
        let words = cause.to_string();
        // Many a cause repeats what it was caused by.
        if text.contains(&words) { text } else { format!("{text}: {words}") }
    })
}

/// The time in seconds, rounded up, so that no client tries again too early.
pub fn whole_seconds(time: Duration) -> u64 {
    time.as_secs() + u64::from(time.subsec_nanos() > 0)
}

impl From<AuthError> for Error {
    fn from(rule: AuthError) -> Self {
        Self::Auth(rule)
    }
}

/// The database's own words stay inside; whether it was reachable does not.
impl From<DbErr> for Error {
    fn from(cause: DbErr) -> Self {
        match cause {
            DbErr::ConnectionAcquire(_) | DbErr::Conn(_) => Self::Unavailable(cause),
            cause if crate::db::is_unavailable(&cause) => Self::Unavailable(cause),
            cause => Self::internal(crate::db::without_words(cause)),
        }
    }
}

/// What a row is now that somebody else changed it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Current {
    /// A task, and its labels.
    Task(task::Model, Vec<LabelId>),
    /// A list.
    List(list::Model),
    /// A label.
    Label(label::Model),
}

impl Current {
    /// What it is.
    pub fn thing(&self) -> Thing {
        match self {
            Self::Task(..) => Thing::Task,
            Self::List(_) => Thing::List,
            Self::Label(_) => Thing::Label,
        }
    }

    /// Whether it is deleted.
    pub fn is_deleted(&self) -> bool {
        match self {
            Self::Task(row, _) => row.deleted_at.is_some(),
            Self::List(row) => row.deleted_at.is_some(),
            Self::Label(row) => row.deleted_at.is_some(),
        }
    }
}

impl From<Current> for Error {
    fn from(current: Current) -> Self {
        Self::Conflict(Box::new(current))
    }
}

/// A rule that an input field breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FieldError {
    /// The field's name in the service layer, snake_case.
    pub field: &'static str,
    /// What is wrong with it.
    pub rule: ValidationError,
}

/// A rule that an entry of a file breaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileProblem {
    /// Where the entry and its field are in the file, such as `tasks.12.title`.
    pub path: String,
    /// What is wrong there.
    pub rule: ValidationError,
}

/// What can be wrong with a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValidationError {
    /// Nothing but white space.
    Blank,
    /// More characters than this.
    TooLong(usize),
    /// No characters at all.
    Empty,
    /// Not given, and needed.
    Missing,
    /// Of a name that is not known.
    Unknown,
    /// U+0000 cannot be stored.
    Nul,
    /// `null` where a value is needed.
    Null,
    /// Not between the years 1 and 9999, or not a date.
    Instant(&'static str),
    /// Not a number from the first to the second.
    NotBetween(i64, i64),
    /// Not a cursor of this list.
    Cursor,
    /// Two inputs that exclude each other.
    Contradiction(&'static str),
    /// Not a color.
    Color,
    /// Not a UUID.
    Uuid,
    /// Not a name of the IANA time zone database.
    TimeZone,
    /// More entries than this.
    TooMany(usize),
    /// More words than this.
    TooManyWords(usize),
    /// In the way of another rule, which the text names.
    Rule(&'static str),
}

impl fmt::Display for ValidationError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Blank => write!(formatter, "must not be blank"),
            Self::TooLong(most) => write!(formatter, "must have at most {most} characters"),
            Self::Empty => write!(formatter, "must not be empty"),
            Self::Missing => write!(formatter, "must be given"),
            Self::Unknown => write!(formatter, "must not be given: the name is not known"),
            Self::Nul => write!(formatter, "must not contain U+0000"),
            Self::Null => write!(formatter, "must not be null"),
            Self::Instant(reason) => write!(formatter, "must be a date and time: {reason}"),
            Self::NotBetween(least, most) => write!(formatter, "must be from {least} to {most}"),
            Self::Cursor => write!(formatter, "must be a cursor that this list gave"),
            Self::Contradiction(other) => write!(formatter, "must not be given together with {other}"),
            Self::Color => write!(formatter, "must be a color such as #a0b1c2"),
            Self::Uuid => write!(formatter, "must be a UUID"),
            Self::TimeZone => write!(formatter, "must be a name of the IANA time zone database"),
            Self::TooMany(most) => write!(formatter, "must have at most {most} entries"),
            Self::TooManyWords(most) => write!(formatter, "must have at most {most} words"),
            Self::Rule(rule) => write!(formatter, "{rule}"),
        }
    }
}
