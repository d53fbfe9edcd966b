//! GraphQL over HTTP: which requests are accepted, and which status and media type the response has.
//! See docs/contracts/graphql-http.md#requests and
//! docs/contracts/graphql-http.md#statuses.

mod accept;
mod json;
mod rejection;
mod stream;

use std::sync::Arc;

use async_graphql::Response as Answer;
use axum::{
    body::{Body, Bytes},
    extract::{FromRequestParts, Request, State, WebSocketUpgrade},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};
use serde_json::Value;
use tokio::sync::watch;
use tokio_util::task::TaskTracker;
use tracing::error;

use self::{accept::Media, rejection::HttpRejection, stream::Form};
use super::{
    engine::{Engine, Prepared, is_executed},
    params::Params,
    playground::Playground,
    socket,
    validation::DocumentErrors,
};
use crate::{
    config::HttpEdition,
    error::Error,
    in_flight::InFlight,
    service::{RequestScope, Services, auth::Identity, idempotency::NothingApplied},
};

/// What GraphQL requests are served with.
#[derive(Clone, Debug)]
pub struct GraphqlState {
    /// What executes operations.
    pub engine: Arc<Engine>,
    /// The services behind it.
    pub services: Arc<Services>,
    /// What `GET` from a browser shows, if anything.
    pub playground: Option<Playground>,
    /// Which statuses responses have.
    pub edition: HttpEdition,
    /// Becomes true when the server stops.
    pub closing: watch::Receiver<bool>,
    /// Knows the WebSockets that are open.
    pub alive: TaskTracker,
    /// Knows those whose clients have not said yet who they are, by the network that they come from.
    pub unknown: InFlight<Option<String>>,
}

impl GraphqlState {
    /// The scope of a request that nothing is known of.
    fn nobody(&self) -> RequestScope {
        RequestScope { identity: Identity::Nobody, services: Arc::clone(&self.services), is_once: false }
    }

    /// Returns when the server stops.
    pub(super) fn closed(&self) -> impl Future<Output = ()> + Send + use<> {
        let mut closing = self.closing.clone();
        async move {
            // A sender that is gone means that the server has ended.
            let _ = closing.wait_for(|is_closing| *is_closing).await;
        }
    }
}

/// A header that asks for the cost of an operation in its response.
const COST: &str = "graphql-cost";

/// The format of a response.
#[derive(Clone, Copy)]
struct ResponseFormat {
    edition: HttpEdition,
    media: Media,
}

/// A request whose caller and response format are known.
struct Call<'a> {
    state: &'a GraphqlState,
    headers: &'a HeaderMap,
    format: ResponseFormat,
    caller: RequestScope,
    is_read: bool,
}

/// Answers `GET`, `HEAD` and `POST` on the GraphQL path, and opens WebSockets there.
pub async fn serve(State(state): State<GraphqlState>, request: Request) -> Response {
    let (mut parts, body) = request.into_parts();
    if parts.headers.contains_key(header::UPGRADE) {
        return open_socket(&state, &mut parts).await;
    }
    let Parts { method, uri, headers, mut extensions, .. } = parts;
    let playground = state.playground.as_ref().filter(|_| method == Method::GET);
    if let Some(playground) = playground.filter(|_| accept::is_browser(&headers, &uri)) {
        return playground.response();
    }
    let media = Media::negotiate(&headers);
    let Some(media) = media.or_else(|| Form::accepted(&headers).map(Media::Stream)) else {
        let message = "Accept must allow application/graphql-response+json or application/json";
        return HttpRejection::new(StatusCode::NOT_ACCEPTABLE, "NOT_ACCEPTABLE", message).response(Media::Json);
    };
    let caller = extensions.remove::<RequestScope>().unwrap_or_else(|| state.nobody());
    let call = Call {
        state: &state,
        headers: &headers,
        format: ResponseFormat { edition: state.edition, media },
        is_read: method != Method::POST,
        caller,
    };
    let query = uri.query().unwrap_or_default();
    call.answer(&method, query, body).await.unwrap_or_else(|refusal| refusal.response(media))
}

async fn open_socket(state: &GraphqlState, parts: &mut Parts) -> Response {
    let RequestScope { identity, .. } = parts.extensions.remove().unwrap_or_else(|| state.nobody());
    if let Err(refusal) = rejection::check_identity(&identity) {
        return refusal.response(Media::Json);
    }
    match WebSocketUpgrade::from_request_parts(parts, &()).await {
        Ok(upgrade) => socket::open(state.clone(), identity, parts, upgrade),
        Err(_) => bad_handshake_response("this is no WebSocket handshake"),
    }
}

/// Rejects the handshake of a WebSocket.
pub(super) fn bad_handshake_response(message: &str) -> Response {
    HttpRejection::new(StatusCode::BAD_REQUEST, "BAD_REQUEST", message).response(Media::Json)
}

