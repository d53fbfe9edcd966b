//! What users change about their account, and their ways to sign in.

use axum::{Extension, Json, extract::State, http::HeaderMap};

use super::{
    AuthResult, AuthRouteState,
    bodies::StatusBody,
    errors::AuthApiError,
    fields,
    post::{Json as JsonPost, Post},
    session::with_session,
    sign_in::TokenAndUser,
};
use crate::{
    service::auth::Client,
    view::{Account, User},
};

/// Change the name or the image of the user.
///
/// Fields that are absent stay as they are, and null clears the image.
#[utoipa::path(
    post,
    path = "/api/auth/update-user",
    operation_id = "updateUser",
    responses((status = 200, description = "The status.", body = StatusBody)),
)]
pub(super) async fn update_user(State(services): AuthRouteState, post: Post<JsonPost>) -> AuthResult {
    let auth = services.auth();
    let record = fields::record(&post)?;
    with_session(auth, post.headers(), async |live, cookies| {
        let edit = fields::update_user_form(record)?;
        auth.edit_profile(&live.user.id, edit).await?;
        cookies.resend_session(&live.session.token);
        Ok(Json(StatusBody::done()))
    })
    .await
}

/// Change fields of the session.
///
/// There are no fields that can be changed, so that the response is always an error.
#[utoipa::path(post, path = "/api/auth/update-session", operation_id = "updateSession")]
pub(super) async fn update_session(State(services): AuthRouteState, post: Post<JsonPost>) -> AuthResult {
    fields::record(&post)?;
    with_session(services.auth(), post.headers(), async |_, _| Err::<(), _>(AuthApiError::NothingToUpdate)).await
}

/// Change the address of the user.
///
/// It is changed when the links are followed that are mailed.
#[utoipa::path(
    post,
    path = "/api/auth/change-email",
    operation_id = "changeEmail",
    responses((status = 200, description = "The status.", body = StatusBody)),
)]
pub(super) async fn change_email(State(services): AuthRouteState, post: Post<JsonPost>) -> AuthResult {
    let auth = services.auth();
    let form = fields::email_form(&post, "newEmail", "callbackURL")?;
    with_session(auth, post.headers(), async |live, _| {
        auth.change_email(live, form.email, form.target.as_deref()).await?;
        Ok(Json(StatusBody::done()))
    })
    .await
}

/// Change the password.
///
/// All other sessions end, unless the request or a setting says that they stay.
#[utoipa::path(
    post,
    path = "/api/auth/change-password",
    operation_id = "changePassword",
    responses(
        (
            status = 200,
            description = "The user, and the token of a new session if all others have ended.",
            body = TokenAndUser,
        ),
    ),
)]
pub(super) async fn change_password(
    State(services): AuthRouteState,
    Extension(client): Extension<Client>,
    post: Post<JsonPost>,
) -> AuthResult {
    let auth = services.auth();
    let change = fields::change_password_form(&post)?;
    with_session(auth, post.headers(), async |live, cookies| {
        let session = auth.change_password(live, &change, &client).await?;
        let token = session.map(|session| session.token);
        if let Some(token) = &token {
            cookies.set_session(token, true);
        }
        Ok(Json(TokenAndUser { token, user: User::from(live.user.clone()) }))
    })
    .await
}

/// Check the password of the user.
///
/// A wrong one is an error.
#[utoipa::path(
    post,
    path = "/api/auth/verify-password",
    operation_id = "verifyPassword",
    responses((status = 200, description = "The password is right.", body = StatusBody)),
)]
pub(super) async fn verify_password(State(services): AuthRouteState, post: Post<JsonPost>) -> AuthResult {
    let auth = services.auth();
    let password = fields::required(&post, "password")?;
    with_session(auth, post.headers(), async |live, _| {
        auth.check_password(&live.user.id, &password).await?;
        Ok(Json(StatusBody::done()))
    })
    .await
}

/// List the ways in which the user can sign in.
///
/// None of them shows a password or a token.
#[utoipa::path(
    get,
    path = "/api/auth/list-accounts",
    operation_id = "listAccounts",
    responses((status = 200, description = "The accounts.", body = [Account])),
)]
pub(super) async fn list_accounts(State(services): AuthRouteState, headers: HeaderMap) -> AuthResult {
    let auth = services.auth();
    with_session(auth, &headers, async |live, _| {
        let accounts = auth.accounts(&live.user.id).await?;
        Ok(Json(accounts.into_iter().map(Account::from).collect::<Vec<_>>()))
    })
    .await
}

/// Remove a way to sign in.
///
/// The last one stays, and the session must be fresh.
#[utoipa::path(
    post,
    path = "/api/auth/unlink-account",
    operation_id = "unlinkAccount",
    responses((status = 200, description = "The status.", body = StatusBody)),
)]
pub(super) async fn unlink_account(State(services): AuthRouteState, post: Post<JsonPost>) -> AuthResult {
    let auth = services.auth();
    let account = fields::required(&post, "accountId")?;
    with_session(auth, post.headers(), async |live, _| {
        auth.check_fresh(&live.session)?;
        auth.unlink(&live.user.id, &account).await?;
        Ok(Json(StatusBody::done()))
    })
    .await
}
