//! Docket: a task back-end with two doors and one room.
//!
//! GraphQL ([`graphql`]) and REST ([`rest`]) are doors; the services ([`service`]) are the room where every rule
//! lives; rows lie in the cellar (the crates `entity` and `migration`, reached through [`db`]). A module uses only
//! what stands to its left:
//!
//! ```text
//! entity, migration ← { config error share tally telemetry mail db } ← service ← view ← { graphql, rest } ← server ← main
//! ```

pub mod config;
pub mod db;
pub mod demo;
pub mod doctor;
pub mod error;
pub mod graphql;
pub mod mail;
pub mod rest;
pub mod server;
pub mod service;
pub mod share;
pub mod tally;
pub mod telemetry;
pub mod view;
