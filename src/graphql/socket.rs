//! GraphQL over WebSocket by the sub-protocol `graphql-transport-ws`.
//! See docs/contracts/graphql-http.md#websocket.

mod close;
mod message;

use std::{
    collections::HashMap,
    future::{Future, pending},
    sync::Arc,
    time::Duration,
};

use axum::{
    extract::{
        WebSocketUpgrade,
        ws::{Message as Frame, WebSocket},
    },
    http::request::Parts,
    response::Response,
};
use futures_util::{FutureExt, StreamExt, future::BoxFuture, stream};
use tokio::{
    sync::mpsc,
    task::{self, AbortHandle},
    time::{self, Instant, Interval},
};

use self::{
    close::Close,
    message::{ClientMessage, OperationEvent, OperationMessage, ServerMessage},
};
use super::{
    engine::{OpenStream, Prepared, is_executed},
    http::{GraphqlState, bad_handshake_response, too_many_handshakes_response},
    params::Params,
    validation::limit_exceeded,
};
use crate::{
    error::Error,
    in_flight::InFlightGuard,
    service::{
        RequestScope,
        auth::{AccessEnd, Client, Credential, CurrentUser, Identity},
    },
    telemetry::SecurityEvent,
};

/// The only sub-protocol that is supported.
const PROTOCOL: &str = "graphql-transport-ws";
/// How long a client may take to authenticate.
const INIT: Duration = Duration::from_secs(3);
/// How often a client is pinged.
const PING: Duration = Duration::from_secs(12);
/// How long a client may be silent.
const PING_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a message may take to be sent.
const SLOW: Duration = Duration::from_secs(10);
/// How many messages may wait to be sent.
const QUEUE_LENGTH: usize = 64;
/// How many bytes are read and written at a time. A socket has both buffers as long as it is there.
const BUFFER: usize = 4 << 10;
/// How many sockets of one address, and in all, may be open that are not authenticated yet.
const MAX_UNKNOWN: usize = 64;
const MAX_ALL_UNKNOWN: usize = 512;
/// How many bytes a message has at most until then: a token fits.
const MAX_INIT: usize = 16 << 10;
/// How long a client may take to return the close frame.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// Answers the handshake; the socket then lives on its own.
pub(super) fn open(state: GraphqlState, identity: Identity, parts: &Parts, upgrade: WebSocketUpgrade) -> Response {
    let message = state.engine.limits.message;
    let upgrade = upgrade.protocols([PROTOCOL]).max_message_size(message).max_frame_size(message);
    let upgrade = upgrade.read_buffer_size(BUFFER).write_buffer_size(BUFFER);
    if upgrade.selected_protocol().is_none() {
        return bad_handshake_response("the sub-protocol must be graphql-transport-ws");
    }
    let client = parts.extensions.get::<Client>().cloned().unwrap_or_default();
    let is_unknown = !matches!(identity, Identity::User(_));
    let unknown = is_unknown.then(|| state.unknown.begin(&client.network()));
    if unknown.as_ref().is_some_and(|it| it.others() >= MAX_UNKNOWN || state.unknown.total() > MAX_ALL_UNKNOWN) {
        return too_many_handshakes_response();
    }
    let alive = state.alive.token();
    upgrade.on_upgrade(move |socket| async move {
        let (answers, queue) = mpsc::channel(QUEUE_LENGTH);
        let state =
            State { state, client, handshake: identity, user: None, open: None, running: HashMap::new(), answers };
        SocketSession { socket, state, queue, until_expired: pending().boxed(), last_heard: Instant::now(), unknown }
            .run()
            .await;
        drop(alive);
    })
}

/// A socket and what happens on it.
struct SocketSession {
    socket: WebSocket,
    state: State,
    queue: mpsc::Receiver<OperationMessage>,
    /// Ends when the access of its user does.
    until_expired: BoxFuture<'static, AccessEnd>,
    /// When the last frame of the client arrived.
    last_heard: Instant,
    /// Counts the socket as not authenticated.
    unknown: Option<InFlightGuard<Option<String>>>,
}

