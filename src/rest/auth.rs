//! `/api/auth/*`, as Better Auth's own client expects it (contracts: Better Auth, 1). Thin: every rule is a service's.

mod failure;
mod fields;
mod origin;
mod post;
mod session;

use std::sync::Arc;

use axum::{
    Extension, Json, Router,
    extract::{OriginalUri, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{MethodRouter, get, post},
};
use chrono::Utc;
use serde::Serialize;
use serde_json::json;

use self::{
    failure::Failure,
    fields::{sign_in_form, sign_up_form},
    post::{Forms, Json as JsonPost, Post},
    session::{Cookies, Shown},
};
use crate::{
    service::{
        Services,
        auth::{Client, Lifetime, SignedIn},
    },
    view::{Session, User},
};

type Answer = Result<Response, Failure>;
type Door = State<Arc<Services>>;

/// Every route of this door, for the router and for the tests that visit each of them.
pub const PATHS: [(&str, &str); 8] = [
    ("GET", "/api/auth/ok"),
    ("POST", "/api/auth/sign-up/email"),
    ("POST", "/api/auth/sign-in/email"),
    ("POST", "/api/auth/sign-out"),
    ("GET", "/api/auth/get-session"),
    ("GET", "/api/auth/token"),
    ("GET", "/api/auth/jwks"),
    ("POST", "/api/auth/delete-user"),
];

/// The routes as a router; what else is asked for is nothing, without a body.
pub fn router() -> Router<Arc<Services>> {
    let routes: [(&str, MethodRouter<Arc<Services>>); 8] = [
        ("/api/auth/ok", get(ok)),
        ("/api/auth/sign-up/email", post(sign_up)),
        ("/api/auth/sign-in/email", post(sign_in)),
        ("/api/auth/sign-out", post(sign_out)),
        ("/api/auth/get-session", get(get_session).post(deferred)),
        ("/api/auth/token", get(token)),
        ("/api/auth/jwks", get(jwks)),
        ("/api/auth/delete-user", post(delete_user)),
    ];
    let nothing = || axum::routing::any(async || StatusCode::NOT_FOUND);
    let router = Router::new()
        .route("/api/auth", nothing())
        .route("/api/auth/", nothing())
        .route("/api/auth/{*path}", nothing());
    routes
        .into_iter()
        .fold(router, |router, (path, methods)| router.route(path, methods.fallback(async || StatusCode::NOT_FOUND)))
}

async fn ok() -> Response {
    Json(json!({ "ok": true })).into_response()
}

/// A user with a token, which is null when nobody is signed in by it.
#[derive(Serialize)]
struct TokenAndUser {
    token: Option<String>,
    user: User,
}

/// What a sign-in answers.
#[derive(Serialize)]
struct Entrance {
    redirect: bool,
    token: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    user: User,
}

async fn sign_up(State(services): Door, Extension(client): Extension<Client>, post: Post<Forms>) -> Answer {
    let auth = services.auth();
    let registration = sign_up_form(&post)?;
    origin::check_form(auth.origins(), post.headers())?;
    let is_remembered = registration.is_remembered;
    let SignedIn { user, session } = auth.sign_up(registration, &client).await?;
    let mut cookies = Cookies::new(auth, post.headers());
    cookies.set_session(&session.token, is_remembered);
    Ok(cookies.with(Json(TokenAndUser { token: Some(session.token), user: user.into() })))
}

async fn sign_in(State(services): Door, Extension(client): Extension<Client>, post: Post<Forms>) -> Answer {
    let auth = services.auth();
    let form = sign_in_form(&post)?;
    origin::check_form(auth.origins(), post.headers())?;
    let login = form.login?;
    let SignedIn { user, session } = auth.sign_in(&login, &client).await?;
    let mut cookies = Cookies::new(auth, post.headers());
    cookies.set_session(&session.token, login.is_remembered);
    if let Some(Ok(location)) = form.callback_url.as_deref().map(HeaderValue::from_str) {
        cookies.set(header::LOCATION, location);
    }
    let entrance = Entrance {
        redirect: form.callback_url.is_some(),
        token: session.token,
        url: form.callback_url,
        user: user.into(),
    };
    Ok(cookies.with(Json(entrance)))
}

async fn sign_out(State(services): Door, post: Post<JsonPost>) -> Answer {
    let auth = services.auth();
    if let Some(token) = Shown::read(auth, post.headers()).token {
        auth.sign_out(&token).await?;
    }
    let mut cookies = Cookies::new(auth, post.headers());
    cookies.clear();
    Ok(cookies.with(Json(json!({ "success": true }))))
}

/// A session and its user.
#[derive(Serialize)]
struct SessionAndUser {
    session: Session,
    user: User,
}

async fn get_session(State(services): Door, headers: HeaderMap, OriginalUri(uri): OriginalUri) -> Answer {
    let auth = services.auth();
    let shown = Shown::read(auth, &headers);
    let mut cookies = Cookies::new(auth, &headers);
    cookies.set(header::PRAGMA, HeaderValue::from_static("no-cache"));
    let is_fixed = is_set(uri.query().unwrap_or_default(), "disableRefresh");
    let lifetime = if is_fixed { Lifetime::Fixed } else { Lifetime::Extended };
    let Some(live) = shown.live(auth, lifetime, &mut cookies).await? else {
        return Ok(cookies.with(Json(serde_json::Value::Null)));
    };
    cookies.set_access_token(&auth.access_token(&live.user, Utc::now()).await?);
    Ok(cookies.with(Json(SessionAndUser { session: live.session.into(), user: live.user.into() })))
}

/// Whether a switch in the query is on; present without a value is on, `false` is off.
fn is_set(query: &str, name: &str) -> bool {
    form_urlencoded::parse(query.as_bytes()).any(|(it, value)| it == name && value != "false" && value != "0")
}

async fn deferred() -> Answer {
    Err(Failure::DeferredSession)
}

async fn token(State(services): Door, headers: HeaderMap) -> Answer {
    let auth = services.auth();
    let mut cookies = Cookies::new(auth, &headers);
    let live = Shown::read(auth, &headers).live(auth, Lifetime::Extended, &mut cookies).await?;
    let Some(live) = live else { return Ok(cookies.with(Failure::Unauthorized)) };
    let token = auth.access_token(&live.user, Utc::now()).await?;
    Ok(cookies.with(Json(json!({ "token": token }))))
}

async fn delete_user(State(services): Door, post: Post<JsonPost>) -> Answer {
    let auth = services.auth();
    let password = fields::delete_user_form(&post)?;
    let mut cookies = Cookies::new(auth, post.headers());
    let live = Shown::read(auth, post.headers()).live(auth, Lifetime::Extended, &mut cookies).await?;
    let Some(live) = live else { return Ok(cookies.with(Failure::Unauthorized)) };
    auth.delete_account(&live, password.as_deref()).await?;
    cookies.clear();
    Ok(cookies.with(Json(json!({ "success": true, "message": "User deleted" }))))
}

async fn jwks(State(services): Door) -> Answer {
    Ok(Json(json!({ "keys": services.auth().public_keys().await? })).into_response())
}
