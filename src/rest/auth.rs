//! The routes below `/api/auth`, as Better Auth's own client expects them. Every rule is in `service::auth`.
//! See docs/contracts/better-auth.md#routes.

mod bodies;
mod errors;
mod fields;
mod links;
mod origin;
mod post;
mod profile;
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
use self::post::MAX_BODY;
use super::{
    compat,
    errors::not_found,
    openapi::RouteGroup,
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
    error_schema: "AuthError",
    errors: &[
        (400, "The request is not valid."),
        (401, "There is no session, or the credentials are wrong."),
        (403, "The origin or a link is not trusted, or the session is not fresh."),
        (404, "What a link leads to does not exist."),
        (408, "The body did not arrive in time."),
        (413, "The body is too large."),
        (415, "The route takes another media type, or the body is compressed."),
        (422, "An account with this address exists."),
        (429, "There were too many requests."),
        (500, "The server failed."),
        (503, "The server is too busy: try again later."),
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

/// Every route of this API. The bodies of `POST` are objects of texts, named here, which Better Auth's client sends.
fn routes() -> [ApiRoute; 28] {
    [
        ApiRoute::new(routes!(sign_in::ok)),
        ApiRoute::new(routes!(links::error_page)),
        ApiRoute::new(routes!(sign_in::sign_up)).with_body_fields(&[
            "name",
            "email",
            "password",
            "image",
            "callbackURL",
        ]),
        ApiRoute::new(routes!(sign_in::sign_in)).with_body_fields(&["email", "password", "callbackURL"]),
        ApiRoute::new(routes!(sign_in::sign_in_social)).with_body_fields(&["provider"]),
        ApiRoute::new(routes!(sign_in::sign_out)).with_body_fields(&[]),
        ApiRoute::new(routes!(sign_in::get_session)).with_unlisted_post(post(sign_in::deferred)),
        ApiRoute::new(routes!(sign_in::token)),
        ApiRoute::new(routes!(sign_in::jwks)),
        ApiRoute::new(routes!(sign_in::well_known_jwks)),
        ApiRoute::new(routes!(profile::update_user)).with_body_fields(&["name", "image"]),
        ApiRoute::new(routes!(profile::update_session)).with_body_fields(&[]),
        ApiRoute::new(routes!(profile::change_email)).with_body_fields(&["newEmail", "callbackURL"]),
        ApiRoute::new(routes!(profile::change_password)).with_body_fields(&["currentPassword", "newPassword"]),
        ApiRoute::new(routes!(profile::verify_password)).with_body_fields(&["password"]),
        ApiRoute::new(routes!(profile::list_accounts)),
        ApiRoute::new(routes!(profile::unlink_account)).with_body_fields(&["accountId"]),
        ApiRoute::new(routes!(sessions::list)),
        ApiRoute::new(routes!(sessions::revoke)).with_body_fields(&["token"]),
        ApiRoute::new(routes!(sessions::revoke_all)).with_body_fields(&[]),
        ApiRoute::new(routes!(sessions::revoke_others)).with_body_fields(&[]),
        ApiRoute::new(routes!(links::request_reset)).with_body_fields(&["email", "redirectTo"]),
        ApiRoute::new(routes!(links::reset)).with_body_fields(&["newPassword", "token"]),
        ApiRoute::new(routes!(links::follow_reset)),
        ApiRoute::new(routes!(links::send_verification)).with_body_fields(&["email", "callbackURL"]),
        ApiRoute::new(routes!(links::verify_email)),
        ApiRoute::new(routes!(links::delete_user)).with_body_fields(&["password", "token", "callbackURL"]),
        ApiRoute::new(routes!(links::follow_deletion)),
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
