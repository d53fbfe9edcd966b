//! The routes below `/api/auth`, as Better Auth's own client expects them. Every rule is in `service::auth`.
//! See docs/contracts/better-auth.md#routes.

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
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{MethodRouter, any, get, post},
};

use self::errors::AuthApiError;
pub(crate) use self::post::MAX_BODY;
use crate::{error::Error, service::Services};

type Answer = Result<Response, AuthApiError>;
type AuthRouteState = State<Arc<Services>>;
type Methods = MethodRouter<Arc<Services>>;

/// Every route of this API, for the router and for the tests that visit each of them.
pub const PATHS: [(&str, &str); 27] = [
    ("GET", "/api/auth/ok"),
    ("GET", "/api/auth/error"),
    ("POST", "/api/auth/sign-up/email"),
    ("POST", "/api/auth/sign-in/email"),
    ("POST", "/api/auth/sign-in/social"),
    ("POST", "/api/auth/sign-out"),
    ("GET", "/api/auth/get-session"),
    ("GET", "/api/auth/token"),
    ("GET", "/api/auth/jwks"),
    ("POST", "/api/auth/update-user"),
    ("POST", "/api/auth/update-session"),
    ("POST", "/api/auth/change-email"),
    ("POST", "/api/auth/change-password"),
    ("POST", "/api/auth/verify-password"),
    ("GET", "/api/auth/list-accounts"),
    ("POST", "/api/auth/unlink-account"),
    ("GET", "/api/auth/list-sessions"),
    ("POST", "/api/auth/revoke-session"),
    ("POST", "/api/auth/revoke-sessions"),
    ("POST", "/api/auth/revoke-other-sessions"),
    ("POST", "/api/auth/request-password-reset"),
    ("POST", "/api/auth/reset-password"),
    ("GET", "/api/auth/reset-password/{token}"),
    ("POST", "/api/auth/send-verification-email"),
    ("GET", "/api/auth/verify-email"),
    ("POST", "/api/auth/delete-user"),
    ("GET", "/api/auth/delete-user/callback"),
];

/// The routes that a GET changes something on, and what; nothing else is changed by a GET, and nothing at all by HEAD
/// or OPTIONS. Links are followed by GET, because that is all that a mail can hold; what scans mail sends HEAD.
pub const EFFECTS_OF_GET: [(&str, &str); 7] = [
    ("/api/auth/verify-email", "verifies the address that the link was mailed to, or changes to it"),
    ("/api/auth/delete-user/callback", "deletes the account of whoever follows the link and is signed in"),
    ("/api/auth/get-session", "extends the session, or removes one that has ended"),
    ("/api/auth/list-accounts", "extends the session, or removes one that has ended"),
    ("/api/auth/list-sessions", "extends the session, or removes one that has ended"),
    ("/api/auth/token", "extends the session, or removes one that has ended; makes the first signing key"),
    ("/api/auth/jwks", "makes the first signing key"),
];

/// What the service refuses before a route is reached.
pub fn refused(error: Error) -> Response {
    AuthApiError::from(error).into_response()
}

fn routes() -> [(&'static str, Methods); 27] {
    [
        ("/ok", get(sign_in::ok)),
        ("/error", get(links::error_page)),
        ("/sign-up/email", post(sign_in::sign_up)),
        ("/sign-in/email", post(sign_in::sign_in)),
        ("/sign-in/social", post(sign_in::sign_in_social)),
        ("/sign-out", post(sign_in::sign_out)),
        ("/get-session", get(sign_in::get_session).post(sign_in::deferred)),
        ("/token", get(sign_in::token)),
        ("/jwks", get(sign_in::jwks)),
        ("/update-user", post(profile::update_user)),
        ("/update-session", post(profile::update_session)),
        ("/change-email", post(profile::change_email)),
        ("/change-password", post(profile::change_password)),
        ("/verify-password", post(profile::verify_password)),
        ("/list-accounts", get(profile::list_accounts)),
        ("/unlink-account", post(profile::unlink_account)),
        ("/list-sessions", get(sessions::list)),
        ("/revoke-session", post(sessions::revoke)),
        ("/revoke-sessions", post(sessions::revoke_all)),
        ("/revoke-other-sessions", post(sessions::revoke_others)),
        ("/request-password-reset", post(links::request_reset)),
        ("/reset-password", post(links::reset)),
        ("/reset-password/{token}", get(links::follow_reset)),
        ("/send-verification-email", post(links::send_verification)),
        ("/verify-email", get(links::verify_email)),
        ("/delete-user", post(links::delete_user)),
        ("/delete-user/callback", get(links::follow_deletion)),
    ]
}

/// The routes as a router; what else is asked for is nothing, without a body. So is HEAD, as at Better Auth: a route
/// would do for it what it does for GET. Probes may ask `/ok` by it.
pub fn router() -> Router<Arc<Services>> {
    let nothing = async || StatusCode::NOT_FOUND;
    let router = Router::new()
        .route("/api/auth", any(nothing))
        .route("/api/auth/", any(nothing))
        .route("/api/auth/{*path}", any(nothing));
    routes().into_iter().fold(router, |router, (path, methods)| {
        let methods = if path == "/ok" { methods } else { methods.head(nothing) };
        router.route(&format!("/api/auth{path}"), methods.fallback(nothing))
    })
}
