//! GraphQL over HTTP: what a request may look like, and what status its answer has (contracts: GraphQL over HTTP, 2).

mod accept;
mod params;

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use async_graphql::{
    Request, Response as GraphqlResponse, ServerError, Value, Variables, parser::types::OperationType,
};
use axum::{
    body::Bytes,
    extract::State,
    http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header, request::Parts},
    response::{IntoResponse, Response},
};
use futures_util::FutureExt;
use tokio::time;
use tracing::error;

use self::{accept::Media, params::Params};
use super::{Schema, loaders, playground};
use crate::service::{Services, auth::Identity};

/// What the door needs.
#[derive(Clone)]
pub struct Door {
    /// The schema.
    pub schema: Schema,
    /// The services behind it.
    pub services: Arc<Services>,
    /// Whether `GET` from a browser shows the playground.
    pub has_playground: bool,
}

impl std::fmt::Debug for Door {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Door").field("has_playground", &self.has_playground).finish_non_exhaustive()
    }
}

/// How many bytes a body has at most.
const MAX_BODY: usize = 1 << 20;
/// How long an operation may take.
const TIMEOUT: Duration = Duration::from_secs(10);
/// How many errors an answer has at most.
const MAX_ERRORS: usize = 20;

/// A request that is refused before any document is executed.
struct Refusal {
    status: StatusCode,
    code: &'static str,
    message: String,
    header: Option<(header::HeaderName, HeaderValue)>,
}

impl Refusal {
    fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), header: None }
    }

    fn with(mut self, name: header::HeaderName, value: &'static str) -> Self {
        self.header = Some((name, HeaderValue::from_static(value)));
        self
    }
}

/// Answers `GET`, `HEAD` and `POST` on the GraphQL path.
pub async fn serve(State(door): State<Door>, request: axum::extract::Request) -> Response {
    let (Parts { method, uri, headers, mut extensions, .. }, body) = request.into_parts();
    if door.has_playground && method == Method::GET && accept::is_browser(&headers, &uri) {
        return playground::page().await;
    }
    let Some(media) = Media::negotiate(&headers) else {
        let message = "Accept must allow application/graphql-response+json or application/json";
        return refuse(Media::Json, Refusal::new(StatusCode::NOT_ACCEPTABLE, "NOT_ACCEPTABLE", message));
    };
    let identity = extensions.remove::<Identity>().unwrap_or(Identity::Nobody);
    match answer(&door, identity, &method, (&uri, &headers, body)).await {
        Ok(response) => respond(media, response),
        Err(refusal) => refuse(media, refusal),
    }
}

async fn answer(
    door: &Door,
    identity: Identity,
    method: &Method,
    (uri, headers, body): (&Uri, &HeaderMap, axum::body::Body),
) -> Result<GraphqlResponse, Refusal> {
    if let Identity::Refused(_) = identity {
        let message = "the credentials are not valid";
        return Err(Refusal::new(StatusCode::UNAUTHORIZED, "UNAUTHENTICATED", message)
            .with(header::WWW_AUTHENTICATE, "Bearer error=\"invalid_token\""));
    }
    if identity == Identity::UntrustedOrigin {
        let message = "a session cookie works only from a trusted origin";
        return Err(Refusal::new(StatusCode::FORBIDDEN, "FORBIDDEN", message));
    }
    if identity == Identity::Unknown {
        let message = "nobody can be identified now, try again";
        return Err(Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "SERVICE_UNAVAILABLE", message)
            .with(header::RETRY_AFTER, "1"));
    }
    let params = match *method {
        Method::GET | Method::HEAD => Params::from_query(uri.query().unwrap_or_default())?,
        Method::POST => Params::from_body(headers, &read(headers, body).await?)?,
        _ => {
            let message = "use GET or POST";
            return Err(Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED", message)
                .with(header::ALLOW, "GET, HEAD, POST"));
        }
    };
    execute(door, identity, params, *method != Method::POST).await
}

async fn read(headers: &HeaderMap, body: axum::body::Body) -> Result<Bytes, Refusal> {
    let too_large = || {
        let message = format!("the body must have at most {MAX_BODY} bytes");
        Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, "PAYLOAD_TOO_LARGE", message)
    };
    let announced = headers.get(header::CONTENT_LENGTH).and_then(|it| it.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|bytes| bytes > MAX_BODY) {
        return Err(too_large());
    }
    axum::body::to_bytes(body, MAX_BODY).await.map_err(|_| too_large())
}

