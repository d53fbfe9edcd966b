//! The JSON bodies that requests send: reading all their fields, so that one response lists every validation error, and
//! how the document shows them.

use std::borrow::Cow;

use entity::task::Priority;
use serde_json::{Map, Value, json};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        ArrayBuilder, ObjectBuilder, RefOr, Schema,
        schema::{SchemaType, Type},
    },
};

use super::{openapi::text_schema, pydantic::PydanticError, shape::Shape, unserved::Unserved};
use crate::{
    error,
    service::{
        labels::{LabelSelection, MAX_LABELS},
        tasks::{Description, Due, ExtraFields, MAX_DESCRIPTION, MAX_TITLE, NewTask, TaskPatch, Title},
        values::LabelName,
    },
};

/// The fields of a body, and the validation errors found so far in the whole request.
pub(super) struct BodyFields<'a> {
    object: &'a Map<String, Value>,
    problems: &'a mut Vec<PydanticError>,
    reads_status: bool,
    /// Whether a task shows in more than one field whether it is completed.
    shows_twice: bool,
    /// Whether fields are kept that are not known.
    keeps_unknown: bool,
    /// Whether names are shown in camelCase.
    is_camel: bool,
    max_description: usize,
}

/// What a field or parameter is called that says whether a task is completed.
pub(super) const COMPLETED: [&str; 5] = ["completed", "is_completed", "isCompleted", "complete", "done"];
/// The same, and the name under which a word says so.
const COMPLETED_OR_STATUS: [&str; 6] = ["completed", "is_completed", "isCompleted", "complete", "done", "status"];
/// Names by which a client shows that it reads camelCase.
const CAMEL_NAMES: [&str; 5] = ["userId", "isCompleted", "dueDate", "createdAt", "updatedAt"];
pub(super) const STATUSES: &str = "'pending' or 'completed'";
const PRIORITIES: &str = "'low', 'medium', 'high' or 'urgent'";

/// What a body changes of a task.
pub(super) struct TaskChanges {
    pub(super) patch: TaskPatch,
    /// Whether the task is to be completed if it is open, and open if it is completed.
    pub(super) is_opposite: bool,
}

impl<'a> BodyFields<'a> {
    pub(super) fn new(object: &'a Map<String, Value>, problems: &'a mut Vec<PydanticError>) -> Self {
        Self {
            object,
            problems,
            reads_status: false,
            shows_twice: false,
            keeps_unknown: false,
            is_camel: false,
            max_description: MAX_DESCRIPTION,
        }
    }

    /// With what that shape reads, and descriptions of at most so many characters.
    pub(super) fn shaped(self, shape: Shape, max_description: usize) -> Self {
        let Shape { has_status, keeps_unknown, is_camel, completed_name, .. } = shape;
        let shows_twice = has_status || completed_name.is_some();
        Self { reads_status: has_status, shows_twice, keeps_unknown, is_camel, max_description, ..self }
    }

    /// What is left out of a task, and would not be with other settings.
    pub(super) fn unserved(&self) -> Vec<Unserved> {
        let has = |is_so: fn(&str) -> bool| self.object.keys().any(|name| is_so(name));
        let status = self.object.get("status").and_then(|it| status(it.as_str()?));
        [
            (!self.reads_status && status.is_some(), Unserved::StatusField),
            (!self.keeps_unknown && has(|it| it != "status" && !ExtraFields::is_known(it)), Unserved::UnknownField),
            (!self.is_camel && has(|it| CAMEL_NAMES.contains(&it)), Unserved::CamelCase),
        ]
        .into_iter()
        .filter_map(|(is_so, unserved)| is_so.then_some(unserved))
        .collect()
    }

    /// A new task, if all fields are valid.
    pub(super) fn new_task(mut self) -> Option<NewTask> {
        if !self.object.contains_key("title") {
            let whole = Value::Object(self.object.clone());
            self.problems.push(PydanticError::missing(&["body", "title"]).of(&whole));
        }
        let TaskPatch { title, description, completed, priority, due, list: _, parent: _, labels, extra } =
            self.fields();
        Some(NewTask {
            description: description.flatten(),
            completed: completed.unwrap_or_default(),
            priority: priority.unwrap_or_default(),
            due: due.flatten(),
            labels: labels.unwrap_or_default(),
            extra,
            ..NewTask::titled(title?)
        })
    }

    /// Changes to a task, as far as the fields are valid.
    pub(super) fn task_patch(mut self) -> TaskChanges {
        let patch = self.fields();
        TaskChanges { is_opposite: self.is_either_state(), patch }
    }

    /// Whether one field says that the task is completed and another one that it is not: a client that sends all of a task
    /// back has changed one of both, and the other one is as it was shown.
    fn is_either_state(&self) -> bool {
        let named = self.object.get("status").filter(|_| self.reads_status).and_then(Value::as_str).and_then(status);
        let others = COMPLETED.iter().filter_map(|name| self.object.get(*name)).filter_map(truth);
        let states: Vec<bool> = others.chain(named).collect();
        self.shows_twice && states.contains(&true) && states.contains(&false)
    }

