//! What a row of theirs is to Docket. A task is read as a body of the REST API would be, in all of its forms.

use chrono::{DateTime, Utc};
use entity::{
    id::{TaskId, UserId},
    time::{Micros, Millis},
};
use serde_json::{Map, Value};

use super::{
    rules::{self, Rules},
    source::{Role, Source},
};
use crate::{
    db::FoundColumn,
    rest,
    service::{
        adoption::{AdoptedAccount, labels_named, task_id},
        auth::Email,
        import::{LabelImport, TaskImport},
        values::UserName,
    },
};

/// The highest number that a task can have: clients in JavaScript read no higher ones exactly.
const MAX_NUMBER: i64 = (1 << 53) - 1;
/// How many characters an id has at most.
const MAX_ID: usize = 255;

/// A row, its columns by their names.
pub(super) struct Row<'a> {
    pub(super) source: &'a Source,
    pub(super) rules: &'a Rules,
    pub(super) values: Map<String, Value>,
}

/// A task and its owner.
pub(super) struct AdoptedTask {
    pub(super) owner: UserId,
    pub(super) task: TaskImport,
    pub(super) labels: Vec<LabelImport>,
}

impl AdoptedTask {
    /// Its number, if it has one, and its id.
    pub(super) fn key(&self) -> (Option<i64>, TaskId) {
        (self.task.number, self.task.id)
    }
}

/// What is wrong with a row: a sentence each, without its values.
type Problems = Vec<String>;

