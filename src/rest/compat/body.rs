//! The body of an account route: JSON, a form, or a form in parts.

use std::convert::Infallible;

use axum::{
    body::Bytes,
    extract::{FromRequest, Request},
};
use futures_util::stream;
use multer::Multipart;
use serde_json::{Map, Value};

use super::fields::FIELDS;
use crate::{
    error::ValidationError,
    media_type::MediaType,
    rest::{
        auth::max_body,
        errors::RestError,
        extract::read,
        json::{self, repeated_field},
        pydantic::PydanticError,
    },
};

/// The media types that a body may have, the usual one first.
pub(super) const MEDIA_TYPES: [&str; 3] = ["application/json", FORM, PARTS];
const FORM: &str = "application/x-www-form-urlencoded";
const PARTS: &str = "multipart/form-data";

/// The fields of a body.
pub(super) struct AccountBody(pub(super) Map<String, Value>);

impl<S: Sync> FromRequest<S> for AccountBody {
    type Rejection = RestError;

    async fn from_request(request: Request, _: &S) -> Result<Self, RestError> {
        let media_type = MediaType::of_body(request.headers());
        let most = max_body(request.uri().path());
        let bytes = read(request, most).await?;
        let object = parse(bytes, media_type.as_ref()).await;
        object.map(Self).map_err(|it| RestError::Validation(vec![*it]))
    }
}

async fn parse(bytes: Bytes, media_type: Option<&MediaType>) -> Result<Map<String, Value>, Box<PydanticError>> {
    if bytes.is_empty() {
        return Err(Box::new(PydanticError::missing(&["body"])));
    }
    match media_type {
        Some(it) if it.essence == FORM => object(form_urlencoded::parse(&bytes).into_owned()),
        Some(it) if it.essence == PARTS => {
            let rule = ValidationError::Rule("must be a form whose parts end with the boundary of its Content-Type");
            let broken = || Box::new(PydanticError::breaks(&["body"], rule));
            let boundary = it.parameter("boundary").ok_or_else(broken)?;
            object(read_parts(bytes, boundary).await.map_err(|_| broken())?.into_iter())
        }
        Some(it) if !it.is_json() => Err(Box::new(PydanticError::not_an_object())),
        _ => match json::parse(&bytes)? {
            Value::Object(object) => Ok(object),
            _ => Err(Box::new(PydanticError::not_an_object())),
        },
    }
}

/// The fields of a form. Only those that are read must be there once: a form may have others, such as a list of boxes.
fn object(pairs: impl Iterator<Item = (String, String)>) -> Result<Map<String, Value>, Box<PydanticError>> {
    let mut object = Map::new();
    for (name, text) in pairs {
        let is_read = FIELDS.contains(&name.as_str());
        if is_read && object.contains_key(&name) {
            return Err(Box::new(repeated_field(&name)));
        }
        object.insert(name, Value::String(text));
    }
    Ok(object)
}

/// The texts of a form in parts (RFC 7578); files in it are left out.
async fn read_parts(bytes: Bytes, boundary: &str) -> Result<Vec<(String, String)>, multer::Error> {
    let mut form = Multipart::new(stream::iter([Ok::<_, Infallible>(bytes)]), boundary);
    let mut pairs = Vec::new();
    while let Some(part) = form.next_field().await? {
        let name = part.name().filter(|_| part.file_name().is_none()).map(str::to_owned);
        if let Some(name) = name {
            pairs.push((name, part.text().await?));
        }
    }
    Ok(pairs)
}
