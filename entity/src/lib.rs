//! What is stored: one file a table, the id newtypes in [`id`], the two timestamp formats in [`time`],
//! and how text is compared in [`text`].
//! Rows know nothing of clients: no serde, no GraphQL, no HTTP.

pub mod account;
pub mod answer;
pub mod id;
pub mod jwks;
pub mod label;
pub mod list;
pub mod owner;
pub mod place;
pub mod rate_limit;
pub mod session;
pub mod task;
pub mod task_label;
pub mod text;
pub mod time;
pub mod user;
pub mod verification;