/// What is known of the client, and its operations.
struct State {
    state: GraphqlState,
    client: Client,
    /// The identity of the handshake: used when `connection_init` has no credential.
    handshake: Identity,
    user: Option<CurrentUser>,
    open: Option<OpenStream>,
    running: HashMap<String, AbortHandle>,
    answers: mpsc::Sender<OperationMessage>,
}

impl SocketSession {
    async fn run(mut self) {
        let mut ping = time::interval_at(Instant::now() + PING, PING);
        let close = self.until_closed(&mut ping).await;
        self.state.running.values().for_each(AbortHandle::abort);
        let farewell = async {
            if let Some(close) = close {
                // The client may be gone.
                let _ = self.socket.send(Frame::Close(Some(close.frame()))).await;
            }
            // Reading returns the close frame of the client; all else that it still sends is dropped.
            while let Some(Ok(_)) = self.socket.recv().await {}
        };
        let _ = time::timeout(CLOSE_TIMEOUT, farewell).await;
    }

    /// Serves the client; the reason to close, unless the client closes or is gone.
    async fn until_closed(&mut self, ping: &mut Interval) -> Option<Close> {
        let stopped = self.state.state.closed();
        tokio::pin!(stopped);
        let init = time::sleep(INIT);
        tokio::pin!(init);
        loop {
            let step = tokio::select! {
                frame = self.socket.recv() => match frame {
                    None | Some(Ok(Frame::Close(_))) => return None,
                    Some(Err(error)) => return Close::of_error(&error),
                    Some(Ok(frame)) => self.handle_frame(frame).await,
                },
                Some(outgoing) = self.queue.recv() => self.forward(outgoing).await,
                _ = ping.tick() => self.ping().await,
                () = &mut init, if self.state.user.is_none() => Err(Close::INIT_TIMEOUT),
                end = &mut self.until_expired => Err(Close::of_end(end)),
                () = &mut stopped => Err(Close::RESTART),
            };
            if let Err(close) = step {
                return Some(close);
            }
        }
    }

    async fn handle_frame(&mut self, frame: Frame) -> Result<(), Close> {
        self.last_heard = Instant::now();
        let text = match &frame {
            Frame::Text(text) if self.state.user.is_none() && text.len() > MAX_INIT => return Err(Close::TOO_LONG),
            Frame::Text(text) => text.as_str(),
            Frame::Binary(_) => return Err(Close::invalid("messages are text")),
            Frame::Ping(_) | Frame::Pong(_) | Frame::Close(_) => return Ok(()),
        };
        match ClientMessage::parse(text)? {
            ClientMessage::Init(_) if self.state.user.is_some() => Err(Close::TOO_MANY_INITS),
            ClientMessage::Init(shown) => {
                self.until_expired = self.state.authenticate(shown.as_deref()).await?;
                self.unknown = None;
                self.send(&ServerMessage::Ack).await
            }
            ClientMessage::Ping => self.send(&ServerMessage::Pong).await,
            ClientMessage::Pong => Ok(()),
            ClientMessage::Subscribe { id, params } => self.subscribe(id, *params).await,
            ClientMessage::Complete { id } => {
                self.state.running.remove(&id).inspect(AbortHandle::abort);
                Ok(())
            }
        }
    }

    async fn subscribe(&mut self, id: String, params: Params) -> Result<(), Close> {
        let Some(user) = self.state.user.clone() else { return Err(Close::UNAUTHORIZED) };
        if self.state.running.contains_key(&id) {
            return Err(Close::duplicate(&id));
        }
        let most = self.state.state.engine.limits.operations;
        if self.state.running.len() >= most {
            let refused = limit_exceeded("operations", most);
            return self.send(&ServerMessage::Error { id: &id, payload: &refused }).await;
        }
        let operation = self.state.operation(id.clone(), params, user);
        self.state.running.insert(id, tokio::spawn(operation).abort_handle());
        Ok(())
    }

