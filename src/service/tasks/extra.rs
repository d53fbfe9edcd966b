//! Fields that clients of the original back-ends keep with a task, and that mean nothing to Docket.
//! See docs/contracts/legacy-rest.md#unknown-fields.

use serde_json::{Map, Value};

use crate::error::{Error, ValidationError};

/// How many of them a task has at most.
pub const MAX_EXTRA: usize = 20;
/// How many bytes all of them have at most, as JSON.
pub const MAX_EXTRA_BYTES: usize = 2048;
const TOO_MUCH: ValidationError =
    ValidationError::Rule("must fit: a task keeps at most 20 unknown fields of 2,048 bytes together");
/// From here on not every integer is a floating-point number.
const MAX_EXACT: f64 = (1_u64 << f64::MANTISSA_DIGITS) as f64;
const ROUNDED: ValidationError =
    ValidationError::Rule("must have no number that would be rounded: one beyond 64 bits is kept as text");
/// The names of what REST shows and reads of a task, which mean something.
const KNOWN: [&str; 18] = [
    "id",
    "user_id",
    "userId",
    "title",
    "description",
    "completed",
    "is_completed",
    "isCompleted",
    "complete",
    "done",
    "priority",
    "tags",
    "due_date",
    "dueDate",
    "created_at",
    "createdAt",
    "updated_at",
    "updatedAt",
];

/// Fields by their names; in a change, null takes one away.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExtraFields(Map<String, Value>);

/// Checks that a value can be stored, and shown again as it was sent. A number of more than 64 bits is read as the nearest
/// one of those that have 53 significant bits, which is another number.
fn check(value: &Value) -> Result<(), ValidationError> {
    match value {
        Value::String(text) => check_text(text),
        Value::Array(values) => values.iter().try_for_each(check),
        Value::Object(fields) => {
            fields.iter().try_for_each(|(name, value)| check_text(name).and_then(|()| check(value)))
        }
        Value::Number(number) if number.is_f64() && number.as_f64().is_none_or(|it| it.abs() >= MAX_EXACT) => {
            Err(ROUNDED)
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => Ok(()),
    }
}

fn check_text(text: &str) -> Result<(), ValidationError> {
    if text.contains('\0') { Err(ValidationError::Nul) } else { Ok(()) }
}

impl ExtraFields {
    /// Whether a field of that name is one of the task's own.
    pub fn is_known(name: &str) -> bool {
        KNOWN.contains(&name)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What is stored with a task.
    pub fn read(stored: Option<&str>) -> Self {
        // Nothing else is ever stored.
        Self(stored.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default())
    }

    /// The fields of an object, none of which may be one of the task's own.
    pub fn parse(fields: Map<String, Value>) -> Result<Self, ValidationError> {
        let mut extra = Self::default();
        for (name, value) in fields {
            if Self::is_known(&name) {
                return Err(ValidationError::Rule("must not have a field that tasks have"));
            }
            extra.insert(name, value)?;
        }
        Ok(extra)
    }

    /// Adds a field, if there is room for it.
    pub fn insert(&mut self, name: String, value: Value) -> Result<(), ValidationError> {
        check_text(&name)?;
        check(&value)?;
        self.0.insert(name, value);
        let bytes = serde_json::to_string(&self.0).map_or(usize::MAX, |it| it.len());
        if self.0.len() <= MAX_EXTRA && bytes <= MAX_EXTRA_BYTES { Ok(()) } else { Err(TOO_MUCH) }
    }

    /// What is to be stored: nothing where there is no field.
    pub(super) fn stored(mut self) -> Option<String> {
        self.0.retain(|_, value| !value.is_null());
        (!self.0.is_empty()).then(|| Value::Object(self.0).to_string())
    }

    /// What is to be stored when these fields change those of a task.
    pub(super) fn over(self, stored: Option<&str>) -> Result<Option<String>, Error> {
        let mut all = Self::read(stored);
        for (name, value) in self.0 {
            match value {
                Value::Null => drop(all.0.remove(&name)),
                value => all.insert(name, value).map_err(|fault| Error::invalid("extra", fault))?,
            }
        }
        Ok(all.stored())
    }
}

impl From<ExtraFields> for Map<String, Value> {
    fn from(fields: ExtraFields) -> Self {
        fields.0
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn fields(value: Value) -> ExtraFields {
        ExtraFields::parse(value.as_object().unwrap().clone()).unwrap()
    }

    #[test]
    fn a_change_adds_replaces_and_takes_away() {
        let stored = fields(json!({ "a": 1, "b": [2], "c": null })).stored();
        assert_eq!(stored.as_deref(), Some(r#"{"a":1,"b":[2]}"#));
        let changed = fields(json!({ "a": null, "b": "x", "d": true })).over(stored.as_deref()).unwrap();
        assert_eq!(changed.as_deref(), Some(r#"{"b":"x","d":true}"#));
        assert_eq!(fields(json!({ "b": null, "d": null })).over(changed.as_deref()).unwrap(), None);
    }

    #[test]
    fn numbers_are_kept_exactly_or_not_at_all() {
        for (text, is_kept) in [
            ("9007199254740993", true),
            ("18446744073709551615", true),
            ("-9223372036854775808", true),
            ("0.5", true),
            ("18446744073709551616", false),
            ("-9223372036854775809", false),
            ("1e30", false),
        ] {
            let value = serde_json::from_str(&format!("[{{\"n\":{text}}}]")).unwrap();
            let extra = ExtraFields::parse([("f".to_owned(), value)].into_iter().collect());
            let stored = extra.ok().and_then(ExtraFields::stored);
            assert_eq!(stored, is_kept.then(|| format!("{{\"f\":[{{\"n\":{text}}}]}}")), "{text}");
        }
    }

    #[test]
    fn there_is_room_for_twenty_fields_and_two_kilobytes() {
        let many = |count: usize| (0..count).map(|it| (format!("f{it}"), json!(it))).collect::<Map<_, _>>();
        assert!(ExtraFields::parse(many(20)).is_ok() && ExtraFields::parse(many(21)).is_err());
        let long = |length: usize| [("f".to_owned(), json!("x".repeat(length)))].into_iter().collect();
        let frame = r#"{"f":""}"#.len();
        assert!(ExtraFields::parse(long(MAX_EXTRA_BYTES - frame)).is_ok());
        assert!(ExtraFields::parse(long(MAX_EXTRA_BYTES - frame + 1)).is_err());
        let stored = ExtraFields::parse(many(20)).unwrap().stored();
        assert!(fields(json!({ "one_more": 1 })).over(stored.as_deref()).is_err());
        assert!(fields(json!({ "f0": null, "more": 1 })).over(stored.as_deref()).is_ok());
        assert!(ExtraFields::parse(json!({ "title": 1 }).as_object().unwrap().clone()).is_err());
    }
}
