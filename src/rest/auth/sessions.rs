//! The sessions of a user, and ending them.

use axum::{Extension, Json, extract::State, http::HeaderMap};

use super::{
    AuthResult, AuthRouteState,
    bodies::StatusBody,
    fields,
    post::{Json as JsonPost, Post},
    session::with_session,
};
use crate::{service::auth::Client, view::Session};

/// List the sessions of the user.
///
/// The session of the request must be fresh: it began within a day, unless a setting says otherwise.
#[utoipa::path(
    get,
    path = "/api/auth/list-sessions",
    operation_id = "listSessions",
    responses((status = 200, description = "The sessions.", body = [Session])),
)]
pub(super) async fn list(State(services): AuthRouteState, headers: HeaderMap) -> AuthResult {
    let auth = services.auth();
    with_session(auth, &headers, async |live, _| {
        auth.check_fresh(&live.session)?;
        let sessions = auth.sessions(&live.user.id).await?;
        Ok(Json(sessions.into_iter().map(Session::from).collect::<Vec<_>>()))
    })
    .await
}

/// End a session of the user.
///
/// A token that is of no session of the user changes nothing.
#[utoipa::path(
    post,
    path = "/api/auth/revoke-session",
    operation_id = "revokeSession",
    responses((status = 200, description = "The status.", body = StatusBody)),
)]
pub(super) async fn revoke(
    State(services): AuthRouteState,
    Extension(client): Extension<Client>,
    post: Post<JsonPost>,
) -> AuthResult {
    let auth = services.auth();
    let token = fields::required(&post, "token")?;
    with_session(auth, post.headers(), async |live, cookies| {
        auth.revoke(&live.user.id, &token, &client).await?;
        if token == live.session.token {
            cookies.clear();
        }
        Ok(Json(StatusBody::done()))
    })
    .await
}

/// End all sessions of the user.
///
/// The session of the request ends too.
#[utoipa::path(
    post,
    path = "/api/auth/revoke-sessions",
    operation_id = "revokeSessions",
    responses((status = 200, description = "The status.", body = StatusBody)),
)]
pub(super) async fn revoke_all(
    State(services): AuthRouteState,
    Extension(client): Extension<Client>,
    post: Post<JsonPost>,
) -> AuthResult {
    let auth = services.auth();
    with_session(auth, post.headers(), async |live, cookies| {
        auth.revoke_all(&live.user.id, None, &client).await?;
        cookies.clear();
        Ok(Json(StatusBody::done()))
    })
    .await
}

/// End all sessions of the user but this one.
///
/// Whoever else is signed in has to sign in again.
#[utoipa::path(
    post,
    path = "/api/auth/revoke-other-sessions",
    operation_id = "revokeOtherSessions",
    responses((status = 200, description = "The status.", body = StatusBody)),
)]
pub(super) async fn revoke_others(
    State(services): AuthRouteState,
    Extension(client): Extension<Client>,
    post: Post<JsonPost>,
) -> AuthResult {
    let auth = services.auth();
    with_session(auth, post.headers(), async |live, _| {
        auth.revoke_all(&live.user.id, Some(&live.session.token), &client).await?;
        Ok(Json(StatusBody::done()))
    })
    .await
}
