//! What is read of a selection, and how long that takes.

/// Which rows of a selection: those from `offset` on, at most `limit` of them.
#[derive(Clone, Copy, Debug)]
pub struct Window {
    /// How many rows to leave out.
    pub offset: u64,
    /// How many rows to read at most; all, without a limit.
    pub limit: Option<u64>,
}

/// How long a statement takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// Next to nothing, whatever is stored: such statements are sent together on PostgreSQL.
    Quick,
    /// As long as what is stored makes it.
    Any,
}
