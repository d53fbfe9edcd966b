//! Responses as a stream: Server-Sent Events in distinct connections mode, or Apollo's multipart protocol.
//! See docs/contracts/graphql-http.md#event-streams.

use std::{convert::Infallible, sync::Arc, time::Duration};

use async_graphql::Response as Answer;
use axum::{
    body::{Body, Bytes},
    http::{HeaderMap, HeaderName, StatusCode, header},
    response::{IntoResponse, Response},
};
use futures_util::{
    Stream, StreamExt,
    stream::{self, BoxStream},
};
use serde::Serialize;
use tokio::time;

use super::{GraphqlState, HttpRejection, json};
use crate::{
    graphql::engine::{Prepared, is_executed},
    media_type::MediaType,
    service::{RequestScope, auth::Identity},
};

/// How a stream is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// `text/event-stream`.
    Events,
    /// `multipart/mixed` with `subscriptionSpec=1.0`.
    Parts,
}

/// How often something is sent when nothing happens, so that no proxy closes the connection.
const HEARTBEAT: Duration = Duration::from_secs(8);

/// Streams the responses to an operation until it, the caller's access or the server ends.
pub(super) fn respond(
    form: Form,
    state: &GraphqlState,
    prepared: Prepared,
    caller: RequestScope,
) -> Result<Response, HttpRejection> {
    let Identity::User(user) = caller.identity.clone() else {
        let answers = Arc::clone(&state.engine).execute_stream(prepared, caller);
        return Ok(response(form, answers, state));
    };
    let open = state.engine.open_stream(user.id()).ok_or_else(|| {
        HttpRejection::new(StatusCode::TOO_MANY_REQUESTS, "RATE_LIMITED", "too many streams are open")
            .limit_exceeded("streams", state.engine.limits.streams)
            .with(header::RETRY_AFTER, "10")
    })?;
    let services = Arc::clone(&state.services);
    let until_expired = async move { services.auth().until_expired(&user).await };
    let answers = Arc::clone(&state.engine).execute_stream(prepared, caller).take_until(Box::pin(until_expired));
    let answers = answers.map(move |answer| {
        // The stream counts against the user's limit as long as responses can come.
        let _ = &open;
        answer
    });
    Ok(response(form, answers.boxed(), state))
}

/// Streams one response.
pub(super) fn respond_once(form: Form, answer: Answer, state: &GraphqlState) -> Response {
    response(form, stream::iter([answer]).boxed(), state)
}

fn response(form: Form, answers: BoxStream<'static, Answer>, state: &GraphqlState) -> Response {
    let bytes = with_heartbeats(form, form.bytes(answers));
    let bytes = bytes.take_until(Box::pin(state.closed())).map(Ok::<_, Infallible>);
    let headers = [
        (header::CONTENT_TYPE, form.content_type()),
        (header::CACHE_CONTROL, "no-store"),
        (HeaderName::from_static("x-accel-buffering"), "no"),
        (header::VARY, "Accept"),
    ];
    (headers, Body::from_stream(bytes)).into_response()
}

impl Form {
    /// The form that the client accepts; events when it accepts both.
    pub(super) fn accepted(headers: &HeaderMap) -> Option<Self> {
        let ranges = MediaType::accepted(headers)?;
        let accepts = |media_type: &str| ranges.iter().any(|it| it.essence == media_type);
        match (accepts("text/event-stream"), accepts("multipart/mixed")) {
            (true, _) => Some(Self::Events),
            (false, true) => Some(Self::Parts),
            (false, false) => None,
        }
    }

    fn content_type(self) -> &'static str {
        match self {
            Self::Events => "text/event-stream; charset=utf-8",
            Self::Parts => "multipart/mixed; boundary=\"graphql\"; subscriptionSpec=\"1.0\"",
        }
    }

    /// The responses as they are sent, with what opens and ends the stream.
    fn bytes(self, answers: BoxStream<'static, Answer>) -> BoxStream<'static, Bytes> {
        let start = match self {
            Self::Events => Bytes::new(),
            Self::Parts => Bytes::from_static(b"\r\n--graphql"),
        };
        let end = match self {
            Self::Events => Bytes::from_static(b"event: complete\ndata: \n\n"),
            Self::Parts => Bytes::from_static(b"--\r\n"),
        };
        let start = stream::iter(Some(start).filter(|it| !it.is_empty()));
        start.chain(answers.map(move |answer| self.next(&answer))).chain(stream::iter([end])).boxed()
    }

    fn next(self, answer: &Answer) -> Bytes {
        match self {
            Self::Events => Bytes::from(format!("event: next\ndata: {}\n\n", response_text(answer))),
            Self::Parts if is_executed(answer) => {
                multipart_chunk(&format!("{{\"payload\":{}}}", response_text(answer)))
            }
            Self::Parts => multipart_chunk(&format!("{{\"payload\":null,\"errors\":{}}}", to_json(&answer.errors))),
        }
    }

    fn heartbeat(self) -> Bytes {
        match self {
            Self::Events => Bytes::from_static(b":\n\n"),
            Self::Parts => multipart_chunk("{}"),
        }
    }
}

fn response_text(answer: &Answer) -> String {
    json::response_json(answer).ok().and_then(|it| String::from_utf8(it).ok()).unwrap_or_default()
}

/// Writing does not fail: responses consist of JSON values.
fn to_json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

/// A part, and the boundary behind it, so that the client knows at once that it is whole.
fn multipart_chunk(body: &str) -> Bytes {
    Bytes::from(format!("\r\ncontent-type: application/json\r\n\r\n{body}\r\n--graphql"))
}

fn with_heartbeats(form: Form, bytes: BoxStream<'static, Bytes>) -> impl Stream<Item = Bytes> + Send {
    stream::unfold(bytes, move |mut bytes| async move {
        let next = match time::timeout(HEARTBEAT, bytes.next()).await {
            Ok(next) => next?,
            Err(_) => form.heartbeat(),
        };
        Some((next, bytes))
    })
}
