//! A response as JSON. Lists that were written already are copied as they are: serde_json would read them through once
//! more, which is an eighth of the work of a list.

use async_graphql::{Name, Response as Answer, Value, indexmap::IndexMap};
use async_graphql_value::RAW_VALUE_TOKEN;

use crate::graphql::engine::is_executed;

/// The JSON of a response.
pub(super) fn response_json(answer: &Answer) -> serde_json::Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(1 << 10);
    write(answer, &mut bytes)?;
    Ok(bytes)
}

/// The JSON of a batch of responses.
pub(super) fn batch_json(answers: &[Answer]) -> serde_json::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    write_separated(b"[]", answers, &mut bytes, write)?;
    Ok(bytes)
}

/// Writes the response: without `data` when nothing was executed (GraphQL, 7.1).
fn write(answer: &Answer, into: &mut Vec<u8>) -> serde_json::Result<()> {
    into.push(b'{');
    if !answer.errors.is_empty() {
        into.extend_from_slice(b"\"errors\":");
        serde_json::to_writer(&mut *into, &answer.errors)?;
    }
    if is_executed(answer) {
        into.extend_from_slice(if answer.errors.is_empty() { b"\"data\":" } else { b",\"data\":" });
        write_value(&answer.data, into)?;
    }
    if !answer.extensions.is_empty() {
        into.extend_from_slice(b",\"extensions\":");
        serde_json::to_writer(&mut *into, &answer.extensions)?;
    }
    into.push(b'}');
    Ok(())
}

fn write_value(it: &Value, into: &mut Vec<u8>) -> serde_json::Result<()> {
    match it {
        Value::Object(fields) => match raw_json(fields) {
            Some(json) => {
                into.extend_from_slice(json.as_bytes());
                Ok(())
            }
            None => write_separated(b"{}", fields, into, |(key, field), into| {
                serde_json::to_writer(&mut *into, key.as_str())?;
                into.push(b':');
                write_value(field, into)
            }),
        },
        Value::List(values) => write_separated(b"[]", values, into, write_value),
        leaf => serde_json::to_writer(into, leaf),
    }
}

/// Writes each of them, with commas between and brackets around.
fn write_separated<T>(
    [open, close]: &[u8; 2],
    them: impl IntoIterator<Item = T>,
    into: &mut Vec<u8>,
    write: impl Fn(T, &mut Vec<u8>) -> serde_json::Result<()>,
) -> serde_json::Result<()> {
    into.push(*open);
    for (at, one) in them.into_iter().enumerate() {
        if at > 0 {
            into.push(b',');
        }
        write(one, into)?;
    }
    into.push(*close);
    Ok(())
}

/// The JSON that stands for such an object.
fn raw_json(fields: &IndexMap<Name, Value>) -> Option<&str> {
    match fields.first() {
        Some((name, Value::String(json))) if name == RAW_VALUE_TOKEN => Some(json),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::{ServerError, value as literal};

    use super::*;

    #[test]
    fn answers_are_written_as_serde_writes_them() {
        let raw = Value::Object(IndexMap::from_iter([(Name::new(RAW_VALUE_TOKEN), Value::String("[1,2]".into()))]));
        let mut data = literal!({ "a": [1, 2.5, null, "x\"\n"], "b": { "c": true, "d": {} }, "e": [] });
        if let Value::Object(fields) = &mut data {
            fields.insert(Name::new("raw"), raw);
        }
        let failed = Answer::from_errors(vec![ServerError::new("no", None)]);
        let mut partial = Answer::new(data.clone());
        partial.errors.push(ServerError::new("no", None));
        for (answer, is_whole) in [(Answer::new(data), true), (partial, true), (failed, false)] {
            let bytes = response_json(&answer).unwrap();
            let mut expected = serde_json::to_value(&answer).unwrap();
            if !is_whole {
                expected.as_object_mut().unwrap().remove("data");
            }
            assert_eq!(serde_json::from_slice::<serde_json::Value>(&bytes).unwrap(), expected);
        }
    }
}
