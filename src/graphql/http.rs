//! GraphQL over HTTP: what a request may look like, and what status its answer has (contracts: GraphQL over HTTP, 2).

mod accept;
mod params;
mod stream;

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
use tokio::{sync::watch, time};
use tracing::error;

use self::{accept::Media, params::Params};
use super::{Schema, loaders::Loaders, playground};
use crate::{
    error::Error,
    service::{Services, answers::Undone, auth::Identity},
};

/// What the door needs.
#[derive(Clone)]
pub struct Door {
    /// The schema.
    pub schema: Schema,
    /// The services behind it.
    pub services: Arc<Services>,
    /// Whether `GET` from a browser shows the playground.
    pub has_playground: bool,
    /// Becomes true when the server stops.
    pub closing: watch::Receiver<bool>,
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
    let media = Media::negotiate(&headers);
    let Some(media) = media.or_else(|| stream::is_wanted(&headers).then_some(Media::GraphqlResponse)) else {
        let message = "Accept must allow application/graphql-response+json or application/json";
        return refuse(Media::Json, Refusal::new(StatusCode::NOT_ACCEPTABLE, "NOT_ACCEPTABLE", message));
    };
    let identity = extensions.remove::<Identity>().unwrap_or(Identity::Nobody);
    // A request with an Idempotency-Key brings services of its own, whose work is one transaction.
    let once = extensions.remove::<Arc<Services>>();
    let is_once = once.is_some();
    let services = once.unwrap_or_else(|| Arc::clone(&door.services));
    let answered = async {
        check_identity(&identity)?;
        let params = params(&method, (&uri, &headers, body)).await?;
        let (request, operation) = prepared(params, method != Method::POST)?;
        let request = with_data(request, identity, services);
        if operation == Some(OperationType::Subscription) {
            if is_once {
                let message = "a subscription takes no Idempotency-Key";
                return Err(Refusal::new(StatusCode::BAD_REQUEST, "BAD_REQUEST", message));
            }
            return subscribe(&door, &headers, request);
        }
        Ok(respond(media, execute(&door, request).await))
    };
    answered.await.unwrap_or_else(|refusal| refuse(media, refusal))
}

fn check_identity(identity: &Identity) -> Result<(), Refusal> {
    match identity {
        Identity::User(_) | Identity::Nobody => Ok(()),
        Identity::Refused(_) => {
            Err(Refusal::new(StatusCode::UNAUTHORIZED, "UNAUTHENTICATED", "the credentials are not valid")
                .with(header::WWW_AUTHENTICATE, "Bearer error=\"invalid_token\""))
        }
        Identity::UntrustedOrigin => {
            let message = "a session cookie works only from a trusted origin";
            Err(Refusal::new(StatusCode::FORBIDDEN, "FORBIDDEN", message))
        }
        Identity::Unknown => {
            let message = "nobody can be identified now, try again";
            Err(Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "SERVICE_UNAVAILABLE", message)
                .with(header::RETRY_AFTER, "1"))
        }
    }
}

async fn params(
    method: &Method,
    (uri, headers, body): (&Uri, &HeaderMap, axum::body::Body),
) -> Result<Params, Refusal> {
    match *method {
        Method::GET | Method::HEAD => Params::from_query(uri.query().unwrap_or_default()),
        Method::POST => Params::from_body(headers, &read(headers, body).await?),
        _ => Err(Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED", "use GET or POST")
            .with(header::ALLOW, "GET, HEAD, POST")),
    }
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

/// The request and the type of its operation; none for a document that does not parse or name one, which is left to
/// the executor's error.
fn prepared(params: Params, is_get: bool) -> Result<(Request, Option<OperationType>), Refusal> {
    let mut request = Request::new(params.query).variables(Variables::from_json(params.variables));
    request.operation_name = params.operation_name;
    let operation = operation(&mut request);
    if is_get && operation == Some(OperationType::Mutation) {
        let message = "a mutation needs POST";
        return Err(
            Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED", message).with(header::ALLOW, "POST")
        );
    }
    Ok((request, operation))
}

fn with_data(request: Request, identity: Identity, services: Arc<Services>) -> Request {
    let request = match &identity {
        Identity::User(user) => request.data(Loaders::new(&services, user)),
        _ => request,
    };
    request.data(identity).data(services)
}

async fn execute(door: &Door, request: Request) -> GraphqlResponse {
    let executed = AssertUnwindSafe(door.schema.execute(request)).catch_unwind();
    match time::timeout(TIMEOUT, executed).await {
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
    }
}

fn subscribe(door: &Door, headers: &HeaderMap, request: Request) -> Result<Response, Refusal> {
    if stream::is_wanted(headers) {
        return Ok(stream::respond(&door.schema, request, door.closing.clone()));
    }
    let message = "a subscription needs Accept: text/event-stream";
    Err(Refusal::new(StatusCode::NOT_ACCEPTABLE, "NOT_ACCEPTABLE", message))
}

/// The type of the chosen operation; a mutation among several, when none is chosen.
fn operation(request: &mut Request) -> Option<OperationType> {
    let chosen = request.operation_name.clone();
    let document = request.parsed_query().ok()?;
    let mut types = document
        .operations
        .iter()
        .filter(|(name, _)| chosen.is_none() || name.map(|it| it.as_str()) == chosen.as_deref())
        .map(|(_, operation)| operation.node.ty);
    let first = types.next()?;
    Some(types.find(|it| *it == OperationType::Mutation).unwrap_or(first))
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

/// The answer as clients see it: every error with a code, and not too many of them.
fn finished(mut response: GraphqlResponse) -> GraphqlResponse {
    let fallback = match response.errors.first() {
        _ if is_executed(&response) => "BAD_USER_INPUT",
        // The parser is the only one to fail without having seen any type.
        Some(error) if error.message.trim_start().starts_with("-->") => "GRAPHQL_PARSE_FAILED",
        _ => "GRAPHQL_VALIDATION_FAILED",
    };
    response.errors.truncate(MAX_ERRORS);
    response.errors = response.errors.into_iter().map(|error| coded(error, fallback)).collect();
    response
}

fn is_executed(response: &GraphqlResponse) -> bool {
    let has_data = response.data != Value::Null || response.errors.iter().any(|error| !error.path.is_empty());
    has_data || response.errors.is_empty()
}

fn respond(media: Media, response: GraphqlResponse) -> Response {
    let response = finished(response);
    let mut answer = if is_executed(&response) {
        write(media, StatusCode::OK, &response)
    } else {
        let status = if media == Media::Json { StatusCode::OK } else { StatusCode::BAD_REQUEST };
        write(media, status, &serde_json::json!({ "errors": response.errors }))
    };
    if !response.errors.is_empty() {
        answer.extensions_mut().insert(Undone);
    }
    answer
}

/// What the service refuses before the document is looked at.
pub fn refused(error: &Error) -> Response {
    let status = match error {
        Error::Invalid(_) => StatusCode::BAD_REQUEST,
        Error::KeyReused => StatusCode::UNPROCESSABLE_ENTITY,
        Error::Busy | Error::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    };
    let refusal = Refusal::new(status, error.code(), error.to_string());
    let is_later = status == StatusCode::SERVICE_UNAVAILABLE;
    refuse(Media::Json, if is_later { refusal.with(header::RETRY_AFTER, "1") } else { refusal })
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
