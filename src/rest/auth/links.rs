//! Links that are mailed: asking for them, and following them.

use axum::{
    Extension, Json,
    extract::{OriginalUri, Path, State, rejection::PathRejection},
    http::{HeaderMap, StatusCode, header},
    response::{Html, IntoResponse, Response},
};
use url::Url;

use super::{
    AuthResult, AuthRouteState,
    bodies::{StatusBody, SuccessBody, VerifiedBody},
    errors::AuthApiError,
    fields::{self, QueryParameters},
    post::{Json as JsonPost, Post},
    session::{Cookies, SessionCredentials, with_session},
};
use crate::{
    error::{AuthError, Error},
    rest::errors::not_found,
    service::auth::{Auth, Client, Lifetime, VerificationOutcome},
};

/// The same for every address.
const RESET_REQUESTED: &str = "If this email exists in our system, check your email for the reset link";

/// Mail a link to set a new password.
///
/// The response does not say whether there is such an account.
#[utoipa::path(
    post,
    path = "/api/auth/request-password-reset",
    operation_id = "requestPasswordReset",
    responses((status = 200, description = "The same for every address.", body = StatusBody)),
)]
pub(super) async fn request_reset(State(services): AuthRouteState, post: Post<JsonPost>) -> AuthResult {
    let form = fields::email_form(&post, "email", "redirectTo")?;
    services.auth().request_reset(&form.email, form.target.as_deref()).await?;
    Ok(Json(StatusBody::saying(RESET_REQUESTED)).into_response())
}

/// Follow a link that was mailed to set a new password.
///
/// Redirects to the page that asks for the new password; the token can still be used.
#[utoipa::path(
    get,
    path = "/api/auth/reset-password/{token}",
    operation_id = "followPasswordReset",
    params(
        ("token" = String, Path, min_length = 1, description = "The token of the link."),
        ("callbackURL" = Option<String>, Query, description = "Where to redirect to."),
    ),
    responses(
        (status = 302, description = "A redirect to the target of the link.", headers(("Location" = String, description = "The target of the link."))),
    ),
)]
pub(super) async fn follow_reset(
    State(services): AuthRouteState,
    token: Result<Path<String>, PathRejection>,
    OriginalUri(uri): OriginalUri,
) -> AuthResult {
    // What is no text is no token, and no path.
    let Ok(Path(token)) = token else { return Ok(not_found(uri).await) };
    let auth = services.auth();
    let query = QueryParameters::of(&uri);
    query.required("callbackURL")?;
    let Some(target) = link_target(auth, &query)? else {
        return Ok(redirect(&with_error(
            &format!("{}/api/auth/error", auth.origins().base()),
            AuthError::InvalidToken,
        )));
    };
    let own = Url::parse(auth.origins().own()).map_err(Error::internal)?;
    let mut location = own.join(&target).map_err(Error::internal)?;
    match auth.is_reset_token(&token).await? {
        true => location.query_pairs_mut().append_pair("token", &token),
        false => location.query_pairs_mut().append_pair("error", "INVALID_TOKEN"),
    };
    Ok(redirect(location.as_str()))
}

/// Set a new password with the token of a mailed link.
///
/// All sessions of the user end, unless a setting says that they stay.
#[utoipa::path(
    post,
    path = "/api/auth/reset-password",
    operation_id = "resetPassword",
    params(("token" = Option<String>, Query, description = "The token, if it is not in the body.")),
    responses((status = 200, description = "The status.", body = StatusBody)),
)]
pub(super) async fn reset(
    State(services): AuthRouteState,
    Extension(client): Extension<Client>,
    OriginalUri(uri): OriginalUri,
    post: Post<JsonPost>,
) -> AuthResult {
    let (password, token) = fields::reset_form(&post)?;
    let asked = || QueryParameters::of(&uri).get("token").filter(|it| !it.is_empty());
    let token = token.or_else(asked).ok_or(AuthError::InvalidToken)?;
    services.auth().reset_password(&token, &password, &client).await?;
    Ok(Json(StatusBody::done()).into_response())
}

