//! Newtypes for the ids, used as column types, so that one id cannot stand where another is meant.

use std::fmt;

use sea_orm::{DbErr, DeriveValueType, TryFromU64};
use uuid::Uuid;

/// A user's id: opaque text of at most 255 characters, because accounts made elsewhere keep theirs.
#[derive(Clone, Debug, PartialEq, Eq, Hash, DeriveValueType)]
pub struct UserId(pub String);

/// A task's id: a UUID (version 7 when Docket chooses it). Unique within one user's tasks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, DeriveValueType)]
pub struct TaskId(pub Uuid);

impl TaskId {
    /// A new id, later than all that this process made before.
    pub fn new() -> Self {
        Self(Uuid::now_v7())
    }
}

impl Default for TaskId {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Display for UserId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

impl fmt::Display for TaskId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

impl TryFromU64 for UserId {
    fn try_from_u64(_: u64) -> Result<Self, DbErr> {
        Err(DbErr::ConvertFromU64("UserId"))
    }
}
