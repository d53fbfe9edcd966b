//! The session of a request, and the cookies and headers that a response sets for it.
//! See docs/contracts/better-auth.md#cookies and
//! docs/contracts/better-auth.md#bearer-tokens.

use axum::{
    http::{HeaderMap, HeaderName, HeaderValue, header},
    response::{IntoResponse, Response},
};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::{AuthResult, errors::AuthApiError};
use crate::{
    error::Error,
    rest::cookie::{SESSION_COOKIE, cookie, session_cookie},
    service::auth::{Auth, Lifetime, LiveSession, SESSION_LIFETIME, bearer_token},
};

const DATA_COOKIE: &str = "better-auth.session_data";
const FORGET_COOKIE: &str = "better-auth.dont_remember";
const SET_AUTH_TOKEN: HeaderName = HeaderName::from_static("set-auth-token");
const SET_AUTH_JWT: HeaderName = HeaderName::from_static("set-auth-jwt");

/// What `encodeURIComponent` of JavaScript leaves alone.
const URI_COMPONENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'!')
    .remove(b'~')
    .remove(b'*')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')');

/// What a request says about its session: nothing is looked up yet.
pub(super) struct SessionCredentials {
    /// The raw session token, its signature checked.
    pub(super) token: Option<String>,
    is_to_be_forgotten: bool,
    has_data_cookie: bool,
}

impl SessionCredentials {
    /// A bearer token goes before the cookie; one that is not valid counts as absent.
    pub(super) fn read(auth: Auth<'_>, headers: &HeaderMap) -> Self {
        let is_secure = auth.origins().is_https();
        let signed = |name: &str| cookie(headers, is_secure, name).and_then(|it| auth.cookie_value(it));
        let bearer = headers.get(header::AUTHORIZATION).and_then(|it| bearer_token(it.to_str().ok()?));
        let bearer = bearer.and_then(|it| auth.session_token(it));
        let from_cookie = || session_cookie(headers, is_secure).and_then(|it| auth.cookie_value(it));
        Self {
            token: bearer.or_else(from_cookie),
            is_to_be_forgotten: signed(FORGET_COOKIE).as_deref() == Some("true"),
            has_data_cookie: cookie(headers, is_secure, DATA_COOKIE).is_some(),
        }
    }

    /// The session, unless it has ended; the cookies of the response say what became of it.
    pub(super) async fn live(
        self,
        auth: Auth<'_>,
        lifetime: Lifetime,
        cookies: &mut Cookies<'_>,
    ) -> Result<Option<LiveSession>, Error> {
        let Some(token) = self.token else { return Ok(None) };
        let lifetime = if self.is_to_be_forgotten { Lifetime::Fixed } else { lifetime };
        let live = auth.session(&token, lifetime).await?;
        match &live {
            None => cookies.clear(),
            Some(live) if live.is_extended => cookies.set_session(&live.session.token, true),
            Some(_) if self.has_data_cookie => cookies.clear_one(DATA_COOKIE),
            Some(_) => {}
        }
        Ok(live)
    }
}

/// Runs what a route does for a user who is signed in, and returns 401 for everybody else. Routes check their fields first.
pub(super) async fn with_session<T: IntoResponse>(
    auth: Auth<'_>,
    headers: &HeaderMap,
    work: impl AsyncFnOnce(&LiveSession, &mut Cookies<'_>) -> Result<T, AuthApiError>,
) -> AuthResult {
    let mut cookies = Cookies::new(auth, headers);
    let live = SessionCredentials::read(auth, headers).live(auth, Lifetime::Extended, &mut cookies).await?;
    let Some(live) = live else { return Ok(cookies.with(AuthApiError::Unauthorized)) };
    match work(&live, &mut cookies).await {
        Ok(answer) => Ok(cookies.with(answer)),
        Err(failure) => Ok(cookies.with(failure)),
    }
}

/// The headers that a response sets for the session.
pub(super) struct Cookies<'a> {
    auth: Auth<'a>,
    headers: HeaderMap,
    had_forget_cookie: bool,
}

impl<'a> Cookies<'a> {
    /// For the response to a request with these headers.
    pub(super) fn new(auth: Auth<'a>, request: &HeaderMap) -> Self {
        let had_forget_cookie = cookie(request, auth.origins().is_https(), FORGET_COOKIE).is_some();
        Self { auth, headers: HeaderMap::new(), had_forget_cookie }
    }

    /// Hands the session to the client; one that is not to be remembered ends with the browser.
    pub(super) fn set_session(&mut self, token: &str, is_remembered: bool) {
        let signed = self.auth.signed(token);
        if is_remembered {
            self.cookie(SESSION_COOKIE, &signed, Some(SESSION_LIFETIME.num_seconds()));
            if self.had_forget_cookie {
                self.clear_one(FORGET_COOKIE);
            }
        } else {
            self.cookie(SESSION_COOKIE, &signed, None);
            self.cookie(FORGET_COOKIE, &self.auth.signed("true"), None);
        }
        self.set_text(SET_AUTH_TOKEN, &signed);
    }

    /// Hands the same session to the client again, as it was remembered.
    pub(super) fn resend_session(&mut self, token: &str) {
        self.set_session(token, !self.had_forget_cookie);
    }

    /// Hands an access token to the client.
    pub(super) fn set_access_token(&mut self, token: &str) {
        self.set_text(SET_AUTH_JWT, token);
    }

    /// Takes the session back.
    pub(super) fn clear(&mut self) {
        for name in [SESSION_COOKIE, DATA_COOKIE, FORGET_COOKIE] {
            self.clear_one(name);
        }
    }

    /// Any other header.
    pub(super) fn set(&mut self, name: HeaderName, value: HeaderValue) {
        self.headers.insert(name, value);
    }

    /// The response with its headers.
    pub(super) fn with(self, answer: impl IntoResponse) -> Response {
        let mut response = answer.into_response();
        response.headers_mut().extend(self.headers);
        response
    }

    fn clear_one(&mut self, name: &str) {
        self.cookie(name, "", Some(0));
    }

    fn cookie(&mut self, name: &str, value: &str, max_age: Option<i64>) {
        let (prefix, secure) = if self.auth.origins().is_https() { ("__Secure-", "; Secure") } else { ("", "") };
        let age = max_age.map(|seconds| format!("Max-Age={seconds}; ")).unwrap_or_default();
        let value = utf8_percent_encode(value, URI_COMPONENT);
        let text = format!("{prefix}{name}={value}; {age}Path=/; HttpOnly{secure}; SameSite=Lax");
        if let Ok(value) = HeaderValue::from_str(&text) {
            self.headers.append(header::SET_COOKIE, value);
        }
    }

    fn set_text(&mut self, name: HeaderName, text: &str) {
        if let Ok(value) = HeaderValue::from_str(text) {
            self.headers.insert(name, value);
        }
    }
}