/// Rejects one more WebSocket whose user is not known.
pub(super) fn too_many_handshakes_response() -> Response {
    HttpRejection::new(StatusCode::TOO_MANY_REQUESTS, "RATE_LIMITED", "too many WebSockets have not said who they are")
        .with(header::RETRY_AFTER, "3")
        .response(Media::Json)
}

impl Call<'_> {
    async fn answer(self, method: &Method, query: &str, body: Body) -> Result<Response, HttpRejection> {
        rejection::check_identity(&self.caller.identity)?;
        match *method {
            Method::GET | Method::HEAD => {
                let params = Params::from_query(query).map_err(|it| self.malformed_request(it.0))?;
                self.operation(params).await
            }
            Method::POST => match self.body(body).await? {
                Value::Array(batch) => self.batch(batch).await,
                one => {
                    let params = Params::from_json(one).map_err(|it| self.malformed_request(it.0))?;
                    self.operation(params).await
                }
            },
            _ => Err(HttpRejection::new(StatusCode::METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED", "use GET or POST")
                .with(header::ALLOW, "GET, HEAD, POST")),
        }
    }

    fn malformed_request(&self, message: &str) -> HttpRejection {
        let status = match self.format.edition {
            HttpEdition::May2025 => StatusCode::BAD_REQUEST,
            HttpEdition::August2026 => StatusCode::UNPROCESSABLE_ENTITY,
        };
        HttpRejection::new(status, "BAD_REQUEST", message)
    }

    async fn body(&self, body: Body) -> Result<Value, HttpRejection> {
        if !accept::is_json(self.headers) {
            let message = "Content-Type must be application/json in UTF-8";
            return Err(HttpRejection::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "UNSUPPORTED_MEDIA_TYPE", message)
                .with(header::ACCEPT, "application/json"));
        }
        let most = self.state.engine.most_bytes(matches!(self.caller.identity, Identity::User(_)));
        let bytes = read(self.headers, body, most).await?;
        serde_json::from_slice(&bytes).map_err(|cause| {
            HttpRejection::new(StatusCode::BAD_REQUEST, "BAD_REQUEST", format!("the body must be JSON: {cause}"))
        })
    }

    async fn operation(self, params: Params) -> Result<Response, HttpRejection> {
        let engine = &self.state.engine;
        let prepared = match engine.prepare(params, &self.caller) {
            Ok(prepared) => self.check_allowed(prepared)?.showing_cost(self.shows_cost()),
            Err(refused) => return self.respond_with_errors(refused),
        };
        let labels = prepared.labels().clone();
        let mut response = if self.is_stream(&prepared) {
            self.stream(prepared)?
        } else {
            let is_once = self.caller.is_once;
            let mut answer = engine.execute(prepared, self.caller).await;
            hide_undone(std::slice::from_mut(&mut answer), is_once);
            self.format.respond(answer)
        };
        // For the line that the request gets in the log.
        response.extensions_mut().insert(labels);
        Ok(response)
    }

    fn shows_cost(&self) -> bool {
        self.headers.get(COST).is_some_and(|it| it == "1")
    }

    fn is_stream(&self, prepared: &Prepared) -> bool {
        prepared.is_subscription() || matches!(self.format.media, Media::Stream(_))
    }

    fn check_allowed(&self, prepared: Prepared) -> Result<Prepared, HttpRejection> {
        if self.is_read && prepared.is_mutation() {
            return Err(HttpRejection::new(
                StatusCode::METHOD_NOT_ALLOWED,
                "METHOD_NOT_ALLOWED",
                "a mutation needs POST",
            )
            .with(header::ALLOW, "POST"));
        }
        if self.caller.is_once && self.is_stream(&prepared) {
            let message = "a stream takes no Idempotency-Key";
            return Err(HttpRejection::new(StatusCode::BAD_REQUEST, "BAD_REQUEST", message));
        }
        Ok(prepared)
    }

    /// The response to a document that is not valid, in the format that the client wants.
    fn respond_with_errors(self, refused: DocumentErrors) -> Result<Response, HttpRejection> {
        let answer = self.state.engine.error_response(refused);
        Ok(match self.format.media {
            Media::Stream(form) => mark_errors(stream::respond_once(form, answer, self.state), true),
            _ => self.format.respond(answer),
        })
    }

    fn stream(self, prepared: Prepared) -> Result<Response, HttpRejection> {
        let form = Form::accepted(self.headers).ok_or_else(|| {
            let message = "a subscription needs a WebSocket, or Accept: text/event-stream or multipart/mixed";
            HttpRejection::new(StatusCode::NOT_ACCEPTABLE, "NOT_ACCEPTABLE", message)
        })?;
        stream::respond(form, self.state, prepared, self.caller)
    }

    /// Several operations in one request, one after the other.
    async fn batch(self, batch: Vec<Value>) -> Result<Response, HttpRejection> {
        let most = self.state.engine.limits.batch;
        if batch.is_empty() || batch.len() > most {
            let message = if most == 0 { "send one operation, not a batch" } else { "the batch is empty or too large" };
            return Err(self.malformed_request(message).limit_exceeded("batch", most));
        }
        let mut answers = Vec::with_capacity(batch.len());
        for one in batch {
            let params = Params::from_json(one).map_err(|it| self.malformed_request(it.0))?;
            let answer = match self.state.engine.prepare(params, &self.caller) {
                Ok(prepared) if prepared.is_subscription() => {
                    return Err(self.malformed_request("a batch takes no subscription"));
                }
                Ok(prepared) => {
                    let prepared = prepared.showing_cost(self.shows_cost());
                    self.state.engine.execute(prepared, self.caller.clone()).await
                }
                Err(refused) => self.state.engine.error_response(refused),
            };
            answers.push(answer);
        }
        hide_undone(&mut answers, self.caller.is_once);
        let has_errors = answers.iter().any(|it| !it.errors.is_empty());
        Ok(mark_errors(write(self.format.media, StatusCode::OK, json::batch_json(&answers)), has_errors))
    }
}

