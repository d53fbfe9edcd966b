//! Validation errors in Pydantic's names and texts, which legacy clients read.
//! See docs/contracts/legacy-rest.md#validation.

use serde::Serialize;
use serde_json::{Value, json};
use utoipa::{
    ToSchema,
    openapi::{
        ObjectBuilder,
        schema::{Array, ArrayBuilder, SchemaType, Type},
    },
};

use super::unserved::Unserved;
use crate::error;

/// A problem of a request.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = ValidationError)]
#[schema(examples(json!({ "type": "missing", "loc": ["body", "title"], "msg": "Field required", "input": {} })))]
pub(super) struct PydanticError {
    /// The kind of the problem, in Pydantic's word.
    r#type: &'static str,
    /// Where it is.
    #[schema(schema_with = place_schema)]
    loc: Vec<Value>,
    /// A sentence for people.
    msg: String,
    /// What was sent, unless it is long.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Value)]
    input: Option<Value>,
    /// The values in the sentence.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Object)]
    ctx: Option<Value>,
    /// What another setting would have taken.
    #[serde(skip)]
    pub(super) unserved: Option<Unserved>,
}

/// Steps are names and indexes.
fn place_schema() -> Array {
    let step = ObjectBuilder::new().schema_type(SchemaType::from_iter([Type::String, Type::Integer]));
    let description = "Where it is: `body`, `query`, `path` or `header`, then names of fields, and indexes from 0.";
    ArrayBuilder::new().items(step).description(Some(description)).build()
}

/// How many bytes of an invalid input are sent back at most.
const MAX_ECHO: usize = 256;
/// How many characters of a name in a file are sent back at most.
const MAX_NAME: usize = 64;

