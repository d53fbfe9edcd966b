//! Room for requests: so many of one kind are worked on or wait for the database at a time. What is more waits a moment
//! for room, and is then refused before anything is done for it. Refusing takes time too: so that it leaves the most of
//! it to those who are let in, refusals come one after another.

use std::{
    convert::Infallible,
    io::{Read, Write},
    net::TcpStream,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{extract::Request, response::Response};
use prometheus_client::metrics::counter::Counter;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, sleep_until, timeout},
};
use tower::{Layer, ServiceExt, service_fn};
use tower_http::cors::CorsLayer;
use tracing::warn;

use super::front;
use crate::{error::Error, graphql, rest};

/// How many requests of one kind there are at a time.
const AT_ONCE: usize = 256;
/// How long a request waits for room, which its client hardly notices.
const PATIENCE: Duration = Duration::from_millis(30);
/// How long after a refusal the next one comes, on each thread: refusing takes a fiftieth of that.
const PACE: Duration = Duration::from_millis(1);
/// What those are told whose connections are not served.
const REFUSAL: &str = "HTTP/1.1 503 Service Unavailable\r\n\
    content-type: application/json\r\n\
    content-length: 43\r\n\
    cache-control: no-store\r\n\
    retry-after: 1\r\n\
    connection: close\r\n\r\n\
    {\"detail\":\"Service unavailable, try again\"}";
/// How many refusals make a line of the log.
const A_LINE: u64 = 1000;

/// What stands in front of all requests.
#[derive(Clone, Debug)]
pub(super) struct Gate(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    tasks: Arc<Semaphore>,
    /// Accounts have room of their own: many who sign in do not keep others from their tasks.
    accounts: Arc<Semaphore>,
    refused: Counter,
    /// Without what it says, a browser would show its page nothing of a refusal.
    cors: CorsLayer,
    pace: Duration,
    /// When the next refusal may come.
    next: Mutex<Instant>,
}

impl Gate {
    /// With nobody in it, for so many threads; refusals are counted there.
    pub(super) fn new(workers: usize, refused: Counter, cors: CorsLayer) -> Self {
        let room = || Arc::new(Semaphore::new(AT_ONCE));
        let pace = PACE / u32::try_from(workers.max(1)).unwrap_or(1);
        Self(Arc::new(Inner { tasks: room(), accounts: room(), refused, cors, pace, next: Mutex::new(Instant::now()) }))
    }

    /// Lets a request in, which keeps its place until it is answered; streams and WebSockets until they are open. Or
    /// answers instead.
    pub(super) async fn place<B>(&self, request: &Request<B>) -> Result<Option<OwnedSemaphorePermit>, Response> {
        let (room, answer): (_, fn(Error) -> Response) = match request.uri().path() {
            graphql::PATH => (&self.0.tasks, |error| graphql::refused(&error)),
            path if path.starts_with("/api/auth/") => (&self.0.accounts, rest::auth::refused),
            path if path.starts_with("/api/") => (&self.0.tasks, |error| rest::refused(&error)),
            _ => return Ok(None),
        };
        if let Ok(place) = Arc::clone(room).try_acquire_owned() {
            return Ok(Some(place));
        }
        // In a place of its own, so that those who need not wait carry no room for it.
        match Box::pin(self.waited(room)).await {
            Some(place) => Ok(Some(place)),
            None => Err(Box::pin(self.refusal(request, answer(Error::Busy))).await),
        }
    }

    /// The answer with all that answers say.
    async fn refusal<B>(&self, request: &Request<B>, mut answer: Response) -> Response {
        front::make_safe(answer.headers_mut());
        answer.headers_mut().insert(front::REQUEST_ID, front::request_id(request.headers()));
        let mut asked = Request::new(answer);
        *asked.method_mut() = request.method().clone();
        *asked.headers_mut() = request.headers().clone();
        let answering = service_fn(|asked: Request<Response>| async { Ok::<_, Infallible>(asked.into_body()) });
        let Ok(answer) = self.0.cors.layer(answering).oneshot(asked).await;
        answer
    }

    /// Whether there is no room for tasks.
    pub(super) fn is_full(&self) -> bool {
        self.0.tasks.available_permits() == 0
    }

    /// Refuses whatever a new connection asks, without waiting for that, which would take many times as long.
    pub(super) fn turn_away(&self, mut stream: &TcpStream) {
        self.count();
        // Who is gone already hears nothing. What is left unread may cut the answer off.
        let _ = stream.write(REFUSAL.as_bytes());
        let _ = stream.read(&mut [0; 4096]);
    }

    /// Room that was waited for, or the turn to be refused.
    async fn waited(&self, room: &Arc<Semaphore>) -> Option<OwnedSemaphorePermit> {
        if let Ok(Ok(place)) = timeout(PATIENCE, Arc::clone(room).acquire_owned()).await {
            return Some(place);
        }
        self.count();
        sleep_until(self.turn()).await;
        None
    }

    fn count(&self) {
        if self.0.refused.inc().is_multiple_of(A_LINE) {
            warn!(total = self.0.refused.get(), "too many requests at a time: some are refused");
        }
    }

    fn turn(&self) -> Instant {
        let mut next = self.0.next.lock().unwrap_or_else(PoisonError::into_inner);
        let turn = Instant::now().max(*next);
        *next = turn + self.0.pace;
        turn
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_refusal_says_what_the_rest_door_says_and_is_as_long_as_it_says() {
        let (head, body) = REFUSAL.split_once("\r\n\r\n").unwrap();
        assert!(head.contains(&format!("content-length: {}\r\n", body.len())), "{}", body.len());
        assert!(serde_json::from_str::<serde_json::Value>(body).is_ok());
        let said = rest::refused(&Error::Busy);
        assert_eq!(said.status(), 503);
        assert_eq!(said.headers()["retry-after"], "1");
        assert_eq!(axum::body::to_bytes(said.into_body(), 1 << 10).await.unwrap(), body);
    }
}
