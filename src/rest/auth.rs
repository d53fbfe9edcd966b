//! The routes below `/api/auth`, as Better Auth's own client expects them. Every rule is in `service::auth`.
//! See docs/contracts/better-auth.md#routes.

mod bodies;
mod errors;
mod fields;
mod links;
mod origin;
mod post;
mod profile;
pub(super) mod requests;
mod session;
mod sessions;
mod sign_in;

use std::sync::Arc;

use axum::{
    Router,
    extract::State,
    response::{IntoResponse, Response},
    routing::{any, post},
};
use utoipa_axum::routes;

use self::errors::AuthApiError;
pub(super) use self::fields::MAX_IMAGE;
use self::post::{MAX_BODY, Takes};
use super::{
    compat,
    errors::not_found,
    openapi::{
        ErrorBodies, ErrorDoc,
        Operations::{All, Named, Post, WithBody},
        RouteGroup,
    },
    routes::{ApiRoute, Endpoint},
};
use crate::{error::Error, service::Services};

/// How many bytes the body of a sign-up has at most: with a picture as a camera makes it.
const MAX_SIGN_UP_BODY: usize = 4 << 20;
/// The path of signing up.
pub(super) const SIGN_UP: &str = "/api/auth/sign-up/email";

type AuthResult = Result<Response, AuthApiError>;
type AuthRouteState = State<Arc<Services>>;

/// What the document says about every route of this API.
const AUTH_ROUTES: RouteGroup = RouteGroup {
    tag: "auth",
    bodies: ErrorBodies::Message,
    errors: &[
        ErrorDoc::new(400, Post, "The request is not valid.", "[body.email] Invalid email address")
            .code("VALIDATION_ERROR"),
        ErrorDoc::new(401, Named, "There is no session, or what proves it is wrong.", "Unauthorized")
            .code("UNAUTHORIZED"),
        ErrorDoc::new(403, Post, "The page, a link in the request or the session is not trusted.", "Invalid origin")
            .code("INVALID_ORIGIN"),
        ErrorDoc::new(404, Named, "What the request names does not exist.", "Invalid token").code("INVALID_TOKEN"),
        ErrorDoc::new(408, WithBody, "The body did not arrive in time.", "Request body did not arrive")
            .code("REQUEST_TIMEOUT"),
        ErrorDoc::new(413, WithBody, "The body is too large.", "Request body too large").code("PAYLOAD_TOO_LARGE"),
        ErrorDoc::new(
            415,
            WithBody,
            "The body is compressed, or the route takes another media type.",
            "Request body must not be compressed",
        )
        .code("UNSUPPORTED_MEDIA_TYPE"),
        ErrorDoc::new(422, Named, "An account with this address exists.", "User already exists. Use another email.")
            .code("USER_ALREADY_EXISTS_USE_ANOTHER_EMAIL"),
        ErrorDoc::new(429, All, "There were too many requests.", "Too many requests. Please try again later."),
        ErrorDoc::new(500, All, "The server failed.", "Internal Server Error").code("INTERNAL_SERVER_ERROR"),
        ErrorDoc::new(503, All, "The server is too busy.", "Service unavailable, try again")
            .code("SERVICE_UNAVAILABLE"),
    ],
};

/// The routes that a GET changes something on, and what; nothing else is changed by a GET, and nothing at all by HEAD
/// or OPTIONS. Mailed links are followed by GET; mail scanners send HEAD.
pub const EFFECTS_OF_GET: [(&str, &str); 8] = [
    ("/api/auth/verify-email", "verifies the address that the link was mailed to, or changes to it"),
    ("/api/auth/delete-user/callback", "deletes the account of whoever follows the link and is signed in"),
    ("/api/auth/get-session", "extends the session, or removes one that has ended"),
    ("/api/auth/list-accounts", "extends the session, or removes one that has ended"),
    ("/api/auth/list-sessions", "extends the session, or removes one that has ended"),
    ("/api/auth/token", "extends the session, or removes one that has ended; makes the first signing key"),
    ("/api/auth/jwks", "makes the first signing key"),
    ("/.well-known/jwks.json", "makes the first signing key"),
];

/// The response to what the service refuses before a route is reached.
pub fn rejection_response(error: Error) -> Response {
    AuthApiError::from(error).into_response()
}

