//! The parameters of a request, from a query string, a JSON body or a message of a WebSocket.

use std::collections::HashMap;

use serde_json::{Map, Value};

/// A well-formed request.
#[derive(Clone, Debug)]
pub(super) struct Params {
    /// The document.
    pub(super) document: Named,
    /// Which operation of the document.
    pub(super) operation_name: Option<String>,
    /// An object, or null.
    pub(super) variables: Value,
}

/// How a request names its document.
#[derive(Clone, Debug)]
pub(super) enum Named {
    /// By its text; with its hash, it is to be kept as an automatic persisted query.
    Text(String, Option<String>),
    /// By the id of a document that the server knows.
    Id(String),
    /// By the hash of an automatic persisted query.
    Hash(String),
}

/// What is wrong with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Malformed(pub(super) &'static str);

/// What is said about a parameter of a query string that is given twice.
const TWICE: [(&str, &str); 5] = [
    ("query", "query must be given once"),
    ("operationName", "operationName must be given once"),
    ("documentId", "documentId must be given once"),
    ("variables", "variables must be given once"),
    ("extensions", "extensions must be given once"),
];

impl Params {
    /// An empty value is absent. A second one is an error, because one of both would be left out.
    pub(super) fn from_query(text: &str) -> Result<Self, Malformed> {
        let mut given: HashMap<String, String> = HashMap::new();
        for (name, value) in form_urlencoded::parse(text.as_bytes()).filter(|(_, value)| !value.is_empty()) {
            let twice = TWICE.iter().find(|(it, _)| *it == name);
            let before = given.insert(name.into_owned(), value.into_owned());
            if let Some((_, wrong)) = twice.filter(|_| before.is_some()) {
                return Err(Malformed(wrong));
            }
        }
        let mut object = Map::new();
        for name in ["query", "operationName", "documentId"] {
            if let Some(text) = given.remove(name) {
                object.insert(name.to_owned(), Value::String(text));
            }
        }
        for (name, wrong) in [("variables", "variables must be JSON"), ("extensions", "extensions must be JSON")] {
            if let Some(text) = given.remove(name) {
                object.insert(name.to_owned(), serde_json::from_str(&text).map_err(|_| Malformed(wrong))?);
            }
        }
        Self::from_json(Value::Object(object))
    }

    /// Unknown names are ignored.
    pub(super) fn from_json(value: Value) -> Result<Self, Malformed> {
        let Value::Object(mut object) = value else { return Err(Malformed("a request must be a JSON object")) };
        for (name, wrong) in
            [("variables", "variables must be an object"), ("extensions", "extensions must be an object")]
        {
            if !matches!(object.get(name), None | Some(Value::Null | Value::Object(_))) {
                return Err(Malformed(wrong));
            }
        }
        let persisted = object.get("extensions").and_then(|it| it.get("persistedQuery"));
        let hash = persisted.and_then(|it| it.get("sha256Hash")?.as_str()).map(str::to_owned);
        let query = text(&mut object, "query", "query must be a string")?;
        let id = text(&mut object, "documentId", "documentId must be a string")?;
        let document = match (query, id, hash) {
            (Some(query), _, hash) => Named::Text(query, hash),
            (None, Some(id), _) => Named::Id(id),
            (None, None, Some(hash)) => Named::Hash(hash),
            (None, None, None) => return Err(Malformed("query must be a string")),
        };
        Ok(Self {
            document,
            operation_name: text(&mut object, "operationName", "operationName must be a string")?,
            variables: object.remove("variables").unwrap_or_default(),
        })
    }
}

fn text(object: &mut Map<String, Value>, name: &str, wrong: &'static str) -> Result<Option<String>, Malformed> {
    match object.remove(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(Malformed(wrong)),
    }
}
