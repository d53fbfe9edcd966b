//! Door 2: every REST route in one list, for clients of the original (contracts: legacy REST, 3).

pub mod auth;
pub(crate) mod cookie;
mod data;
mod etag;
mod extract;
mod failure;
mod fault;
mod fields;
mod query;
mod tasks;

use std::sync::Arc;

use axum::{
    Router,
    routing::{MethodRouter, get, patch, post},
};

pub use self::failure::{method_not_allowed, not_found, overdue, panicked, refused, too_large};
use crate::service::Services;

/// A path and what it answers.
type Route = (&'static str, MethodRouter<Arc<Services>>);

/// The task routes. Each is served with and without a trailing slash, because legacy clients use both.
fn routes() -> [Route; 7] {
    [
        ("/api/{user_id}/tasks", get(tasks::list).post(tasks::create)),
        ("/api/{user_id}/tasks/{task_id}", get(tasks::show).put(tasks::edit).patch(tasks::edit).delete(tasks::delete)),
        ("/api/{user_id}/tasks/{task_id}/complete", patch(tasks::complete)),
        ("/api/{user_id}/changes", get(tasks::changes)),
        ("/api/{user_id}/export", get(data::export)),
        ("/api/{user_id}/export.ics", get(data::calendar)),
        ("/api/{user_id}/import", post(data::import)),
    ]
}

/// The paths and methods of the task routes, for the tests that visit each of them.
pub const PATHS: [(&str, &[&str]); 7] = [
    ("/api/{user_id}/tasks", &["GET", "POST"]),
    ("/api/{user_id}/tasks/{task_id}", &["GET", "PUT", "PATCH", "DELETE"]),
    ("/api/{user_id}/tasks/{task_id}/complete", &["PATCH"]),
    ("/api/{user_id}/changes", &["GET"]),
    ("/api/{user_id}/export", &["GET"]),
    ("/api/{user_id}/export.ics", &["GET"]),
    ("/api/{user_id}/import", &["POST"]),
];

/// The task routes as a router.
pub fn router() -> Router<Arc<Services>> {
    routes().into_iter().fold(Router::new(), |router, (path, methods)| {
        router.route(path, methods.clone()).route(&format!("{path}/"), methods)
    })
}