/// Every route of this API.
fn routes() -> [ApiRoute; 28] {
    let forms = |fields| <post::Forms as Takes>::TYPES.iter().map(|it| (*it, fields)).collect::<Vec<_>>();
    [
        ApiRoute::new(routes!(sign_in::ok)),
        ApiRoute::new(routes!(links::error_page)),
        ApiRoute::new(routes!(sign_in::sign_up)).with_bodies(&forms(requests::SIGN_UP)).fails_with(&[422]),
        ApiRoute::new(routes!(sign_in::sign_in)).with_bodies(&forms(requests::SIGN_IN)).fails_with(&[401]),
        ApiRoute::new(routes!(sign_in::sign_in_social)).with_body(requests::SOCIAL).fails_with(&[404]),
        ApiRoute::new(routes!(sign_in::sign_out)).for_anybody(),
        ApiRoute::new(routes!(sign_in::get_session)).with_unlisted_post(post(sign_in::deferred)).for_anybody(),
        ApiRoute::new(routes!(sign_in::token)).for_session().fails_with(&[401]),
        ApiRoute::new(routes!(sign_in::jwks)),
        ApiRoute::new(routes!(sign_in::well_known_jwks)),
        ApiRoute::new(routes!(profile::update_user)).with_body(requests::UPDATE_USER).for_session().fails_with(&[401]),
        ApiRoute::new(routes!(profile::update_session)).with_body(requests::ANY).for_session().fails_with(&[401]),
        ApiRoute::new(routes!(profile::change_email))
            .with_body(requests::CHANGE_EMAIL)
            .for_session()
            .fails_with(&[401]),
        ApiRoute::new(routes!(profile::change_password))
            .with_body(requests::CHANGE_PASSWORD)
            .for_session()
            .fails_with(&[401]),
        ApiRoute::new(routes!(profile::verify_password))
            .with_body(requests::VERIFY_PASSWORD)
            .for_session()
            .fails_with(&[401]),
        ApiRoute::new(routes!(profile::list_accounts)).for_session().fails_with(&[401]),
        ApiRoute::new(routes!(profile::unlink_account)).with_body(requests::UNLINK).for_session().fails_with(&[401]),
        ApiRoute::new(routes!(sessions::list)).for_session().fails_with(&[401, 403]),
        ApiRoute::new(routes!(sessions::revoke)).with_body(requests::REVOKE).for_session().fails_with(&[401]),
        ApiRoute::new(routes!(sessions::revoke_all)).for_session().fails_with(&[401]),
        ApiRoute::new(routes!(sessions::revoke_others)).for_session().fails_with(&[401]),
        ApiRoute::new(routes!(links::request_reset)).with_body(requests::REQUEST_RESET),
        ApiRoute::new(routes!(links::reset)).with_body(requests::RESET),
        ApiRoute::new(routes!(links::follow_reset)).fails_with(&[400, 403]),
        ApiRoute::new(routes!(links::send_verification)).with_body(requests::SEND_VERIFICATION).for_anybody(),
        ApiRoute::new(routes!(links::verify_email)).for_anybody().fails_with(&[400, 401, 403]),
        ApiRoute::new(routes!(links::delete_user))
            .with_body(requests::DELETE_USER)
            .for_session()
            .fails_with(&[401, 404]),
        ApiRoute::new(routes!(links::follow_deletion)).for_session().fails_with(&[400, 403, 404]),
    ]
}

/// The same routes, with all that the document says about them.
pub(super) fn described_routes() -> [ApiRoute; 28] {
    routes().map(|mut route| {
        route.describe(&AUTH_ROUTES);
        route
    })
}

/// The methods and paths of this API, for the tests that visit each of them.
pub fn endpoints() -> Vec<Endpoint> {
    routes().into_iter().flat_map(ApiRoute::endpoints).collect()
}

/// The routes as a router, beside the routes of the original back-ends by which tokens are got. Everything else is 404,
/// with another method too, as Better Auth has it; HEAD too, for which a route would do what it does for GET. Probes may
/// send HEAD to `/ok`.
pub fn router() -> Router<Arc<Services>> {
    let router = compat::token_router()
        .route("/api/auth", any(not_found))
        .route("/api/auth/", any(not_found))
        .route("/api/auth/{*path}", any(not_found));
    routes().into_iter().fold(router, |router, route| {
        let path = route.path().to_owned();
        let handlers = if path == "/api/auth/ok" { route.handlers } else { route.handlers.head(not_found) };
        // Not as a fallback of the handlers: that would name their methods.
        router.route(&path, any(not_found).merge(handlers))
    })
}

/// How many bytes a body has at most on that path: to a sign-up front-ends add a picture.
pub(crate) fn max_body(path: &str) -> usize {
    let is_sign_up = path == SIGN_UP || compat::limited_as(path) == Some(SIGN_UP);
    if is_sign_up { MAX_SIGN_UP_BODY } else { MAX_BODY }
}
