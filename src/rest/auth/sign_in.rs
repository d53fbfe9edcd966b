//! Signing up, in and out, and what a session gives.

use axum::{
    Extension, Json,
    extract::{OriginalUri, State},
    http::{HeaderMap, HeaderValue, header},
    response::{IntoResponse, Response},
};
use chrono::Utc;
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    AuthResult, AuthRouteState,
    bodies::{AccessTokenBody, KeysBody, OkBody, SuccessBody},
    errors::AuthApiError,
    fields::{sign_in_form, sign_out_form, sign_up_form, social_form},
    origin,
    post::{Forms, Json as JsonPost, Post},
    session::{Cookies, SessionCredentials},
};
use crate::{
    error::AuthError,
    service::auth::{Client, Lifetime, SESSION_LIFETIME, SignedIn, SignedUp},
    view::{Session, User},
};

/// A user, and the token of the session if there is one.
#[derive(Serialize, ToSchema)]
#[schema(examples(json!({
    "token": "Q3vN8rB1xJ6mT0wZk5hLsDf2YcPa9GeU",
    "user": {
        "name": "Ann", "email": "ann@example.com", "emailVerified": false, "image": null,
        "createdAt": "2030-01-01T08:00:00.000Z", "updatedAt": "2030-01-01T08:00:00.000Z",
        "id": "yI5EnU3Wb8Qk0aZr7LxT2vPcGdMhJfSo",
    },
})))]
pub(super) struct TokenAndUser {
    /// The token of the session, if there is one.
    #[schema(required)]
    pub(super) token: Option<String>,
    /// The user.
    pub(super) user: User,
}

/// The response to a sign-in.
#[derive(Serialize, ToSchema)]
#[schema(examples(json!({
    "redirect": false,
    "token": "Q3vN8rB1xJ6mT0wZk5hLsDf2YcPa9GeU",
    "user": {
        "name": "Ann", "email": "ann@example.com", "emailVerified": false, "image": null,
        "createdAt": "2030-01-01T08:00:00.000Z", "updatedAt": "2030-01-01T08:00:00.000Z",
        "id": "yI5EnU3Wb8Qk0aZr7LxT2vPcGdMhJfSo",
    },
})))]
struct SignInBody {
    /// Whether the client is to go to `url`.
    redirect: bool,
    /// The token of the session.
    token: String,
    /// The `callbackURL` of the request, if it had one.
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    /// The user.
    user: User,
}

/// A session and its user.
#[derive(Serialize, ToSchema)]
#[schema(examples(json!({
    "session": {
        "expiresAt": "2030-01-08T08:00:00.000Z", "token": "Q3vN8rB1xJ6mT0wZk5hLsDf2YcPa9GeU",
        "createdAt": "2030-01-01T08:00:00.000Z", "updatedAt": "2030-01-01T08:00:00.000Z", "ipAddress": "192.0.2.7",
        "userAgent": "Mozilla/5.0", "userId": "yI5EnU3Wb8Qk0aZr7LxT2vPcGdMhJfSo",
        "id": "c7KpX4nR9sVb2LqJ0yTfWm8HdEzG1aUi",
    },
    "user": {
        "name": "Ann", "email": "ann@example.com", "emailVerified": false, "image": null,
        "createdAt": "2030-01-01T08:00:00.000Z", "updatedAt": "2030-01-01T08:00:00.000Z",
        "id": "yI5EnU3Wb8Qk0aZr7LxT2vPcGdMhJfSo",
    },
})))]
struct SessionAndUserBody {
    /// The session.
    session: Session,
    /// Its user.
    user: User,
}

/// Check that the auth routes are served.
///
/// It says nothing about a session.
#[utoipa::path(
    get,
    path = "/api/auth/ok",
    operation_id = "checkAccounts",
    responses((status = 200, description = "They are served.", body = OkBody)),
)]
pub(super) async fn ok() -> Response {
    Json(OkBody { ok: true }).into_response()
}