impl Row<'_> {
    fn get(&self, role: Role) -> Option<&Value> {
        self.values.get(self.source.roles.get(&role)?).filter(|it| !it.is_null())
    }

    /// What it is called there.
    pub(super) fn id(&self) -> Option<String> {
        self.get(Role::Id).and_then(id_text)
    }

    /// Whether it counts as deleted there.
    pub(super) fn is_deleted(&self) -> bool {
        self.is(Role::IsDeleted) || self.get(Role::DeletedAt).is_some()
    }

    /// Whether a column says yes.
    fn is(&self, role: Role) -> bool {
        match self.get(role) {
            None | Some(Value::Bool(false)) => false,
            Some(Value::Number(number)) => number.as_f64() != Some(0.0),
            Some(Value::String(text)) => !matches!(text.to_lowercase().as_str(), "" | "0" | "f" | "false" | "n" | "no"),
            Some(_) => true,
        }
    }

    fn text(&self, role: Role) -> Option<&str> {
        self.get(role).and_then(Value::as_str)
    }

    fn time(&self, role: Role, problems: &mut Problems) -> Option<DateTime<Utc>> {
        let value = self.get(role)?;
        let time = rest::read_instant(value);
        if time.is_none() {
            problems.push(format!("{}: not a time", self.source.roles[&role]));
        }
        time
    }

    /// The account that it is. Who is not active there has no password here.
    pub(super) fn account(&self) -> Result<AdoptedAccount, Problems> {
        let mut problems = Problems::new();
        let id = self.id().filter(|it| it.chars().count() <= MAX_ID);
        if id.is_none() {
            problems.push("the id must have 1 to 255 characters".to_owned());
        }
        let email = self.text(Role::Email).and_then(|it| Email::parse(it.trim()));
        if email.is_none() {
            problems.push("the e-mail address is none that Docket takes".to_owned());
        }
        let name = self.text(Role::Name).unwrap_or_default();
        let name = UserName::parse(name).map_err(|rule| problems.push(format!("the name {rule}"))).ok();
        let created_at = self.time(Role::CreatedAt, &mut problems).unwrap_or_else(Utc::now);
        let is_active = (self.get(Role::IsActive).is_none() || self.is(Role::IsActive)) && !self.is(Role::IsDisabled);
        let password = self.text(Role::Password).filter(|it| !it.is_empty());
        match (id, email, name) {
            (Some(id), Some(email), Some(name)) if problems.is_empty() => Ok(AdoptedAccount {
                id: UserId(id),
                email,
                name,
                is_verified: self.is(Role::IsVerified),
                image: self.text(Role::Image).map(str::to_owned),
                password: password.filter(|_| is_active).map(str::to_owned),
                created_at: Millis::from(created_at),
            }),
            _ => Err(problems),
        }
    }

    /// The task that it is.
    pub(super) fn task(&self) -> Result<AdoptedTask, Problems> {
        let mut problems = Problems::new();
        let owner = self.get(Role::Owner).and_then(id_text).map(UserId);
        if owner.is_none() {
            problems.push("it has no owner".to_owned());
        }
        let read = rest::read_task(&self.body()).map_err(|of_body| problems.extend(of_body)).ok();
        let created_at = self.time(Role::CreatedAt, &mut problems).unwrap_or_else(Utc::now);
        let updated_at = self.time(Role::UpdatedAt, &mut problems).unwrap_or(created_at);
        let completed_at = self.time(Role::CompletedAt, &mut problems).unwrap_or(updated_at);
        if self.id().is_none() {
            problems.push("it has no id".to_owned());
        }
        let number = self.id().and_then(|it| it.parse::<i64>().ok());
        if number.is_some_and(|it| !(1..=MAX_NUMBER).contains(&it)) {
            problems.push("its number must be from 1 to 9,007,199,254,740,991".to_owned());
        }
        let (Some(owner), Some(mut draft), Some(name), true) = (owner, read, self.id(), problems.is_empty()) else {
            return Err(problems);
        };
        let id = name.parse().map_or_else(|_| task_id(&name), TaskId);
        let (labels, ids) = labels_named(&owner, std::mem::take(&mut draft.labels));
        let completed_at = draft.completed.then(|| Micros::from(completed_at));
        let task = TaskImport {
            place: 0,
            id,
            draft,
            labels: ids,
            created_at: created_at.into(),
            completed_at,
            number,
            updated_at: Some(updated_at.into()),
        };
        Ok(AdoptedTask { owner, task, labels })
    }

    /// The body with which a client would make the task.
    fn body(&self) -> Map<String, Value> {
        let mut body = Map::new();
        let names = [
            (Role::Title, "title"),
            (Role::Description, "description"),
            (Role::Completed, "completed"),
            (Role::Priority, "priority"),
            (Role::Due, "due_date"),
        ];
        for (role, name) in names {
            if let Some(value) = self.get(role) {
                body.insert(name.to_owned(), value.clone());
            }
        }
        // Where both are there, the state is the one that is a truth value.
        match (self.get(Role::Completed), self.get(Role::Status)) {
            (None, Some(status)) => drop(body.insert("status".to_owned(), status.clone())),
            (Some(_), Some(status)) => drop(body.insert("state".to_owned(), status.clone())),
            (_, None) => {}
        }
        if let Some(tags) = self.get(Role::Tags) {
            body.insert("tags".to_owned(), Value::Array(tag_names(tags)));
        }
        let others = self.source.others().filter_map(|it| Some((it, self.values.get(&it.name)?)));
        let others = others.filter(|(_, value)| !value.is_null());
        body.extend(others.map(|(column, value)| (column.name.clone(), typed(column, value))));
        self.rules.apply(&mut body);
        body
    }

    /// What would make a task of it that cannot be taken as it is.
    pub(super) fn remedies(&self, problems: &[String]) -> impl Iterator<Item = &'static str> {
        let of_priority = problems.iter().any(|it| it.starts_with("priority:"));
        let of_title = rules::has_long_title(&self.body());
        [
            (of_priority, "--priority 1=low --priority 2=medium says what words and numbers of priorities mean"),
            (of_title, "--shorten-titles cuts titles over 200 characters, and puts the whole into the description"),
        ]
        .into_iter()
        .filter_map(|(helps, remedy)| helps.then_some(remedy))
    }
}

/// A value as its column's type has it: SQLite stores truth values as numbers, and JSON as a text.
fn typed(column: &FoundColumn, value: &Value) -> Value {
    match value {
        Value::Number(number) if column.kind.starts_with("bool") => match number.as_i64() {
            Some(0) => false.into(),
            Some(1) => true.into(),
            _ => value.clone(),
        },
        Value::String(text) if column.kind.starts_with("json") => {
            serde_json::from_str(text).unwrap_or_else(|_| value.clone())
        }
        _ => value.clone(),
    }
}

/// An id as a text.
fn id_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) if number.is_i64() => Some(number.to_string()),
        _ => None,
    }
}

/// Names of tags: a list, the JSON of one, an array of PostgreSQL's as a text, or a text with commas.
fn tag_names(value: &Value) -> Vec<Value> {
    let Value::String(text) = value else { return value.as_array().cloned().unwrap_or_else(|| vec![value.clone()]) };
    if let Ok(Value::Array(names)) = serde_json::from_str(text) {
        return names;
    }
    let inner = text.strip_prefix('{').and_then(|it| it.strip_suffix('}')).unwrap_or(text);
    let names = inner.split(',').map(|it| it.trim().trim_matches('"')).filter(|it| !it.is_empty());
    names.map(Value::from).collect()
}