impl PydanticError {
    fn new(r#type: &'static str, loc: &[&str], msg: impl Into<String>) -> Self {
        let loc = loc.iter().map(|it| json!(it)).collect();
        Self { r#type, loc, msg: msg.into(), input: None, ctx: None, unserved: None }
    }

    /// Adds the invalid input, unless it is long.
    pub(super) fn of(mut self, input: &Value) -> Self {
        self.input = Some(input.clone()).filter(|it| it.to_string().len() <= MAX_ECHO);
        self
    }

    /// What is wrong, for people: the last of the field's names, and the text.
    pub(super) fn sentence(&self) -> String {
        let name = self.loc.iter().rev().find_map(Value::as_str).unwrap_or_default();
        format!("{name}: {}", self.msg)
    }

    /// What is wrong, for people: the place, and the text.
    pub(super) fn placed_sentence(&self) -> String {
        let steps = self.loc.iter().skip(1).map(|it| it.as_str().map_or_else(|| it.to_string(), str::to_owned));
        let place = steps.collect::<Vec<_>>().join(".");
        if place.is_empty() { self.msg.clone() } else { format!("{place}: {}", self.msg) }
    }

    /// The same in a file: the field's line, and what it is called there, if it has a name.
    pub(super) fn at_line(mut self, place: impl Fn(&str) -> (u64, String)) -> Self {
        let (line, name) = place(self.loc.get(1).and_then(Value::as_str).unwrap_or_default());
        let name = Some(name).filter(|it| !it.is_empty()).map(|it| it.chars().take(MAX_NAME).collect::<String>());
        let rest = self.loc.drain(..).skip(2).collect::<Vec<_>>();
        self.loc = vec![json!("body"), json!("lines"), json!(line)];
        self.loc.extend(name.map(Value::from).into_iter().chain(rest));
        self
    }

    /// Adds that another setting would have taken it.
    pub(super) fn unserved(mut self, unserved: Unserved) -> Self {
        self.unserved = Some(unserved);
        self
    }

    /// Whether it is about the length of that field, which might be allowed to be that long.
    pub(super) fn is_too_long_below(&self, loc: &[&str], longest: usize) -> bool {
        let most = self.ctx.as_ref().and_then(|it| it["max_length"].as_u64());
        self.r#type == "string_too_long" && self.loc == *loc && most.is_some_and(|it| it < longest as u64)
    }

    /// The text that was sent, unless it is long.
    pub(super) fn input(&self) -> Option<&str> {
        self.input.as_ref()?.as_str()
    }

    fn with(mut self, ctx: Value) -> Self {
        self.ctx = Some(ctx);
        self
    }

    pub(super) fn missing(loc: &[&str]) -> Self {
        Self::new("missing", loc, "Field required").of(&Value::Null)
    }

    /// A body that is no JSON, with the place in it.
    pub(super) fn json(body: &[u8], cause: &serde_json::Error) -> Self {
        let before: usize = body.split_inclusive(|it| *it == b'\n').take(cause.line() - 1).map(<[u8]>::len).sum();
        let offset = if cause.is_eof() { body.len() } else { before + cause.column().saturating_sub(1) };
        let text = cause.to_string();
        let reason = text.split(" at line ").next().unwrap_or_default();
        let mut fault = Self::new("json_invalid", &["body"], "JSON decode error").with(json!({ "error": reason }));
        fault.loc.push(json!(offset));
        fault.of(&json!({}))
    }

    pub(super) fn header(name: &str, reason: &str) -> Self {
        Self::value(&["header", name], &format!("Value {reason}"))
    }

    pub(super) fn unknown(loc: &[&str]) -> Self {
        Self::new("extra_forbidden", loc, "Extra inputs are not permitted")
    }

    pub(super) fn not_an_object() -> Self {
        let msg = "Input should be a valid dictionary or object to extract fields from";
        Self::new("model_attributes_type", &["body"], msg)
    }

    pub(super) fn not_a_string(loc: &[&str]) -> Self {
        Self::new("string_type", loc, "Input should be a valid string")
    }

    pub(super) fn not_an_address(loc: &[&str]) -> Self {
        let mut fault = Self::value(loc, "");
        fault.msg = "value is not a valid email address".to_owned();
        fault
    }

    pub(super) fn too_short(loc: &[&str], least: usize) -> Self {
        let msg = format!("String should have at least {least} characters");
        Self::new("string_too_short", loc, msg).with(json!({ "min_length": least }))
    }

    pub(super) fn not_a_bool(loc: &[&str], input: &Value) -> Self {
        let is_fraction = input.as_f64().is_some_and(|it| it.fract() != 0.0);
        let fault = match input {
            Value::String(_) | Value::Number(_) if !is_fraction => {
                let msg = "Input should be a valid boolean, unable to interpret input";
                Self::new("bool_parsing", loc, msg)
            }
            _ => Self::new("bool_type", loc, "Input should be a valid boolean"),
        };
        fault.of(input)
    }

    pub(super) fn not_a_datetime(loc: &[&str]) -> Self {
        Self::new("datetime_type", loc, "Input should be a valid datetime")
    }

    pub(super) fn not_a_list(loc: &[&str]) -> Self {
        Self::new("list_type", loc, "Input should be a valid list")
    }

    pub(super) fn too_many(loc: &[&str], max: usize, found: usize) -> Self {
        let msg = format!("List should have at most {max} items after validation, not {found}");
        let ctx = json!({ "field_type": "List", "max_length": max, "actual_length": found });
        Self::new("too_long", loc, msg).with(ctx)
    }

    /// The place in a list.
    pub(super) fn at(mut self, place: usize) -> Self {
        self.loc.push(json!(place));
        self
    }

    /// The same with its places in lists as numbers.
    pub(super) fn with_indexes(mut self) -> Self {
        for step in &mut self.loc {
            if let Some(index) = step.as_str().and_then(|it| it.parse::<usize>().ok()) {
                *step = json!(index);
            }
        }
        self
    }

    /// `choices` in the words of Python: `'low', 'medium' or 'high'`.
    pub(super) fn not_one_of(loc: &[&str], choices: &'static str) -> Self {
        let msg = format!("Input should be {choices}");
        Self::new("literal_error", loc, msg).with(json!({ "expected": choices }))
    }

    pub(super) fn not_an_integer(loc: &[&str]) -> Self {
        let msg = "Input should be a valid integer, unable to parse string as an integer";
        Self::new("int_parsing", loc, msg)
    }

    pub(super) fn too_many_digits(loc: &[&str]) -> Self {
        let msg = "Unable to parse input string as an integer, exceeded maximum size";
        Self::new("int_parsing_size", loc, msg)
    }

    pub(super) fn below(loc: &[&str], least: i64) -> Self {
        let msg = format!("Input should be greater than or equal to {least}");
        Self::new("greater_than_equal", loc, msg).with(json!({ "ge": least }))
    }

    pub(super) fn above(loc: &[&str], most: i64) -> Self {
        let msg = format!("Input should be less than or equal to {most}");
        Self::new("less_than_equal", loc, msg).with(json!({ "le": most }))
    }

    /// Another value than that of the same field under another name.
    pub(super) fn contradicts(loc: &[&str], other: &str) -> Self {
        Self::value(loc, &format!("Value must be that of {other}, which is the same field"))
    }

    /// A value that breaks a rule of the services.
    pub(super) fn breaks(loc: &[&str], rule: error::ValidationError) -> Self {
        match rule {
            error::ValidationError::Empty => {
                Self::new("string_too_short", loc, "String should have at least 1 character")
                    .with(json!({ "min_length": 1 }))
            }
            error::ValidationError::TooLong(max) => {
                let msg = format!("String should have at most {max} characters");
                Self::new("string_too_long", loc, msg).with(json!({ "max_length": max }))
            }
            error::ValidationError::Missing => Self::missing(loc),
            error::ValidationError::Unknown => Self::unknown(loc),
            error::ValidationError::Blank if loc.ends_with(&["title"]) => {
                Self::value(loc, "Title cannot be empty or whitespace only")
            }
            error::ValidationError::Instant(reason) => {
                let msg = format!("Input should be a valid datetime or date, {reason}");
                Self::new("datetime_from_date_parsing", loc, msg).with(json!({ "error": reason }))
            }
            other => Self::value(loc, &format!("Value {other}")),
        }
    }

    fn value(loc: &[&str], reason: &str) -> Self {
        Self::new("value_error", loc, format!("Value error, {reason}")).with(json!({ "error": {} }))
    }
}
