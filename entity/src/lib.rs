//! What is stored: one file a table, the id newtypes in [`id`], the two timestamp formats in [`time`],
//! and how text is compared in [`text`].
//! Rows know nothing of clients: no serde, no GraphQL, no HTTP.

pub mod account;
pub mod adopted_row;
pub mod database_epoch;
pub mod id;
pub mod idempotency_key;
pub mod jwks;
pub mod label;
pub mod list;
pub mod owner;
pub mod rate_limit;
pub mod row;
pub mod session;
pub mod task;
pub mod task_label;
pub mod text;
pub mod time;
pub mod user;
pub mod user_revision;
pub mod verification;
