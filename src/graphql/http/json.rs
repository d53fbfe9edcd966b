//! An answer as JSON. Lists that were written already are copied as they are: serde_json would read them through once
//! more, which is an eighth of the work of a list.

use async_graphql::{Name, Response as Answer, Value, indexmap::IndexMap};
use async_graphql_value::RAW_VALUE_TOKEN;

use crate::graphql::engine::is_executed;

/// Writes the answer: without `data` when nothing was executed (GraphQL, 7.1).
pub(super) fn write(answer: &Answer, into: &mut Vec<u8>) -> serde_json::Result<()> {
    into.push(b'{');
    if !answer.errors.is_empty() {
        into.extend_from_slice(b"\"errors\":");
        serde_json::to_writer(&mut *into, &answer.errors)?;
    }
    if is_executed(answer) {
        into.extend_from_slice(if answer.errors.is_empty() { b"\"data\":" } else { b",\"data\":" });
        value(&answer.data, into)?;
    }
    into.push(b'}');
    Ok(())
}

fn value(it: &Value, into: &mut Vec<u8>) -> serde_json::Result<()> {
    match it {
        Value::Object(fields) => match written(fields) {
            Some(json) => into.extend_from_slice(json.as_bytes()),
            None => object(fields, into)?,
        },
        Value::List(values) => {
            into.push(b'[');
            for (at, one) in values.iter().enumerate() {
                if at > 0 {
                    into.push(b',');
                }
                value(one, into)?;
            }
            into.push(b']');
        }
        leaf => serde_json::to_writer(into, leaf)?,
    }
    Ok(())
}

fn object(fields: &IndexMap<Name, Value>, into: &mut Vec<u8>) -> serde_json::Result<()> {
    into.push(b'{');
    for (at, (key, field)) in fields.iter().enumerate() {
        if at > 0 {
            into.push(b',');
        }
        serde_json::to_writer(&mut *into, key.as_str())?;
        into.push(b':');
        value(field, into)?;
    }
    into.push(b'}');
    Ok(())
}

/// The JSON that stands for such an object.
fn written(fields: &IndexMap<Name, Value>) -> Option<&str> {
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
            let mut bytes = Vec::new();
            write(&answer, &mut bytes).unwrap();
            let mut expected = serde_json::to_value(&answer).unwrap();
            if !is_whole {
                expected.as_object_mut().unwrap().remove("data");
            }
            assert_eq!(serde_json::from_slice::<serde_json::Value>(&bytes).unwrap(), expected);
        }
    }
}
