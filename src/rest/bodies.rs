//! The bodies that requests send, as the document shows them: with the limits of the services, which `fields` checks.

use std::borrow::Cow;

use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        ArrayBuilder, KnownFormat, ObjectBuilder, RefOr, Schema, SchemaFormat,
        schema::{SchemaType, Type},
    },
};

use super::openapi::text_schema;
use crate::service::{
    labels::MAX_LABELS,
    tasks::{MAX_DESCRIPTION, MAX_TITLE},
};

/// The body that creates a task.
pub(super) struct NewTaskBody;
/// The body that changes a task.
pub(super) struct TaskChangesBody;
/// The body that sets whether a task is completed.
pub(super) struct CompletionBody;

impl ToSchema for NewTaskBody {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("NewTask")
    }
}

impl PartialSchema for NewTaskBody {
    fn schema() -> RefOr<Schema> {
        task_schema().required("title").into()
    }
}

impl ToSchema for TaskChangesBody {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("TaskChanges")
    }
}

impl PartialSchema for TaskChangesBody {
    fn schema() -> RefOr<Schema> {
        task_schema().into()
    }
}

impl ToSchema for CompletionBody {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("Completion")
    }
}

impl PartialSchema for CompletionBody {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new().property("completed", ObjectBuilder::new().schema_type(Type::Boolean)).into()
    }
}

/// The fields of a task that clients set.
fn task_schema() -> ObjectBuilder {
    let nullable_text = || ObjectBuilder::new().schema_type(SchemaType::from_iter([Type::String, Type::Null]));
    let tag = text_schema().min_length(Some(1)).max_length(Some(30));
    let due_date = nullable_text().format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)));
    ObjectBuilder::new()
        .property("title", text_schema().min_length(Some(1)).max_length(Some(MAX_TITLE)))
        .property("description", nullable_text().max_length(Some(MAX_DESCRIPTION)))
        .property("completed", ObjectBuilder::new().schema_type(Type::Boolean))
        .property("priority", text_schema().enum_values(Some(["low", "medium", "high", "urgent"])))
        .property("tags", ArrayBuilder::new().items(tag).max_items(Some(MAX_LABELS)))
        .property("due_date", due_date)
}
