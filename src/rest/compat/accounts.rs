//! Signing up, in and out as the original back-ends have it, and whose a token is.

use std::sync::Arc;

use axum::{
    Extension, Json,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use super::{
    body::AccountBody,
    fields::{login as login_of, registration},
};
use crate::{
    error::{AuthError, Error},
    rest::{cookie::session_cookie, errors::RestError, extract::Caller},
    service::{
        Services,
        auth::{Client, SignedIn, SignedUp, bearer_token},
    },
    view::{DateTime, User},
};

/// A user as clients of the original back-ends read one.
#[derive(Clone, Serialize, ToSchema)]
struct CompatUser {
    id: String,
    email: Option<String>,
    name: Option<String>,
    image: Option<String>,
    email_verified: Option<bool>,
    created_at: Option<DateTime>,
    updated_at: Option<DateTime>,
}

/// A token, under both names that clients read, and whose it is.
#[derive(Serialize, ToSchema)]
struct TokenBody {
    access_token: Option<String>,
    token: Option<String>,
    token_type: &'static str,
    user: CompatUser,
}

/// A user, and the same below a name: clients read either.
#[derive(Serialize, ToSchema)]
struct UserBody {
    #[serde(flatten)]
    fields: CompatUser,
    user: CompatUser,
}

impl From<User> for CompatUser {
    fn from(user: User) -> Self {
        let User { name, email, email_verified, image, created_at, updated_at, id } = user;
        Self { id: id.0, email, name, image, email_verified, created_at, updated_at }
    }
}

impl TokenBody {
    fn new(token: Option<String>, user: impl Into<User>) -> Self {
        let user = CompatUser::from(user.into());
        Self { access_token: token.clone(), token, token_type: "bearer", user }
    }
}

/// Sign up, and get a token.
///
/// Without a token the address is to be verified first.
#[utoipa::path(
    post,
    path = "/api/auth/register",
    operation_id = "register",
    responses(
        (status = 201, description = "The token and the user.", body = TokenBody),
        (status = 400, description = "An account with this address exists.", body = ref("#/components/schemas/Detail")),
    ),
)]
pub(super) async fn register(
    State(services): State<Arc<Services>>,
    Extension(client): Extension<Client>,
    AccountBody(object): AccountBody,
) -> Result<Response, RestError> {
    let auth = services.auth();
    let registration = registration(&object, auth.policy().rest_session).map_err(RestError::Validation)?;
    let body = match auth.sign_up(registration, &client).await? {
        SignedUp::ToBeVerified(user) => TokenBody::new(None, user),
        SignedUp::In(SignedIn { user, session }) => TokenBody::new(Some(session.token), user),
    };
    Ok((StatusCode::CREATED, Json(body)).into_response())
}

/// Sign in, and get a token.
#[utoipa::path(
    post,
    path = "/api/auth/login",
    operation_id = "login",
    responses((status = 200, description = "The token and the user.", body = TokenBody)),
)]
pub(super) async fn login(
    State(services): State<Arc<Services>>,
    Extension(client): Extension<Client>,
    AccountBody(object): AccountBody,
) -> Result<Response, RestError> {
    let auth = services.auth();
    let login = login_of(&object, auth.policy().rest_session).map_err(RestError::Validation)?;
    let login = login.ok_or(AuthError::WrongPassword)?;
    let SignedIn { user, session } = auth.sign_in(&login, &client).await?;
    Ok(Json(TokenBody::new(Some(session.token), user)).into_response())
}

/// End the session of the token.
///
/// Who shows nothing has no session to end. A credential that this route does not take ends none, and is refused.
#[utoipa::path(
    post,
    path = "/api/auth/logout",
    operation_id = "logout",
    responses((status = 200, description = "The token is not valid any more.", body = serde_json::Value)),
)]
pub(super) async fn logout(
    State(services): State<Arc<Services>>,
    Extension(client): Extension<Client>,
    headers: HeaderMap,
) -> Result<Response, RestError> {
    let auth = services.auth();
    let bearer = headers.get(header::AUTHORIZATION).and_then(|it| bearer_token(it.to_str().ok()?));
    if let Some(token) = bearer.and_then(|it| auth.session_token(it)) {
        auth.sign_out(&token, &client).await?;
    } else if headers.contains_key(header::AUTHORIZATION) {
        return Err(Error::BadCredentials("the token is of no session").into());
    } else if session_cookie(&headers, auth.origins().is_https()).is_some() {
        return Err(Error::BadCredentials("a cookie signs out at /api/auth/sign-out").into());
    }
    Ok(Json(json!({ "message": "Successfully logged out" })).into_response())
}

/// Get the user of the token.
#[utoipa::path(
    get,
    path = "/api/auth/me",
    operation_id = "getMe",
    responses((status = 200, description = "The user.", body = UserBody)),
)]
pub(super) async fn me(caller: Caller) -> Result<Response, RestError> {
    let fields = CompatUser::from(caller.account().await?);
    Ok(Json(UserBody { user: fields.clone(), fields }).into_response())
}

/// Get the user of the token, under the name of a session.
#[utoipa::path(
    get,
    path = "/api/auth/session",
    operation_id = "getMySession",
    responses((status = 200, description = "The user.", body = UserBody)),
)]
pub(super) async fn session(caller: Caller) -> Result<Response, RestError> {
    me(caller).await
}