/// Sign up with an e-mail address and a password.
///
/// The response sets the session cookie, unless the address must be verified first.
#[utoipa::path(
    post,
    path = "/api/auth/sign-up/email",
    operation_id = "signUpEmail",
    responses(
        (
            status = 200,
            description = "The user, and the token of the session. It is null while the address must be verified first.",
            body = TokenAndUser,
            headers(("Set-Cookie" = String, description = "The session cookie."),
                ("set-auth-token" = String, description = "The signed token of the session, for those who keep no cookies.")),
        ),
    ),
)]
pub(super) async fn sign_up(
    State(services): AuthRouteState,
    Extension(client): Extension<Client>,
    post: Post<Forms>,
) -> AuthResult {
    let auth = services.auth();
    let registration = sign_up_form(&post)?;
    origin::check_form(auth.origins(), &post)?;
    let is_remembered = registration.lasts == SESSION_LIFETIME;
    let mut cookies = Cookies::new(auth, post.headers());
    let (token, user) = match auth.sign_up(registration, &client).await? {
        SignedUp::ToBeVerified(user) => (None, user),
        SignedUp::In(SignedIn { user, session }) => {
            cookies.set_session(&session.token, is_remembered);
            (Some(session.token), user)
        }
    };
    Ok(cookies.with(Json(TokenAndUser { token, user: user.into() })))
}

/// Sign in with an e-mail address and a password.
///
/// The response sets the session cookie. An unknown address and a wrong password get the same response.
#[utoipa::path(
    post,
    path = "/api/auth/sign-in/email",
    operation_id = "signInEmail",
    responses((
        status = 200,
        description = "The user, and the token of the session.",
        body = SignInBody,
        headers(
            ("Location" = String, description = "The `callbackURL` of the request, if it had one."),
            ("Set-Cookie" = String, description = "The session cookie."),
            ("set-auth-token" = String, description = "The signed token of the session, for those who keep no cookies.")),
    )),
)]
pub(super) async fn sign_in(
    State(services): AuthRouteState,
    Extension(client): Extension<Client>,
    post: Post<Forms>,
) -> AuthResult {
    let auth = services.auth();
    let form = sign_in_form(&post)?;
    origin::check_form(auth.origins(), &post)?;
    let login = form.login?;
    let SignedIn { user, session } = auth.sign_in(&login, &client).await?;
    let mut cookies = Cookies::new(auth, post.headers());
    cookies.set_session(&session.token, login.lasts == SESSION_LIFETIME);
    if let Some(Ok(location)) = form.callback_url.as_deref().map(HeaderValue::from_str) {
        cookies.set(header::LOCATION, location);
    }
    let body = SignInBody {
        redirect: form.callback_url.is_some(),
        token: session.token,
        url: form.callback_url,
        user: user.into(),
    };
    Ok(cookies.with(Json(body)))
}

/// Sign in with an OAuth provider.
///
/// There is no provider, so that the response is always an error.
#[utoipa::path(post, path = "/api/auth/sign-in/social", operation_id = "signInSocial")]
pub(super) async fn sign_in_social(post: Post<JsonPost>) -> AuthResult {
    social_form(&post)?;
    Err(AuthError::ProviderNotFound.into())
}

/// End the session.
///
/// The response removes the cookies, also where there was no session.
#[utoipa::path(
    post,
    path = "/api/auth/sign-out",
    operation_id = "signOut",
    responses((status = 200, description = "The session has ended.", body = SuccessBody, headers(
        ("Set-Cookie" = String, description = "The session cookie, removed."),
    ))),
)]
pub(super) async fn sign_out(
    State(services): AuthRouteState,
    Extension(client): Extension<Client>,
    post: Post<JsonPost>,
) -> AuthResult {
    let auth = services.auth();
    sign_out_form(&post)?;
    if let Some(token) = SessionCredentials::read(auth, post.headers()).token {
        auth.sign_out(&token, &client).await?;
    }
    let mut cookies = Cookies::new(auth, post.headers());
    cookies.clear();
    Ok(cookies.with(Json(SuccessBody::done())))
}

