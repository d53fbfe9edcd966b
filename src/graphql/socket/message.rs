//! The messages of the sub-protocol, parsed strictly: what breaks the protocol closes the socket.

use async_graphql::{Response as Answer, ServerError};
use serde::Serialize;
use serde_json::{Map, Value};
use tokio::task;

use super::close::Close;
use crate::graphql::params::{Malformed, Params};

/// A message of a client.
pub(super) enum ClientMessage {
    /// The start, with an `Authorization` value if there is one.
    Init(Option<String>),
    Ping,
    Pong,
    Subscribe {
        id: String,
        params: Box<Params>,
    },
    Complete {
        id: String,
    },
}

/// An event of an operation, on its way to the client.
pub(super) struct OperationMessage {
    /// The id that the client gave it.
    pub(super) id: String,
    /// The task that it runs in; the client may give the id to another one.
    pub(super) task: task::Id,
    pub(super) said: OperationEvent,
}

pub(super) enum OperationEvent {
    Next(Box<Answer>),
    Error(Vec<ServerError>),
    Complete,
}

/// What the server sends.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum ServerMessage<'a> {
    #[serde(rename = "connection_ack")]
    Ack,
    Pong,
    Next {
        id: &'a str,
        payload: &'a Answer,
    },
    Error {
        id: &'a str,
        payload: &'a [ServerError],
    },
    Complete {
        id: &'a str,
    },
}

impl ClientMessage {
    pub(super) fn parse(text: &str) -> Result<Self, Close> {
        let Ok(Value::Object(mut message)) = serde_json::from_str(text) else {
            return Err(Close::invalid("a message must be a JSON object"));
        };
        let kind = message.remove("type");
        match kind.as_ref().and_then(Value::as_str) {
            Some("connection_init") => Ok(Self::Init(authorization(&optional_object(&mut message)?))),
            Some("ping") => optional_object(&mut message).map(|_| Self::Ping),
            Some("pong") => optional_object(&mut message).map(|_| Self::Pong),
            Some("subscribe") => {
                let id = id(&mut message)?;
                let payload = message.remove("payload").unwrap_or_default();
                let params = Params::from_json(payload).map_err(|Malformed(reason)| Close::invalid(reason))?;
                Ok(Self::Subscribe { id, params: Box::new(params) })
            }
            Some("complete") => Ok(Self::Complete { id: id(&mut message)? }),
            _ => Err(Close::invalid("unknown type of message")),
        }
    }
}

fn id(message: &mut Map<String, Value>) -> Result<String, Close> {
    match message.remove("id") {
        Some(Value::String(id)) if !id.is_empty() => Ok(id),
        _ => Err(Close::invalid("id must be a string that is not empty")),
    }
}

fn optional_object(message: &mut Map<String, Value>) -> Result<Map<String, Value>, Close> {
    match message.remove("payload") {
        None | Some(Value::Null) => Ok(Map::new()),
        Some(Value::Object(payload)) => Ok(payload),
        Some(_) => Err(Close::invalid("payload must be an object")),
    }
}

/// The credential of a `connection_init`, under the name of the header in any case: in the payload, or in its `headers`,
/// where clients of other servers have it.
fn authorization(payload: &Map<String, Value>) -> Option<String> {
    let of = |object: &Map<String, Value>| {
        let named = object.iter().find(|(name, _)| name.eq_ignore_ascii_case("authorization"));
        named.and_then(|(_, value)| Some(value.as_str()?.to_owned()))
    };
    of(payload).or_else(|| of(payload.get("headers")?.as_object()?))
}

impl OperationMessage {
    /// Whether the operation is over.
    pub(super) fn is_last(&self) -> bool {
        !matches!(self.said, OperationEvent::Next(_))
    }

    pub(super) fn message(&self) -> ServerMessage<'_> {
        let id = self.id.as_str();
        match &self.said {
            OperationEvent::Next(answer) => ServerMessage::Next { id, payload: answer },
            OperationEvent::Error(errors) => ServerMessage::Error { id, payload: errors },
            OperationEvent::Complete => ServerMessage::Complete { id },
        }
    }
}
