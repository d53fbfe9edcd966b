//! The tests from outside: each has its own database and its own server, and speaks HTTP. One file a subject.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]
#![expect(clippy::too_many_lines, reason = "a table of cases is as long as it is")]

mod access;
mod accounts;
mod auth;
mod bulk;
mod citations;
mod concurrency;
mod connections;
mod contents;
mod contract;
mod data;
mod documents;
mod family;
mod filter_model;
mod filters;
mod graphql;
mod guide;
mod history;
mod input;
mod legacy;
mod links;
mod methods;
mod model;
mod operate;
mod orders;
mod owners;
mod purge;
mod push;
mod quota;
mod request_errors;
mod rest;
mod schema;
mod server;
mod shares;
mod sink;
mod socket;
mod starts;
mod support;
mod sync;
mod telemetry;
mod tidy;
mod tokens;
mod trash;
mod unicode;
mod writing;
