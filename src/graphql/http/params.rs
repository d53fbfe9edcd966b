//! The parameters of a request, from a query string or a JSON body.

use std::collections::HashMap;

use axum::http::{HeaderMap, StatusCode, header};
use serde_json::{Map, Value};

use super::Refusal;

/// A well-formed GraphQL-over-HTTP request.
#[derive(Debug)]
pub(super) struct Params {
    pub(super) query: String,
    pub(super) operation_name: Option<String>,
    pub(super) variables: Value,
}

impl Params {
    /// The first value of a name wins, and an empty one is absent.
    pub(super) fn from_query(text: &str) -> Result<Self, Refusal> {
        let mut given: HashMap<String, String> = HashMap::new();
        for (name, value) in form_urlencoded::parse(text.as_bytes()).filter(|(_, value)| !value.is_empty()) {
            given.entry(name.into_owned()).or_insert_with(|| value.into_owned());
        }
        let mut object = Map::new();
        for name in ["query", "operationName"] {
            if let Some(text) = given.remove(name) {
                object.insert(name.to_owned(), Value::String(text));
            }
        }
        for name in ["variables", "extensions"] {
            if let Some(text) = given.remove(name) {
                let value = serde_json::from_str(&text).map_err(|_| malformed(&format!("{name} must be JSON")))?;
                object.insert(name.to_owned(), value);
            }
        }
        Self::from_object(object)
    }

    pub(super) fn from_body(headers: &HeaderMap, body: &[u8]) -> Result<Self, Refusal> {
        if !is_json(headers) {
            let message = "Content-Type must be application/json in UTF-8";
            return Err(Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "UNSUPPORTED_MEDIA_TYPE", message)
                .with(header::ACCEPT, "application/json"));
        }
        match serde_json::from_slice(body) {
            Ok(Value::Object(object)) => Self::from_object(object),
            Ok(Value::Array(_)) => Err(malformed("batches are not accepted; send one operation")),
            Ok(_) => Err(malformed("the body must be a JSON object")),
            Err(cause) => Err(malformed(&format!("the body must be JSON: {cause}"))),
        }
    }

    fn from_object(mut object: Map<String, Value>) -> Result<Self, Refusal> {
        let Some(Value::String(query)) = object.remove("query") else {
            return Err(malformed("query must be a string"));
        };
        let operation_name = match object.remove("operationName") {
            None | Some(Value::Null) => None,
            Some(Value::String(name)) => Some(name),
            Some(_) => return Err(malformed("operationName must be a string")),
        };
        for name in ["variables", "extensions"] {
            if !matches!(object.get(name), None | Some(Value::Null | Value::Object(_))) {
                return Err(malformed(&format!("{name} must be an object")));
            }
        }
        Ok(Self { query, operation_name, variables: object.remove("variables").unwrap_or_default() })
    }
}

fn malformed(message: &str) -> Refusal {
    Refusal::new(StatusCode::BAD_REQUEST, "BAD_REQUEST", message)
}

/// A JSON body cannot be sent across origins without a preflight, which is what keeps forms out.
fn is_json(headers: &HeaderMap) -> bool {
    let Some(text) = headers.get(header::CONTENT_TYPE).and_then(|it| it.to_str().ok()) else { return false };
    let text = text.to_ascii_lowercase();
    let mut parts = text.split(';').map(str::trim);
    parts.next() == Some("application/json")
        && parts.filter_map(|it| it.strip_prefix("charset=")).all(|it| it.trim_matches('"') == "utf-8")
}
