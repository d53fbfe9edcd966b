//! The REST API: every route of tasks in one list, for clients of the original back-ends.
//! See docs/contracts/legacy-rest.md#routes.

pub mod auth;
mod calendar;
pub(crate) mod cookie;
mod data;
mod errors;
mod etag;
mod extract;
mod fields;
pub mod openapi;
mod pydantic;
mod query;
mod shape;
mod streaming;
mod tasks;
mod upload;

use std::sync::Arc;

use axum::{
    Extension, Router,
    extract::MatchedPath,
    routing::{MethodRouter, get, patch, post},
};

pub use self::errors::{method_not_allowed, not_found, overdue, panicked, refused, too_large};
pub(crate) use self::extract::MAX_BODY;
use self::{shape::Shape, upload::UploadCapacity};
use crate::{config::Config, service::Services};

/// What the task routes share: the shapes that this installation answers in, and capacity for files.
#[derive(Clone, Debug)]
struct RestState {
    shape: Shape,
    capacity: UploadCapacity,
}

/// A path below `/api/{user_id}`, and what it answers.
type Route = (&'static str, MethodRouter<Arc<Services>>);

/// The routes of a user's data. Each is served with and without the user in the path, and with and without a trailing
/// slash, because legacy clients use all four.
fn routes() -> [Route; 9] {
    [
        ("/tasks", get(tasks::list).post(tasks::create)),
        ("/tasks/{task_id}", get(tasks::show).put(tasks::edit).patch(tasks::edit).delete(tasks::delete)),
        ("/tasks/{task_id}/complete", patch(tasks::complete)),
        ("/tasks/{task_id}/toggle", post(tasks::complete)),
        ("/stats", get(tasks::stats)),
        ("/changes", get(tasks::changes)),
        ("/export", get(data::export)),
        ("/export.ics", get(data::calendar)),
        ("/import", post(data::import)),
    ]
}

/// The paths and methods of the task routes, for the tests that visit each of them.
pub const PATHS: [(&str, &[&str]); 9] = [
    ("/api/{user_id}/tasks", &["GET", "POST"]),
    ("/api/{user_id}/tasks/{task_id}", &["GET", "PUT", "PATCH", "DELETE"]),
    ("/api/{user_id}/tasks/{task_id}/complete", &["PATCH"]),
    ("/api/{user_id}/tasks/{task_id}/toggle", &["POST"]),
    ("/api/{user_id}/stats", &["GET"]),
    ("/api/{user_id}/changes", &["GET"]),
    ("/api/{user_id}/export", &["GET"]),
    ("/api/{user_id}/export.ics", &["GET"]),
    ("/api/{user_id}/import", &["POST"]),
];

/// Whether a route receives a file, for which it has capacity of its own.
pub(crate) fn is_upload(route: Option<&MatchedPath>) -> bool {
    route.is_some_and(|it| it.as_str().trim_end_matches('/').ends_with("/import"))
}

/// The task routes as a router.
pub fn router(config: &Config) -> Router<Arc<Services>> {
    let router = routes().into_iter().fold(Router::new(), |router, (path, methods)| {
        ["/api/{user_id}", "/api"].into_iter().fold(router, |router, start| {
            router.route(&format!("{start}{path}"), methods.clone()).route(&format!("{start}{path}/"), methods.clone())
        })
    });
    router.layer(Extension(RestState { shape: Shape::new(config), capacity: UploadCapacity::default() }))
}
