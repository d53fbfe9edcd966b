//! Signing up, in and out as the original back-ends have it, and whose a token is.

use std::sync::Arc;

use axum::{
    Extension, Json,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
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

/// A user as clients of the original back-ends read one. Of an account that is elsewhere only the id is known.
#[derive(Clone, Serialize, ToSchema)]
struct CompatUser {
    /// Id of the user, which is a part of the paths of the tasks.
    id: String,
    /// E-mail address.
    #[schema(required)]
    email: Option<String>,
    /// Display name.
    #[schema(required)]
    name: Option<String>,
    /// URL of the profile picture.
    #[schema(required)]
    image: Option<String>,
    /// Whether the e-mail address is verified.
    #[schema(required)]
    email_verified: Option<bool>,
    /// When the account was created.
    #[schema(required)]
    created_at: Option<DateTime>,
    /// When the account was last changed.
    #[schema(required)]
    updated_at: Option<DateTime>,
}

/// A token, under both names that clients read, and whose it is.
#[derive(Serialize, ToSchema)]
#[schema(examples(json!({
    "access_token": "Q3vN8rB1xJ6mT0wZk5hLsDf2YcPa9GeU", "token": "Q3vN8rB1xJ6mT0wZk5hLsDf2YcPa9GeU",
    "token_type": "bearer",
    "user": {
        "id": "yI5EnU3Wb8Qk0aZr7LxT2vPcGdMhJfSo", "email": "ann@example.com", "name": "Ann", "image": null,
        "email_verified": false, "created_at": "2030-01-01T08:00:00.000Z", "updated_at": "2030-01-01T08:00:00.000Z",
    },
})))]
struct TokenBody {
    /// The token; null while the address must be verified first.
    #[schema(required)]
    access_token: Option<String>,
    /// The same token.
    #[schema(required)]
    token: Option<String>,
    /// `bearer`.
    token_type: &'static str,
    /// Whose it is.
    user: CompatUser,
}

/// A user, and the same below a name: clients read either.
#[derive(Serialize, ToSchema)]
#[schema(examples(json!({
    "id": "yI5EnU3Wb8Qk0aZr7LxT2vPcGdMhJfSo", "email": "ann@example.com", "name": "Ann", "image": null,
    "email_verified": false, "created_at": "2030-01-01T08:00:00.000Z", "updated_at": "2030-01-01T08:00:00.000Z",
    "user": {
        "id": "yI5EnU3Wb8Qk0aZr7LxT2vPcGdMhJfSo", "email": "ann@example.com", "name": "Ann", "image": null,
        "email_verified": false, "created_at": "2030-01-01T08:00:00.000Z", "updated_at": "2030-01-01T08:00:00.000Z",
    },
})))]
struct UserBody {
    #[serde(flatten)]
    fields: CompatUser,
    /// The same user.
    user: CompatUser,
}

/// What was done.
#[derive(Serialize, ToSchema)]
#[schema(examples(json!({ "message": "Successfully logged out" })))]
struct LogoutBody {
    /// A sentence for people.
    message: &'static str,
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
/// Without a token the address is to be verified first. The route has the names `signup` and `sign-up` too, is below
/// `/api/v1/auth` and `/auth` too, and sets no cookie.
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
///
/// An unknown address and a wrong password get the same response. The route has the names `signin` and `sign-in` too.
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
    responses((status = 200, description = "The token is not valid any more.", body = LogoutBody)),
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
    Ok(Json(LogoutBody { message: "Successfully logged out" }).into_response())
}

/// Get the user of the token.
///
/// The fields of the user are there twice, because clients read either.
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
///
/// The same as `/api/auth/me`.
#[utoipa::path(
    get,
    path = "/api/auth/session",
    operation_id = "getMySession",
    responses((status = 200, description = "The user.", body = UserBody)),
)]
pub(super) async fn session(caller: Caller) -> Result<Response, RestError> {
    me(caller).await
}
