//! The REST API: every route of tasks in one list, for clients of the original back-ends.
//! See docs/contracts/legacy-rest.md#routes.

mod adopted;
pub mod auth;
mod calendar;
pub mod compat;
pub(crate) mod cookie;
mod data;
pub mod docs;
mod errors;
mod etag;
mod exports;
mod extract;
mod fields;
mod imports;
mod json;
pub mod openapi;
pub mod paths;
mod pydantic;
mod query;
pub(crate) mod request_origin;
mod routes;
mod shape;
mod streaming;
mod summary;
mod table;
mod tasks;
mod unserved;
mod upload;

use std::sync::Arc;

use axum::{Extension, Router, extract::MatchedPath, middleware::map_response};
use utoipa_axum::routes;

pub use self::adopted::{is_priority, read_instant, read_task};
pub use self::errors::{
    method_not_allowed, missing_host_response, not_found, panic_response, rejection_response, timeout_response,
    too_large_response,
};
pub(crate) use self::extract::MAX_BODY;
pub use self::{
    exports::FileWriter,
    imports::{FileKind, ReadFile, sentences},
    upload::MAX_FILE,
};
use self::{
    openapi::{
        ErrorBodies, ErrorDoc,
        Operations::{All, OfTask, WithIfMatch},
        RouteGroup,
    },
    routes::ApiRoute,
    shape::Shape,
    upload::UploadCapacity,
};
pub use self::{
    routes::Endpoint,
    unserved::{HELPFUL_SETTINGS, HelpfulSettings},
};
use crate::{config::Config, service::Services};

/// What the task routes share: the shapes of the responses, and capacity for files.
#[derive(Clone, Debug)]
struct RestState {
    shape: Shape,
    capacity: UploadCapacity,
}

/// What the document says about every route of a user's data.
const USER_ROUTES: RouteGroup = RouteGroup {
    tag: "tasks",
    bodies: ErrorBodies::Detail,
    errors: &[
        ErrorDoc::new(401, All, "The token is missing, or it is not valid.", "Not authenticated"),
        ErrorDoc::new(403, All, "The user in the path is not the user of the token.", "Access denied"),
        ErrorDoc::new(404, OfTask, "The caller has no such task.", "Task not found"),
        errors::BODY_TIMEOUT,
        ErrorDoc::new(412, WithIfMatch, "The task is not the expected one.", "Task was changed in the meantime"),
        errors::TOO_LARGE,
        errors::ENCODED,
        ErrorDoc::new(422, All, "The request is not valid. Every problem is listed.", ""),
        errors::TOO_MANY,
        errors::FAILED,
        errors::BUSY,
    ],
};

/// The routes of a user's data.
fn routes() -> [ApiRoute; 12] {
    [
        routes!(tasks::list, tasks::create),
        routes!(tasks::show, tasks::edit, tasks::delete),
        routes!(tasks::complete),
        routes!(tasks::toggle),
        routes!(tasks::stats),
        routes!(summary::statistics),
        routes!(summary::tags),
        routes!(tasks::changes),
        routes!(data::export),
        routes!(data::table),
        routes!(data::calendar),
        routes!(data::import),
    ]
    .map(ApiRoute::new)
}

/// The same routes, with all that the document says about them.
fn described_routes() -> [ApiRoute; 12] {
    routes().map(|mut route| {
        route.describe(&USER_ROUTES);
        route.describe_owner()
    })
}

/// The methods and paths of a user's data, for the tests that visit each of them.
pub fn endpoints() -> Vec<Endpoint> {
    routes().into_iter().flat_map(ApiRoute::endpoints).collect()
}

/// Whether a route receives a file, for which it has capacity of its own.
pub(crate) fn is_upload(route: Option<&MatchedPath>) -> bool {
    route.is_some_and(|it| it.as_str().trim_end_matches('/').ends_with("/import"))
}

/// The routes of a user's data as a router, each under all of its paths.
pub fn router(config: &Config) -> Router<Arc<Services>> {
    let mut router = Router::new();
    for route in routes() {
        for path in paths::served(route.path()) {
            if let Some(path) = paths::at_root(&path).filter(|_| config.rest.root) {
                router = router.route(path, route.handlers.clone());
            }
            router = router.route(&path, route.handlers.clone());
        }
    }
    router
        .layer(map_response(shape::vary_by_shape))
        .merge(compat::user_router())
        .layer(Extension(RestState { shape: Shape::new(config), capacity: UploadCapacity::default() }))
}
