//! The account routes of the original back-ends: other names and shapes for what Better Auth's routes do. They set no
//! cookie, and what changes something reads none, so that a foreign page gains nothing by a request to them.
//! See docs/contracts/legacy-rest.md#accounts.

mod accounts;
mod body;
mod fields;

use std::sync::Arc;

use axum::Router;
use utoipa_axum::routes;

use super::{
    auth::SIGN_UP,
    openapi::RouteGroup,
    paths,
    routes::{ApiRoute, Endpoint},
};
use crate::service::Services;

/// What the document says about every route of this group.
const COMPAT_ROUTES: RouteGroup = RouteGroup {
    tag: "compat",
    error_schema: "Detail",
    errors: &[
        (401, "The credentials are wrong, or the token is missing or not valid."),
        (403, "The address must be verified first."),
        (408, "The body did not arrive in time."),
        (413, "The body is too large."),
        (415, "The body is compressed."),
        (422, "The request is not valid. Every validation error is listed."),
        (429, "There were too many requests."),
        (500, "The server failed."),
        (503, "The server is too busy: try again later."),
    ],
};

/// The routes by which tokens are got and given back.
fn token_routes() -> [ApiRoute; 3] {
    [
        ApiRoute::new(routes!(accounts::register)).with_body_fields(&["email", "password", "name"]),
        ApiRoute::new(routes!(accounts::login)).with_body_fields(&["email", "password"]),
        ApiRoute::new(routes!(accounts::logout)),
    ]
}

/// The routes that say whose a token is.
fn user_routes() -> [ApiRoute; 2] {
    [ApiRoute::new(routes!(accounts::me)), ApiRoute::new(routes!(accounts::session))]
}

fn routes() -> impl Iterator<Item = ApiRoute> {
    token_routes().into_iter().chain(user_routes())
}

/// The same routes, with all that the document says about them.
pub(super) fn described_routes() -> impl Iterator<Item = ApiRoute> {
    routes().map(|mut route| {
        route.describe(&COMPAT_ROUTES);
        route
    })
}

/// The methods and paths of these routes, for the tests that visit each of them.
pub fn endpoints() -> Vec<Endpoint> {
    routes().flat_map(ApiRoute::endpoints).collect()
}

/// Whether a path is one of these routes, or would be one if there were more.
pub(crate) fn is_route(path: &str) -> bool {
    let is_user = || ["/me", "/session"].contains(&last_segment(path));
    path.starts_with("/auth/")
        || path.starts_with("/api/v1/auth/")
        || (path.starts_with("/api/auth/") && (limited_as(path).is_some() || is_user()))
}

/// The route of Better Auth's with which a route shares its limits: a second name gives no second try.
pub(crate) fn limited_as(path: &str) -> Option<&'static str> {
    match last_segment(path) {
        name if paths::SIGN_UP.contains(&name) => Some(SIGN_UP),
        name if paths::SIGN_IN.contains(&name) => Some("/api/auth/sign-in/email"),
        name if paths::SIGN_OUT.contains(&name) => Some("/api/auth/sign-out"),
        _ => None,
    }
}

/// The last segment, with its slash.
fn last_segment(path: &str) -> &str {
    let path = path.trim_end_matches('/');
    path.rfind('/').map_or("", |start| &path[start..])
}

pub(super) fn token_router() -> Router<Arc<Services>> {
    router(token_routes())
}

pub(super) fn user_router() -> Router<Arc<Services>> {
    router(user_routes())
}

fn router(routes: impl IntoIterator<Item = ApiRoute>) -> Router<Arc<Services>> {
    routes.into_iter().fold(Router::new(), |router, route| {
        let paths = paths::served(route.path());
        paths.iter().fold(router, |router, path| router.route(path, route.handlers.clone()))
    })
}