    /// Which state to set, if any. Here other fields are no part of a task, but a state that is not understood.
    pub(super) fn completed(mut self) -> Option<bool> {
        let completed = self.either(COMPLETED_OR_STATUS, Self::completion);
        let unknown = self.object.iter().filter(|(name, _)| !COMPLETED_OR_STATUS.contains(&name.as_str()));
        self.problems.extend(unknown.map(|(name, value)| PydanticError::unknown(&["body", name]).of(value)));
        completed
    }

    /// The value of a field that says whether a task is completed; null says nothing.
    fn completion(&mut self, name: &str, value: &Value) -> Option<bool> {
        match (name, value) {
            (_, Value::Null) => None,
            ("status", value) => {
                let known = value.as_str().and_then(status);
                known.or_else(|| self.reject(PydanticError::not_one_of(&["body", name], STATUSES).of(value)))
            }
            (_, value) => self.bool(name, value),
        }
    }

    /// Validation errors come in the order in which the document lists the fields.
    fn fields(&mut self) -> TaskPatch {
        let (object, max_description) = (self.object, self.max_description);
        TaskPatch {
            title: object.get("title").and_then(|it| self.text("title", it, Title::parse)),
            description: self.clearable_text("description", |text| Description::parse(text, max_description)),
            completed: match self.reads_status {
                // Without a task that is stored it is open until a field says otherwise.
                _ if self.is_either_state() => Some(true),
                true => self.either(COMPLETED_OR_STATUS, Self::completion),
                false => self.either(COMPLETED, Self::completion),
            },
            priority: object.get("priority").and_then(|it| self.priority(it)),
            labels: object.get("tags").filter(|it| !it.is_null()).and_then(|it| self.tags(it)),
            due: self.either(["due_date", "dueDate"], |fields, name, value| match value {
                // An emptied form field.
                Value::Null => Some(None),
                Value::String(text) if text.is_empty() => Some(None),
                value => fields.due(name, value).map(Some),
            }),
            // Legacy clients know neither lists nor subtasks.
            list: None,
            parent: None,
            extra: if self.keeps_unknown { self.unknown() } else { ExtraFields::default() },
        }
    }

    /// The fields that mean nothing here, as far as a task has room for them.
    fn unknown(&mut self) -> ExtraFields {
        let mut extra = ExtraFields::default();
        let is_read = |name: &str| ExtraFields::is_known(name) || (self.reads_status && name == "status");
        for (name, value) in self.object.iter().filter(|(name, _)| !is_read(name)) {
            if let Err(rule) = extra.insert(name.clone(), value.clone()) {
                self.problems.push(PydanticError::breaks(&["body", name], rule).of(value));
                break;
            }
        }
        extra
    }

    fn tags(&mut self, value: &Value) -> Option<LabelSelection> {
        let Value::Array(tags) = value else {
            return self.reject(PydanticError::not_a_list(&["body", "tags"]).of(value));
        };
        if tags.len() > MAX_LABELS {
            return self.reject(PydanticError::too_many(&["body", "tags"], MAX_LABELS, tags.len()).of(value));
        }
        let mut names = Vec::new();
        let mut problems = 0;
        for (at, tag) in tags.iter().enumerate() {
            let loc = ["body", "tags"];
            let fault = match tag.as_str().map(LabelName::parse) {
                Some(Ok(name)) => {
                    names.push(name);
                    continue;
                }
                // Clients know tags as trimmed before they are counted.
                Some(Err(error::ValidationError::Blank)) => PydanticError::breaks(&loc, error::ValidationError::Empty),
                Some(Err(rule)) => PydanticError::breaks(&loc, rule),
                None => PydanticError::not_a_string(&loc),
            };
            problems += 1;
            self.problems.push(fault.at(at).of(tag));
        }
        (problems == 0).then_some(LabelSelection::Names(names))
    }

    /// A text, or null for none.
    fn clearable_text<T>(
        &mut self,
        name: &str,
        parse: impl Fn(&str) -> Result<T, error::ValidationError>,
    ) -> Option<Option<T>> {
        match self.object.get(name)? {
            Value::Null => Some(None),
            value => self.text(name, value, parse).map(Some),
        }
    }

    fn text<T>(
        &mut self,
        name: &str,
        value: &Value,
        parse: impl Fn(&str) -> Result<T, error::ValidationError>,
    ) -> Option<T> {
        let loc = ["body", name];
        let Value::String(text) = value else { return self.reject(PydanticError::not_a_string(&loc).of(value)) };
        parse(text).or_else(|rule| self.reject(PydanticError::breaks(&loc, rule).of(value)).ok_or(())).ok()
    }

    fn bool(&mut self, name: &str, value: &Value) -> Option<bool> {
        truth(value).or_else(|| self.reject(PydanticError::not_a_bool(&["body", name], value)))
    }

    fn priority(&mut self, value: &Value) -> Option<Priority> {
        let known = value.as_str().and_then(priority);
        known.or_else(|| self.reject(PydanticError::not_one_of(&["body", "priority"], PRIORITIES).of(value)))
    }