/// Mail a link that verifies the address.
///
/// With a session it is for the address of its user alone.
#[utoipa::path(
    post,
    path = "/api/auth/send-verification-email",
    operation_id = "sendVerificationEmail",
    responses((status = 200, description = "The status.", body = StatusBody)),
)]
pub(super) async fn send_verification(State(services): AuthRouteState, post: Post<JsonPost>) -> AuthResult {
    let auth = services.auth();
    let form = fields::email_form(&post, "email", "callbackURL")?;
    let mut cookies = Cookies::new(auth, post.headers());
    let live = SessionCredentials::read(auth, post.headers()).live(auth, Lifetime::Extended, &mut cookies).await?;
    auth.send_verification(live.as_ref(), &form.email, form.target.as_deref()).await?;
    Ok(cookies.with(Json(StatusBody::done())))
}

/// Follow a link that verifies an address, or changes to it.
///
/// Without a `callbackURL` the response is JSON instead of a redirect.
#[utoipa::path(
    get,
    path = "/api/auth/verify-email",
    operation_id = "verifyEmail",
    params(
        ("token" = Option<String>, Query, description = "The token of the link."),
        ("callbackURL" = Option<String>, Query, description = "Where to redirect to."),
    ),
    responses(
        (status = 200, description = "The status, and the user if the address changed.", body = VerifiedBody),
        (status = 302, description = "A redirect to the target of the link.", headers(("Location" = String, description = "The target of the link."))),
    ),
)]
pub(super) async fn verify_email(
    State(services): AuthRouteState,
    Extension(client): Extension<Client>,
    headers: HeaderMap,
    OriginalUri(uri): OriginalUri,
) -> AuthResult {
    let auth = services.auth();
    let query = QueryParameters::of(&uri);
    let target = link_target(auth, &query)?;
    let token = query.required("token")?;
    let mut cookies = Cookies::new(auth, &headers);
    let live = SessionCredentials::read(auth, &headers).live(auth, Lifetime::Extended, &mut cookies).await?;
    let verified = auth.verify_email(&token, target.as_deref(), live.as_ref(), &client).await;
    match (verified, target) {
        (Err(Error::Auth(fault)), Some(target)) => Ok(redirect(&with_error(&target, fault))),
        (Err(Error::Auth(fault)), None) => Err(AuthApiError::Link(fault)),
        (Err(error), _) => Err(error.into()),
        (Ok(_), Some(target)) => Ok(cookies.with(redirect(&target))),
        (Ok(VerificationOutcome::Address), None) => Ok(cookies.with(Json(VerifiedBody { status: true, user: None }))),
        (Ok(VerificationOutcome::Changed(user)), None) => {
            Ok(cookies.with(Json(VerifiedBody { status: true, user: Some(user.into()) })))
        }
    }
}

/// Delete the account of the user, or mail a link that does it.
///
/// It takes the password, the token of a mailed link, or a session that began within a day.
#[utoipa::path(
    post,
    path = "/api/auth/delete-user",
    operation_id = "deleteUser",
    responses((status = 200, description = "What was done.", body = SuccessBody)),
)]
pub(super) async fn delete_user(
    State(services): AuthRouteState,
    Extension(client): Extension<Client>,
    post: Post<JsonPost>,
) -> AuthResult {
    let auth = services.auth();
    let form = fields::delete_user_form(&post)?;
    with_session(auth, post.headers(), async |live, cookies| {
        if let Some(password) = &form.password {
            auth.check_password(&live.user.id, password).await?;
        }
        if let Some(token) = &form.token {
            auth.use_deletion(&live.user.id, token).await.map_err(link_not_found)?;
        } else if auth.policy().delete_confirmation {
            auth.mail_deletion(live, form.callback_url.as_deref()).await?;
            return Ok(Json(SuccessBody::saying("Verification email sent")));
        } else if form.password.is_none() {
            auth.confirm_deletion(live, None).await?;
        }
        auth.delete_account(&live.user.id, &client).await?;
        cookies.clear();
        Ok(Json(SuccessBody::saying("User deleted")))
    })
    .await
}

