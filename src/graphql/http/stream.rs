//! GraphQL over Server-Sent Events, distinct connections mode: `next` for each answer, then `complete`.

use std::{convert::Infallible, time::Duration};

use async_graphql::{Request, Response as GraphqlResponse};
use axum::{
    body::{Body, Bytes},
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
};
use futures_util::{
    Stream, StreamExt,
    stream::{self, BoxStream},
};
use tokio::{sync::watch, time};

use super::finished;
use crate::graphql::Schema;

/// How often a line is sent when nothing happens, so that nobody in between thinks the connection dead.
const HEARTBEAT: Duration = Duration::from_secs(12);

/// Whether the client takes a stream of events.
pub(super) fn is_wanted(headers: &HeaderMap) -> bool {
    let mut accepted = headers.get_all(header::ACCEPT).iter().filter_map(|it| it.to_str().ok());
    accepted.any(|it| it.split(',').any(|it| it.trim().starts_with("text/event-stream")))
}

/// Streams the answers of a subscription until it, or the server, ends.
pub(super) fn respond(schema: &Schema, request: Request, closing: watch::Receiver<bool>) -> Response {
    let answers = schema.execute_stream(request).map(next);
    let end = stream::iter([Bytes::from_static(b"event: complete\ndata: \n\n")]);
    let lines = with_heartbeats(answers.chain(end).boxed());
    let lines = lines.take_until(closed(closing)).map(Ok::<_, Infallible>);
    let headers = [
        (header::CONTENT_TYPE, "text/event-stream; charset=utf-8"),
        (header::CACHE_CONTROL, "no-cache"),
        (header::HeaderName::from_static("x-accel-buffering"), "no"),
        (header::VARY, "Accept"),
    ];
    (headers, Body::from_stream(lines)).into_response()
}

async fn closed(mut closing: watch::Receiver<bool>) {
    // A sender that is gone means that the server has ended.
    let _ = closing.wait_for(|is_closing| *is_closing).await;
}

fn next(answer: GraphqlResponse) -> Bytes {
    let text = serde_json::to_string(&finished(answer)).unwrap_or_default();
    Bytes::from(format!("event: next\ndata: {text}\n\n"))
}

fn with_heartbeats(lines: BoxStream<'static, Bytes>) -> impl Stream<Item = Bytes> + Send {
    stream::unfold(lines, |mut lines| async {
        let line = match time::timeout(HEARTBEAT, lines.next()).await {
            Ok(line) => line?,
            Err(_) => Bytes::from_static(b":\n\n"),
        };
        Some((line, lines))
    })
}