async fn execute(door: &Door, identity: Identity, params: Params, is_get: bool) -> Result<GraphqlResponse, Refusal> {
    let mut request = Request::new(params.query).variables(Variables::from_json(params.variables));
    request.operation_name = params.operation_name;
    if is_get && !is_query(&mut request) {
        let message = "a mutation needs POST";
        return Err(
            Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED", message).with(header::ALLOW, "POST")
        );
    }
    if let Identity::User(user) = &identity {
        request = request.data(loaders::tasks(Arc::clone(&door.services), user.clone()));
    }
    let request = request.data(identity).data(Arc::clone(&door.services));
    let executed = AssertUnwindSafe(door.schema.execute(request)).catch_unwind();
    Ok(match time::timeout(TIMEOUT, executed).await {
        Ok(Ok(response)) => response,
        Ok(Err(_)) => {
            error!("a resolver panicked");
            GraphqlResponse::from_errors(vec![masked(ServerError::new("", None))])
        }
        Err(_) => {
            let mut error = ServerError::new(format!("the operation took more than {TIMEOUT:?}"), None);
            error.extensions.get_or_insert_default().set("code", "TIMEOUT");
            GraphqlResponse::from_errors(vec![error])
        }
    })
}

/// Whether the chosen operation is a query; a document that does not parse is left to the executor's error.
fn is_query(request: &mut Request) -> bool {
    let chosen = request.operation_name.clone();
    let Ok(document) = request.parsed_query() else { return true };
    let mut operations = document.operations.iter();
    match chosen {
        Some(chosen) => operations
            .filter(|(name, _)| name.is_some_and(|name| name.as_str() == chosen))
            .all(|(_, operation)| operation.node.ty == OperationType::Query),
        None => operations.all(|(_, operation)| operation.node.ty == OperationType::Query),
    }
}

/// An error of a resolver has our code; one of the language layer has none yet; one that brought a foreign source
/// along is masked.
fn coded(mut error: ServerError, fallback: &'static str) -> ServerError {
    let has_code = error.extensions.as_ref().is_some_and(|it| it.get("code").is_some());
    if has_code {
        return error;
    }
    if error.source.is_some() {
        error!(cause = error.message, "a resolver failed with an error of no code");
        return masked(error);
    }
    error.extensions.get_or_insert_default().set("code", fallback);
    error
}

fn masked(mut error: ServerError) -> ServerError {
    error.message = "internal error".to_owned();
    error.source = None;
    error.extensions.get_or_insert_default().set("code", "INTERNAL_SERVER_ERROR");
    error
}

fn respond(media: Media, mut response: GraphqlResponse) -> Response {
    let has_data = response.data != Value::Null || response.errors.iter().any(|error| !error.path.is_empty());
    let is_executed = has_data || response.errors.is_empty();
    let fallback = match response.errors.first() {
        _ if is_executed => "BAD_USER_INPUT",
        // The parser is the only one to fail without having seen any type.
        Some(error) if error.message.trim_start().starts_with("-->") => "GRAPHQL_PARSE_FAILED",
        _ => "GRAPHQL_VALIDATION_FAILED",
    };
    response.errors.truncate(MAX_ERRORS);
    response.errors = response.errors.into_iter().map(|error| coded(error, fallback)).collect();
    if !is_executed {
        let status = if media == Media::Json { StatusCode::OK } else { StatusCode::BAD_REQUEST };
        return write(media, status, &serde_json::json!({ "errors": response.errors }));
    }
    write(media, StatusCode::OK, &response)
}

fn refuse(media: Media, refusal: Refusal) -> Response {
    let Refusal { status, code, message, header } = refusal;
    let body = serde_json::json!({ "errors": [{ "message": message, "extensions": { "code": code } }] });
    let mut response = write(media, status, &body);
    if let Some((name, value)) = header {
        response.headers_mut().insert(name, value);
    }
    response
}

fn write(media: Media, status: StatusCode, body: &impl serde::Serialize) -> Response {
    match serde_json::to_vec(body) {
        Ok(bytes) => {
            let headers = [(header::CONTENT_TYPE, media.content_type()), (header::VARY, "Accept")];
            (status, headers, bytes).into_response()
        }
        Err(cause) => {
            error!(%cause, "an answer could not be written");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