/// Follow a link that deletes the account.
///
/// The user of the link must be signed in.
#[utoipa::path(
    get,
    path = "/api/auth/delete-user/callback",
    operation_id = "followUserDeletion",
    params(
        ("token" = Option<String>, Query, description = "The token of the link."),
        ("callbackURL" = Option<String>, Query, description = "Where to redirect to."),
    ),
    responses(
        (status = 200, description = "The account is deleted.", body = SuccessBody),
        (status = 302, description = "A redirect to the target of the link.", headers(("Location" = String, description = "The target of the link."))),
    ),
)]
pub(super) async fn follow_deletion(
    State(services): AuthRouteState,
    Extension(client): Extension<Client>,
    headers: HeaderMap,
    OriginalUri(uri): OriginalUri,
) -> AuthResult {
    let auth = services.auth();
    let query = QueryParameters::of(&uri);
    let token = query.required("token")?;
    let target = link_target(auth, &query)?;
    let mut cookies = Cookies::new(auth, &headers);
    let live = SessionCredentials::read(auth, &headers).live(auth, Lifetime::Extended, &mut cookies).await?;
    let Some(live) = live else { return Ok(cookies.with(AuthApiError::Gone(AuthError::NoUserInfo))) };
    auth.use_deletion(&live.user.id, &token).await.map_err(link_not_found)?;
    auth.delete_account(&live.user.id, &client).await?;
    cookies.clear();
    Ok(match target {
        Some(target) => cookies.with(redirect(&target)),
        None => cookies.with(Json(SuccessBody::saying("User deleted"))),
    })
}

/// Show a page that says that a link did not work.
///
/// Redirects lead there when a link names no target of its own.
#[utoipa::path(
    get,
    path = "/api/auth/error",
    operation_id = "showError",
    params(("error" = Option<String>, Query, description = "The code of the error.")),
    responses((status = 200, description = "The page.", body = String, content_type = "text/html", example = json!(
        "<!doctype html><title>Error</title><p>The link did not work: <code>INVALID_TOKEN</code></p>"
    ))),
)]
pub(super) async fn error_page(OriginalUri(uri): OriginalUri) -> Response {
    let code: String = QueryParameters::of(&uri).get("error").unwrap_or_default().chars().take(100).collect();
    let is_code = !code.is_empty() && code.bytes().all(|it| it.is_ascii_alphanumeric() || matches!(it, b'_' | b'-'));
    let code = if is_code { code } else { "UNKNOWN".to_owned() };
    let policy = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'";
    let page = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Error</title></head>\n\
         <body><h1>Something went wrong</h1><p>The link did not work: <code>{code}</code></p></body></html>\n"
    );
    ([(header::CONTENT_SECURITY_POLICY, policy)], Html(page)).into_response()
}

fn link_not_found(error: Error) -> AuthApiError {
    match error {
        Error::Auth(fault) => AuthApiError::Gone(fault),
        other => other.into(),
    }
}

/// Where a link leads on to, if it says so.
fn link_target(auth: Auth<'_>, query: &QueryParameters<'_>) -> Result<Option<String>, AuthApiError> {
    match query.get("callbackURL") {
        Some(target) if target.is_empty() => Ok(None),
        Some(target) if !auth.origins().may_lead_to(&target) => Err(AuthApiError::Callback("callbackURL")),
        target => Ok(target),
    }
}

fn redirect(location: &str) -> Response {
    (StatusCode::FOUND, [(header::LOCATION, location)]).into_response()
}

/// The target as it is, with a parameter more before its fragment.
fn with_error(target: &str, fault: AuthError) -> String {
    let (path, fragment) = target.split_at(target.find('#').unwrap_or(target.len()));
    let joint = if path.contains('?') { '&' } else { '?' };
    format!("{path}{joint}error={}{fragment}", fault.code())
}
