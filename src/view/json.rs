//! Writing rows straight to JSON, for lists of many rows. What each kind of row writes stands beside its view.

use entity::time::Micros;
use serde::Serialize;
use uuid::Uuid;

use super::DateTime;

/// Writes one field of a row; false when the row has no such plain field.
pub trait WriteField {
    /// The type's name in the schema.
    const TYPE: &'static str;
    /// The names of its plain fields.
    const FIELDS: &'static [&'static str];
    /// Writes the field's value.
    fn write(&self, field: &str, into: &mut Vec<u8>) -> bool;
}

/// All plain fields of a row.
pub fn plain_fields<R: WriteField>(row: &R) -> serde_json::Value {
    let value = |name: &&str| {
        let mut bytes = Vec::new();
        row.write(name, &mut bytes);
        ((*name).to_owned(), serde_json::from_slice::<serde_json::Value>(&bytes).unwrap_or_default())
    };
    R::FIELDS.iter().map(value).collect()
}

/// Writes a list, each value of it by that.
pub fn array<T>(values: &[T], into: &mut Vec<u8>, mut write: impl FnMut(&T, &mut Vec<u8>)) {
    into.push(b'[');
    for (at, value) in values.iter().enumerate() {
        if at > 0 {
            into.push(b',');
        }
        write(value, into);
    }
    into.push(b']');
}

pub(super) fn json(value: impl Serialize, into: &mut Vec<u8>) -> bool {
    serde_json::to_writer(into, &value).is_ok()
}

/// Text without anything to escape.
pub(super) fn plain(text: &str, into: &mut Vec<u8>) -> bool {
    into.push(b'"');
    into.extend_from_slice(text.as_bytes());
    into.push(b'"');
    true
}

/// Text of which each character may have to be escaped, which hardly any has.
pub(super) fn text(text: &str, into: &mut Vec<u8>) -> bool {
    // Without a branch for each byte, so that many are looked at in one step.
    let is_plain = text.bytes().fold(true, |so_far, byte| so_far & (byte >= b' ') & (byte != b'"') & (byte != b'\\'));
    if is_plain { plain(text, into) } else { json(text, into) }
}

pub(super) fn text_if_any(text: Option<&str>, into: &mut Vec<u8>) -> bool {
    match text {
        Some(it) => self::text(it, into),
        None => null(into),
    }
}

pub(super) fn null(into: &mut Vec<u8>) -> bool {
    into.extend_from_slice(b"null");
    true
}

pub(super) fn id(id: Uuid, into: &mut Vec<u8>) -> bool {
    plain(id.hyphenated().encode_lower(&mut Uuid::encode_buffer()), into)
}

pub(super) fn id_if_any(id: Option<Uuid>, into: &mut Vec<u8>) -> bool {
    match id {
        Some(it) => self::id(it, into),
        None => null(into),
    }
}

pub(super) fn instant(instant: Micros, into: &mut Vec<u8>) -> bool {
    DateTime::from(instant).shown(|text| plain(text, into))
}

pub(super) fn instant_if_any(instant: Option<Micros>, into: &mut Vec<u8>) -> bool {
    match instant {
        Some(it) => self::instant(it, into),
        None => null(into),
    }
}
