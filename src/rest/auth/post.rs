//! The body of a `POST`, checked in Better Auth's order: media type 415, JSON 400, origin and callback URLs 403.
//! See docs/contracts/better-auth.md#request-bodies.

use std::{marker::PhantomData, sync::Arc};

use axum::{
    body::{HttpBody, to_bytes},
    extract::{FromRequest, Request},
    http::HeaderMap,
};
use serde_json::{Map, Value};

use super::{errors::AuthApiError, fields::is_truthy, origin};
use crate::{
    media_type::MediaType,
    rest::auth::max_body,
    service::{
        Services,
        auth::{Client, Origins},
    },
};

/// How many bytes a body has at most.
pub(super) const MAX_BODY: usize = 64 << 10;
/// What names a URL that the client is sent to.
const CALLBACKS: [&str; 4] = ["callbackURL", "redirectTo", "errorCallbackURL", "newUserCallbackURL"];
const JSON_MEDIA_TYPE: &str = "application/json";
const FORM_MEDIA_TYPE: &str = "application/x-www-form-urlencoded";

/// A route that takes JSON.
pub(super) struct Json;
/// A route that takes JSON and HTML forms.
pub(super) struct Forms;

/// Which media types a route takes.
pub(super) trait Takes {
    const TYPES: &'static [&'static str];
}

impl Takes for Json {
    const TYPES: &'static [&'static str] = &[JSON_MEDIA_TYPE];
}

impl Takes for Forms {
    const TYPES: &'static [&'static str] = &[FORM_MEDIA_TYPE, JSON_MEDIA_TYPE];
}

/// A body that may be looked into; absent when there was none.
pub(super) struct Post<T> {
    headers: HeaderMap,
    client: Client,
    body: Option<Value>,
    takes: PhantomData<T>,
}

impl<T> Post<T> {
    pub(super) fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    pub(super) fn body(&self) -> Option<&Value> {
        self.body.as_ref()
    }
}

impl<T: Takes> FromRequest<Arc<Services>> for Post<T> {
    type Rejection = AuthApiError;

    async fn from_request(request: Request, services: &Arc<Services>) -> Result<Self, AuthApiError> {
        let (parts, body) = request.into_parts();
        // What has no body has no media type either, whatever it says.
        let media = MediaType::of_body(&parts.headers).filter(|_| !body.is_end_stream()).map(|it| it.essence);
        if let Some(media) = media.as_deref().filter(|media| !T::TYPES.contains(media)) {
            let allowed = T::TYPES.join(", ");
            let shown: String = media.chars().take(100).collect();
            let message = format!("Content-Type \"{shown}\" is not allowed. Allowed types: {allowed}");
            return Err(AuthApiError::MediaType(message));
        }
        // A body that says itself that it is too large is not waited for.
        let most = max_body(parts.uri.path());
        if body.size_hint().lower() > most as u64 {
            return Err(AuthApiError::TooLarge);
        }
        let bytes = to_bytes(body, most).await.map_err(|_| AuthApiError::TooLarge)?;
        let body = match media.as_deref() {
            _ if bytes.is_empty() => None,
            Some(FORM_MEDIA_TYPE) => Some(parse_form(&bytes)),
            Some(_) => Some(serde_json::from_slice(&bytes).map_err(|_| AuthApiError::BadJson)?),
            None => None,
        };
        let client = parts.extensions.get::<Client>().cloned().unwrap_or_default();
        let post = Self { headers: parts.headers, client, body, takes: PhantomData };
        let auth = services.auth();
        origin::check_cookie(auth.origins(), &post)?;
        check_callbacks(auth.origins(), post.body(), parts.uri.query().unwrap_or_default())?;
        Ok(post)
    }
}

/// A form has only text; `true` and `false` are what a check box means.
fn parse_form(bytes: &[u8]) -> Value {
    let field = |text: String| match text.as_str() {
        "true" => Value::Bool(true),
        "false" => Value::Bool(false),
        _ => Value::String(text),
    };
    let pairs = form_urlencoded::parse(bytes).into_owned();
    Value::Object(pairs.map(|(name, text)| (name, field(text))).collect::<Map<_, _>>())
}

fn check_callbacks(origins: &Origins, body: Option<&Value>, query: &str) -> Result<(), AuthApiError> {
    for name in CALLBACKS {
        match body.and_then(|body| body.get(name)) {
            Some(Value::String(url)) if url.is_empty() || origins.may_lead_to(url) => {}
            Some(Value::String(_)) => return Err(AuthApiError::Callback(name)),
            Some(it) if is_truthy(it) => return Err(AuthApiError::NoCallback(name)),
            // Other values are checked where the route reads its fields.
            Some(_) | None => {}
        }
    }
    let asked = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == CALLBACKS[0]);
    match asked {
        Some((_, url)) if !url.is_empty() && !origins.may_lead_to(&url) => Err(AuthApiError::Callback(CALLBACKS[0])),
        _ => Ok(()),
    }
}