/// Get the session and its user.
///
/// A session that is due to be extended is extended.
#[utoipa::path(
    get,
    path = "/api/auth/get-session",
    operation_id = "getSession",
    params(("disableRefresh" = Option<String>, Query, description = "Do not extend the session.")),
    responses(
        (
            status = 200,
            description = "The session and its user; null without a session.",
            body = Option<SessionAndUserBody>,
            headers(("set-auth-jwt" = String, description = "An access token, if there is a session.")),
        ),
    ),
)]
pub(super) async fn get_session(
    State(services): AuthRouteState,
    headers: HeaderMap,
    OriginalUri(uri): OriginalUri,
) -> AuthResult {
    let auth = services.auth();
    let shown = SessionCredentials::read(auth, &headers);
    let mut cookies = Cookies::new(auth, &headers);
    cookies.set(header::PRAGMA, HeaderValue::from_static("no-cache"));
    let is_fixed = is_set(uri.query().unwrap_or_default(), "disableRefresh");
    let lifetime = if is_fixed { Lifetime::Fixed } else { Lifetime::Extended };
    let Some(live) = shown.live(auth, lifetime, &mut cookies).await? else {
        return Ok(cookies.with(Json(serde_json::Value::Null)));
    };
    cookies.set_access_token(&auth.access_token(&live.user, Utc::now()).await?);
    Ok(cookies.with(Json(SessionAndUserBody { session: live.session.into(), user: live.user.into() })))
}

/// Whether a switch in the query is on; present without a value is on, `false` is off.
fn is_set(query: &str, name: &str) -> bool {
    form_urlencoded::parse(query.as_bytes()).any(|(it, value)| it == name && value != "false" && value != "0")
}

/// Refuses a mode of Better Auth that is off. It is no part of the document.
pub(super) async fn deferred(_: Post<JsonPost>) -> AuthResult {
    Err(AuthApiError::DeferredSession)
}

/// Get an access token for the APIs.
///
/// It is a JWT that lasts 15 minutes.
#[utoipa::path(
    get,
    path = "/api/auth/token",
    operation_id = "getAccessToken",
    responses((status = 200, description = "The token.", body = AccessTokenBody)),
)]
pub(super) async fn token(State(services): AuthRouteState, headers: HeaderMap) -> AuthResult {
    let auth = services.auth();
    let mut cookies = Cookies::new(auth, &headers);
    let live = SessionCredentials::read(auth, &headers).live(auth, Lifetime::Extended, &mut cookies).await?;
    let Some(live) = live else { return Ok(cookies.with(AuthApiError::Unauthorized)) };
    let token = auth.access_token(&live.user, Utc::now()).await?;
    Ok(cookies.with(Json(AccessTokenBody { token })))
}

/// List the public keys that access tokens are signed with.
///
/// They are a JWKS (RFC 7517).
#[utoipa::path(
    get,
    path = "/api/auth/jwks",
    operation_id = "listKeys",
    responses((status = 200, description = "The keys.", body = KeysBody)),
)]
pub(super) async fn jwks(State(services): AuthRouteState) -> AuthResult {
    Ok(Json(KeysBody::from(services.auth().public_keys().await?)).into_response())
}

/// List the same public keys at a well-known path.
///
/// Other programs that verify tokens look for them there.
#[utoipa::path(
    get,
    path = "/.well-known/jwks.json",
    operation_id = "listWellKnownKeys",
    responses((status = 200, description = "The keys.", body = KeysBody)),
)]
pub(super) async fn well_known_jwks(services: AuthRouteState) -> AuthResult {
    jwks(services).await
}
