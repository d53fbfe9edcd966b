//! The examples of the document: each body has that of its schema.

use std::collections::BTreeMap;

use serde_json::Value;
use utoipa::openapi::{Content, OpenApi, RefOr, Schema, path::Operation, schema::ArrayItems};

/// The schemas by their names.
type Schemas = BTreeMap<String, RefOr<Schema>>;

/// Gives each body that has no example the one of its schema.
pub(super) fn add_examples(document: &mut OpenApi) {
    let schemas = document.components.as_ref().map(|it| it.schemas.clone()).unwrap_or_default();
    for item in document.paths.paths.values_mut() {
        let operations = [&mut item.get, &mut item.post, &mut item.put, &mut item.patch, &mut item.delete];
        for operation in operations.into_iter().flatten() {
            add_to(operation, &schemas);
        }
    }
}

fn add_to(operation: &mut Operation, schemas: &Schemas) {
    let complete = |content: &mut RefOr<Content>| {
        let RefOr::T(content) = content else { return };
        if content.example.is_none() && content.examples.is_empty() {
            content.example = content.schema.as_ref().and_then(|it| example(it, schemas));
        }
    };
    if let Some(RefOr::T(body)) = &mut operation.request_body {
        body.content.values_mut().for_each(complete);
    }
    for response in operation.responses.responses.values_mut() {
        if let RefOr::T(response) = response {
            response.content.values_mut().for_each(complete);
        }
    }
}

/// The example of a schema, or of the first of its alternatives.
fn example(schema: &RefOr<Schema>, schemas: &Schemas) -> Option<Value> {
    match schema {
        RefOr::Ref(it) => example(schemas.get(it.ref_location.rsplit('/').next()?)?, schemas),
        RefOr::T(Schema::Object(object)) => object.examples.first().cloned(),
        RefOr::T(Schema::AllOf(all)) => all.examples.first().cloned(),
        RefOr::T(Schema::OneOf(one)) => one.items.iter().find_map(|it| example(it, schemas)),
        RefOr::T(Schema::Array(array)) => match &array.items {
            ArrayItems::RefOrSchema(items) => example(items, schemas).map(|it| Value::Array(vec![it])),
            ArrayItems::False => None,
        },
        RefOr::T(_) => None,
    }
}
