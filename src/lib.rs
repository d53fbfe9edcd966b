//! Docket: a task back-end with a GraphQL API and a REST API on one service layer.
//!
//! [`graphql`] and [`rest`] are thin: they find out who asks, parse the input, call one service and shape the answer.
//! Every rule is in [`service`]. Rows are in the crates `entity` and `migration`, reached through [`db`]. A module uses
//! only what stands to its left:
//!
//! ```text
//! entity, migration ← { batch cache config embedded error in_flight media_type telemetry mail db } ← proof ← service ← view ← { app, graphql, rest } ← server ← main
//! ```

pub mod adopt;
pub mod app;
pub mod archive;
pub mod batch;
pub mod cache;
pub mod config;
pub mod db;
pub mod demo;
pub mod doctor;
mod embedded;
pub mod error;
pub mod graphql;
pub mod in_flight;
pub mod mail;
mod media_type;
pub mod operators;
pub mod page_bar;
pub mod proof;
pub mod rest;
pub mod server;
pub mod service;
pub mod telemetry;
pub mod view;
