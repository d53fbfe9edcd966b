//! The fields of tasks in another shape: their names in camelCase, `completed` once more under another name, and a `status`
//! behind it. They stay in their order,
//! and their values as they are written.

use std::fmt;

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{MapAccess, Visitor},
    ser::SerializeMap,
};
use serde_json::value::RawValue;

use super::Shape;
use crate::service::tasks::ExtraFields;

/// The fields of a task, whose values are not looked into.
struct TaskFields<'a>(Vec<(String, &'a RawValue)>);

/// A task in a shape.
struct ShapedTask<'a>(Shape, TaskFields<'a>);

/// One task or an array of them, whose JSON this is, in that shape.
pub(super) fn rewrite(json: &[u8], shape: Shape) -> serde_json::Result<Vec<u8>> {
    if json.starts_with(b"[") {
        let tasks: Vec<TaskFields<'_>> = serde_json::from_slice(json)?;
        serde_json::to_vec(&tasks.into_iter().map(|it| ShapedTask(shape, it)).collect::<Vec<_>>())
    } else {
        serde_json::to_vec(&ShapedTask(shape, serde_json::from_slice(json)?))
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for TaskFields<'a> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_map(TaskFieldsVisitor).map(Self)
    }
}

struct TaskFieldsVisitor;

impl<'de> Visitor<'de> for TaskFieldsVisitor {
    type Value = Vec<(String, &'de RawValue)>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a task")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut fields = Vec::new();
        while let Some(field) = map.next_entry()? {
            fields.push(field);
        }
        Ok(fields)
    }
}

impl Serialize for ShapedTask<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let Self(shape, TaskFields(fields)) = self;
        let mut task = to.serialize_map(None)?;
        for (name, value) in fields {
            match name.as_str() {
                // What a client kept under that name while tasks had no status.
                "status" if shape.has_status => {}
                name if shape.completed_name == Some(name) => {}
                // What clients keep with a task is called what they call it.
                name if shape.is_camel && ExtraFields::is_known(name) => {
                    task.serialize_entry(&camel_name(name), value)?;
                }
                name => task.serialize_entry(name, value)?,
            }
            if let Some(other) = shape.completed_name.filter(|_| name == "completed") {
                task.serialize_entry(other, value)?;
            }
            if shape.has_status && name == "completed" {
                let status = if value.get() == "true" { "completed" } else { "pending" };
                task.serialize_entry("status", status)?;
            }
        }
        task.end()
    }
}

fn camel_name(name: &str) -> String {
    let mut words = name.split('_');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |name, word| {
        let (head, rest) = word.split_at_checked(1).unwrap_or_default();
        name + &head.to_ascii_uppercase() + rest
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_a_status_change_neither_the_order_nor_a_value() {
        let json = r#"{"id":1,"completed":true,"due_date":null,"created_at":"a_b","my_own":{"due_date":1e400},"status":"old"}"#;
        let rewritten = |is_camel, has_status| {
            let shape = Shape { is_camel, has_status, ..Shape::default() };
            String::from_utf8(rewrite(json.as_bytes(), shape).unwrap()).unwrap()
        };
        let camel =
            r#"{"id":1,"completed":true,"dueDate":null,"createdAt":"a_b","my_own":{"due_date":1e400},"status":"old"}"#;
        assert_eq!(rewritten(true, false), camel);
        let status = r#"{"id":1,"completed":true,"status":"completed","due_date":null,"created_at":"a_b","my_own":{"due_date":1e400}}"#;
        assert_eq!(rewritten(false, true), status);
        let list =
            rewrite(br#"[{"completed":false},{"completed":true}]"#, Shape { has_status: true, ..Shape::default() });
        let expected = br#"[{"completed":false,"status":"pending"},{"completed":true,"status":"completed"}]"#;
        assert_eq!(list.unwrap(), expected);
    }
}
