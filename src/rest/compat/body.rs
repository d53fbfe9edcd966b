//! The body of an account route: JSON, a form, or a form in parts.

use axum::extract::{FromRequest, Request};
use serde_json::{Map, Value};

use crate::{
    media_type::MediaType,
    rest::{auth::max_body, errors::RestError, extract::read, pydantic::PydanticError},
};

/// The fields of a body.
pub(super) struct AccountBody(pub(super) Map<String, Value>);

impl<S: Sync> FromRequest<S> for AccountBody {
    type Rejection = RestError;

    async fn from_request(request: Request, _: &S) -> Result<Self, RestError> {
        let media_type = MediaType::of_body(request.headers());
        let most = max_body(request.uri().path());
        let bytes = read(request, most).await?;
        parse(&bytes, media_type.as_ref()).map(Self).map_err(|it| RestError::Validation(vec![*it]))
    }
}

fn parse(bytes: &[u8], media_type: Option<&MediaType>) -> Result<Map<String, Value>, Box<PydanticError>> {
    if bytes.is_empty() {
        return Err(Box::new(PydanticError::missing(&["body"])));
    }
    let not_an_object = || Box::new(PydanticError::not_an_object());
    match media_type {
        Some(it) if it.essence == "application/x-www-form-urlencoded" => Ok(parse_form(bytes)),
        Some(it) if it.essence == "multipart/form-data" => {
            it.parameter("boundary").map(|boundary| parse_parts(bytes, boundary)).ok_or_else(not_an_object)
        }
        Some(it) if !it.is_json() => Err(not_an_object()),
        _ => match serde_json::from_slice(bytes) {
            Ok(Value::Object(object)) => Ok(object),
            Ok(_) => Err(not_an_object()),
            Err(cause) => Err(Box::new(PydanticError::json(bytes, &cause))),
        },
    }
}

fn parse_form(bytes: &[u8]) -> Map<String, Value> {
    form_urlencoded::parse(bytes).into_owned().map(|(name, text)| (name, Value::String(text))).collect()
}

/// The texts of a form in parts (RFC 7578); files in it are left out.
fn parse_parts(bytes: &[u8], boundary: &str) -> Map<String, Value> {
    let text = String::from_utf8_lossy(bytes);
    let delimiter = format!("--{boundary}");
    text.split(&delimiter).skip(1).filter_map(parse_part).collect()
}

fn parse_part(part: &str) -> Option<(String, Value)> {
    let (headers, value) = part.strip_prefix("\r\n")?.strip_suffix("\r\n")?.split_once("\r\n\r\n")?;
    let is_disposition = |name: &str| name.trim().eq_ignore_ascii_case("content-disposition");
    let mut lines = headers.lines().filter_map(|line| line.split_once(':'));
    let disposition = MediaType::parse(lines.find(|(name, _)| is_disposition(name))?.1);
    let name = disposition.parameter("name").filter(|_| disposition.parameter("filename").is_none())?;
    Some((name.to_owned(), Value::String(value.to_owned())))
}
