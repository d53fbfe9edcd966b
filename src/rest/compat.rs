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
    auth::{
        SIGN_UP,
        requests::{EMAIL, IMAGE, PASSWORD},
    },
    errors,
    openapi::{
        BodyField, ErrorBodies, ErrorDoc,
        Operations::{Named, WithBody},
        RouteGroup,
    },
    paths,
    routes::{ApiRoute, Endpoint},
};
use crate::service::Services;

/// What the document says about every route of this group.
const COMPAT_ROUTES: RouteGroup = RouteGroup {
    tag: "compat",
    bodies: ErrorBodies::Detail,
    errors: &[
        ErrorDoc::new(400, Named, "An account with this address exists.", "Email already registered"),
        ErrorDoc::new(
            401,
            Named,
            "The credentials are wrong, or the token is missing or not valid.",
            "Not authenticated",
        ),
        ErrorDoc::new(403, Named, "The address must be verified first.", "Email not verified"),
        errors::BODY_TIMEOUT,
        errors::TOO_LARGE,
        errors::ENCODED,
        ErrorDoc::new(422, WithBody, "The request is not valid. Every problem is listed.", ""),
        errors::TOO_MANY,
        errors::FAILED,
        errors::BUSY,
    ],
};

const NAME: BodyField = BodyField::optional("name", "Ann", "Display name; without it, a part of the address.");
/// What the password form of OAuth2 calls the address.
const USER_NAME: BodyField = BodyField::required("username", "ann@example.com", "E-mail address; `email` works too.");

/// The fields of a sign-up, in JSON and in a form.
const REGISTER: &[BodyField] = &[EMAIL, PASSWORD, NAME, IMAGE];
/// The fields of a sign-in in JSON.
const LOGIN: &[BodyField] = &[EMAIL, PASSWORD];
/// Those in a form.
const LOGIN_FORM: &[BodyField] = &[USER_NAME, PASSWORD];

/// The routes by which tokens are got and given back.
fn token_routes() -> [ApiRoute; 3] {
    let [json, form, parts] = body::MEDIA_TYPES;
    [
        ApiRoute::new(routes!(accounts::register))
            .with_bodies(&[(json, REGISTER), (form, REGISTER), (parts, REGISTER)])
            .fails_with(&[400]),
        ApiRoute::new(routes!(accounts::login))
            .with_bodies(&[(json, LOGIN), (form, LOGIN_FORM), (parts, LOGIN_FORM)])
            .fails_with(&[401, 403]),
        ApiRoute::new(routes!(accounts::logout)).for_bearer().fails_with(&[401]),
    ]
}

/// The routes that say whose a token is.
fn user_routes() -> [ApiRoute; 2] {
    [routes!(accounts::me), routes!(accounts::session)].map(|it| ApiRoute::new(it).for_session().fails_with(&[401]))
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