    /// Sends an event of an operation, unless the client has ended the operation.
    async fn forward(&mut self, outgoing: OperationMessage) -> Result<(), Close> {
        let running = self.state.running.get(&outgoing.id).map(AbortHandle::id);
        if running != Some(outgoing.task) {
            return Ok(());
        }
        if outgoing.is_last() {
            self.state.running.remove(&outgoing.id);
        }
        self.send(&outgoing.message()).await
    }

    async fn ping(&mut self) -> Result<(), Close> {
        if self.last_heard.elapsed() > PING_TIMEOUT {
            return Err(Close::PING_UNANSWERED);
        }
        self.send_frame(Frame::Ping(axum::body::Bytes::new())).await
    }

    async fn send(&mut self, message: &ServerMessage<'_>) -> Result<(), Close> {
        let text = serde_json::to_string(message).map_err(|_| Close::INTERNAL_ERROR)?;
        self.send_frame(Frame::Text(text.into())).await
    }

    async fn send_frame(&mut self, frame: Frame) -> Result<(), Close> {
        match time::timeout(SLOW, self.socket.send(frame)).await {
            Ok(Ok(())) => Ok(()),
            // It is gone, and the next read will say so.
            Ok(Err(_)) => Ok(()),
            Err(_) => Err(Close::TOO_SLOW),
        }
    }
}

impl State {
    /// Authenticates the client. The returned future ends when its access does.
    async fn authenticate(&mut self, shown: Option<&str>) -> Result<BoxFuture<'static, AccessEnd>, Close> {
        let user = match shown {
            Some(shown) => self.identify(shown).await?,
            None => match &self.handshake {
                Identity::User(user) => user.clone(),
                _ => return Err(Close::FORBIDDEN),
            },
        };
        self.open = Some(self.state.engine.open_stream(user.id()).ok_or(Close::TOO_MANY)?);
        self.user = Some(user.clone());
        let services = Arc::clone(&self.state.services);
        Ok(async move { services.auth().until_expired(&user).await }.boxed())
    }

    async fn identify(&self, shown: &str) -> Result<CurrentUser, Close> {
        let refused = |reason: &str| {
            SecurityEvent::TokenRefused.log(reason, &self.client);
            Close::FORBIDDEN
        };
        let credential = Credential::bearer(shown).ok_or_else(|| refused("not a bearer token"))?;
        self.state.services.auth().identify(credential).await.map_err(|error| match error {
            Error::BadCredentials(reason) => refused(reason),
            _ => Close::UNAVAILABLE,
        })
    }

    /// Runs an operation: it sends events until it is over, or the socket is closed.
    fn operation(&self, id: String, params: Params, user: CurrentUser) -> impl Future<Output = ()> + Send + use<> {
        let services = Arc::clone(&self.state.services);
        let caller = RequestScope { identity: Identity::User(user), services, is_once: false };
        let (engine, answers) = (Arc::clone(&self.state.engine), self.answers.clone());
        async move {
            let say = async |said| answers.send(OperationMessage { id: id.clone(), task: task::id(), said }).await;
            let prepared = engine.prepare(params, &caller);
            let is_subscription = prepared.as_ref().is_ok_and(Prepared::is_subscription);
            let mut stream = match prepared {
                Ok(prepared) => engine.execute_stream(prepared, caller),
                Err(refused) => stream::iter([engine.error_response(refused)]).boxed(),
            };
            let mut is_first = true;
            let mut last = OperationEvent::Complete;
            while let Some(answer) = stream.next().await {
                // A subscription that has no first event was not started (GraphQL, 6.2.3.1).
                let is_started = !is_subscription || answer.errors.is_empty();
                if is_first && !(is_started && is_executed(&answer)) {
                    last = OperationEvent::Error(answer.errors);
                    break;
                }
                is_first = false;
                if say(OperationEvent::Next(Box::new(answer))).await.is_err() {
                    return;
                }
            }
            // The socket may be closed.
            let _ = say(last).await;
        }
    }
}
