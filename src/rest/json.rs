//! Reading the JSON of a body. An object that has a name twice says two things, one of which would be left out.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::{Map, Value};

use super::pydantic::PydanticError;
use crate::error::ValidationError;

/// The fields of an object, and the first name that it has twice.
struct UniqueFields {
    fields: Map<String, Value>,
    repeated: Option<String>,
}

/// Reads a JSON value.
pub(super) fn parse(bytes: &[u8]) -> Result<Value, Box<PydanticError>> {
    let invalid = |cause| Box::new(PydanticError::json(bytes, &cause));
    if !bytes.trim_ascii_start().starts_with(b"{") {
        return serde_json::from_slice(bytes).map_err(invalid);
    }
    let UniqueFields { fields, repeated } = serde_json::from_slice(bytes).map_err(invalid)?;
    match repeated {
        None => Ok(Value::Object(fields)),
        Some(name) => Err(Box::new(repeated_field(&name))),
    }
}

/// A field of a body that is there twice.
pub(super) fn repeated_field(name: &str) -> PydanticError {
    PydanticError::breaks(&["body", name], ValidationError::Rule("must be given once"))
}

impl<'de> Deserialize<'de> for UniqueFields {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_map(FieldsVisitor)
    }
}

struct FieldsVisitor;

impl<'de> Visitor<'de> for FieldsVisitor {
    type Value = UniqueFields;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<UniqueFields, A::Error> {
        let (mut fields, mut repeated) = (Map::new(), None);
        while let Some((name, value)) = map.next_entry::<String, Value>()? {
            if fields.contains_key(&name) {
                repeated.get_or_insert(name);
            } else {
                fields.insert(name, value);
            }
        }
        Ok(UniqueFields { fields, repeated })
    }
}