async fn read(headers: &HeaderMap, body: Body, most: usize) -> Result<Bytes, HttpRejection> {
    let too_large = || {
        let message = format!("the body must have at most {most} bytes");
        HttpRejection::new(StatusCode::PAYLOAD_TOO_LARGE, "PAYLOAD_TOO_LARGE", message).limit_exceeded("body", most)
    };
    let announced = headers.get(header::CONTENT_LENGTH).and_then(|it| it.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|bytes| bytes > most) {
        return Err(too_large());
    }
    axum::body::to_bytes(body, most).await.map_err(|_| too_large())
}

impl ResponseFormat {
    fn respond(self, answer: Answer) -> Response {
        let has_errors = !answer.errors.is_empty();
        let wait = extension(&answer, "retryAfter");
        let (status, media) = match is_executed(&answer) {
            true if has_errors => (self.partial(), self.media),
            true => (StatusCode::OK, self.media),
            false if wait.is_some() => (StatusCode::TOO_MANY_REQUESTS, self.media),
            false => self.request_error(&answer),
        };
        let mut response = mark_errors(write(media, status, json::response_json(&answer)), has_errors);
        if let Some(Ok(wait)) = wait.map(|it| it.to_string().parse()) {
            response.headers_mut().insert(header::RETRY_AFTER, wait);
        }
        response
    }

    /// The status of data with errors.
    fn partial(self) -> StatusCode {
        match self.edition {
            HttpEdition::May2025 => StatusCode::OK,
            HttpEdition::August2026 => StatusCode::from_u16(294).unwrap_or(StatusCode::OK),
        }
    }

    fn request_error(self, answer: &Answer) -> (StatusCode, Media) {
        match (self.edition, self.media) {
            (HttpEdition::May2025, Media::Json) => (StatusCode::OK, Media::Json),
            (HttpEdition::May2025, media) => (StatusCode::BAD_REQUEST, media),
            (HttpEdition::August2026, _) if is_unparsed(answer) => (StatusCode::BAD_REQUEST, Media::GraphqlResponse),
            (HttpEdition::August2026, _) => (StatusCode::UNPROCESSABLE_ENTITY, Media::GraphqlResponse),
        }
    }
}

fn is_unparsed(answer: &Answer) -> bool {
    extension(answer, "code") == Some(&async_graphql::Value::from("GRAPHQL_PARSE_FAILED"))
}

/// What the first error says under that name.
fn extension<'a>(answer: &'a Answer, name: &str) -> Option<&'a async_graphql::Value> {
    answer.errors.first()?.extensions.as_ref()?.get(name)
}

/// A request with a key is done wholly or not at all: after an error, nothing of it is shown as done.
fn hide_undone(answers: &mut [Answer], is_once: bool) {
    if is_once && answers.iter().any(|it| !it.errors.is_empty()) {
        answers.iter_mut().for_each(|it| it.data = async_graphql::Value::Null);
    }
}

/// Marks a response with errors: the idempotency middleware does not store it.
fn mark_errors(mut response: Response, has_errors: bool) -> Response {
    if has_errors {
        response.extensions_mut().insert(NothingApplied);
    }
    response
}

/// The response to what the service refuses before the document is read.
pub fn rejection_response(error: &Error) -> Response {
    HttpRejection::of(error).response(Media::Json)
}

fn write(media: Media, status: StatusCode, body: serde_json::Result<Vec<u8>>) -> Response {
    match body {
        Ok(bytes) => {
            let content_type = HeaderValue::from_static(media.content_type());
            let headers = [(header::CONTENT_TYPE, content_type), (header::VARY, HeaderValue::from_static("Accept"))];
            (status, headers, bytes).into_response()
        }
        Err(cause) => {
            error!(%cause, "a response could not be written");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