    /// The value of a field that has several names, under which it may not have two values.
    fn either<T: PartialEq, const N: usize>(
        &mut self,
        names: [&'static str; N],
        read: impl Fn(&mut Self, &str, &Value) -> Option<T>,
    ) -> Option<T> {
        let object = self.object;
        let mut found: Option<(&str, T)> = None;
        for name in names {
            let Some(value) = object.get(name).and_then(|value| read(self, name, value)) else { continue };
            match &found {
                Some((first, one)) if *one != value => {
                    return self.reject(PydanticError::contradicts(&["body", name], first).of(&object[name]));
                }
                Some(_) => {}
                None => found = Some((name, value)),
            }
        }
        found.map(|(_, value)| value)
    }

    fn due(&mut self, name: &str, value: &Value) -> Option<Due> {
        let loc = ["body", name];
        let due = match value {
            Value::String(text) => Due::parse(text),
            Value::Number(number) => Due::from_unix(number.as_f64().unwrap_or(f64::MAX)),
            _ => return self.reject(PydanticError::not_a_datetime(&loc).of(value)),
        };
        due.or_else(|rule| self.reject(PydanticError::breaks(&loc, rule).of(value)).ok_or(())).ok()
    }

    fn reject<T>(&mut self, fault: PydanticError) -> Option<T> {
        self.problems.push(fault);
        None
    }
}

/// Pydantic's lax booleans.
fn truth(value: &Value) -> Option<bool> {
    let word = match value {
        Value::Bool(bool) => return Some(*bool),
        Value::String(text) => text.to_lowercase(),
        Value::Number(number) => number.as_f64().unwrap_or(f64::NAN).to_string(),
        _ => String::new(),
    };
    match word.as_str() {
        "true" | "1" | "t" | "y" | "yes" | "on" => Some(true),
        "false" | "0" | "f" | "n" | "no" | "off" => Some(false),
        _ => None,
    }
}

/// A priority by its name, in any case.
pub(super) fn priority(name: &str) -> Option<Priority> {
    match name.to_lowercase().as_str() {
        "low" => Some(Priority::Low),
        "medium" | "normal" => Some(Priority::Medium),
        "high" => Some(Priority::High),
        "urgent" | "critical" => Some(Priority::Urgent),
        _ => None,
    }
}

/// Whether a task is completed that has this status, in any case.
pub(super) fn status(name: &str) -> Option<bool> {
    match name.to_lowercase().as_str() {
        "completed" | "complete" | "done" => Some(true),
        "pending" | "todo" | "open" | "active" | "incomplete" | "in_progress" | "in-progress" => Some(false),
        _ => None,
    }
}

/// What a query parameter must be, for the text of an error.
pub(super) const fn priorities() -> &'static str {
    PRIORITIES
}

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
        let example =
            json!({ "title": "Water the plants", "priority": "high", "tags": ["home"], "due_date": "2030-01-31" });
        task_schema().description(Some("A new task.")).required("title").examples([example]).into()
    }
}

impl ToSchema for TaskChangesBody {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("TaskChanges")
    }
}

impl PartialSchema for TaskChangesBody {
    fn schema() -> RefOr<Schema> {
        let example = json!({ "title": "Water all plants", "description": null, "completed": true });
        task_schema().description(Some("What changes of a task.")).examples([example]).into()
    }
}

impl ToSchema for CompletionBody {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("Completion")
    }
}

impl PartialSchema for CompletionBody {
    fn schema() -> RefOr<Schema> {
        let description = "The same as `completed`, in a word.";
        let status = text_schema().enum_values(Some(["pending", "completed"])).description(Some(description));
        let description = "Whether the task is to be completed.";
        let completed = ObjectBuilder::new().schema_type(Type::Boolean).description(Some(description));
        ObjectBuilder::new()
            .description(Some("The state to set."))
            .property("completed", completed)
            .property("status", status)
            .examples([json!({ "completed": true })])
            .into()
    }
}

/// The fields of a task that clients set.
fn task_schema() -> ObjectBuilder {
    let nullable_text = || ObjectBuilder::new().schema_type(SchemaType::from_iter([Type::String, Type::Null]));
    let tag = text_schema().min_length(Some(1)).max_length(Some(30));
    let title = text_schema().min_length(Some(1)).max_length(Some(MAX_TITLE)).description(Some("What to do."));
    let description = nullable_text().max_length(Some(MAX_DESCRIPTION));
    let description = description.description(Some("More about it. A setting may allow up to 5,000 characters."));
    let completed = ObjectBuilder::new().schema_type(Type::Boolean).description(Some("Whether the task is completed."));
    let priority = text_schema().enum_values(Some(["low", "medium", "high", "urgent"]));
    let tags = ArrayBuilder::new().items(tag).max_items(Some(MAX_LABELS)).description(Some("Names of labels."));
    let due_date = nullable_text().description(Some("When the task is due: an instant of RFC 3339, or a date."));
    ObjectBuilder::new()
        .property("title", title)
        .property("description", description)
        .property("completed", completed)
        .property("priority", priority.description(Some("Priority; `medium` by default.")))
        .property("tags", tags)
        .property("due_date", due_date)
}
