//! What a row of theirs is to Docket. A task is read as a body of the REST API would be, in all of its forms.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use entity::{
    id::{TaskId, UserId},
    time::{Micros, Millis},
};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::{
    rules::{self, Rules},
    source::{Role, Source},
    tags,
};
use crate::{
    db::{FoundColumn, FoundRow, plain},
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
/// Words for the state of an account to which nobody may sign in.
const BARRED: [&str; 10] =
    ["inactive", "disabled", "banned", "blocked", "suspended", "deleted", "locked", "closed", "removed", "terminated"];
/// Names of columns, without underscores, in which yes means that nobody may sign in.
const BARRING: [&str; 14] = [
    "disabled",
    "isdisabled",
    "banned",
    "isbanned",
    "blocked",
    "isblocked",
    "locked",
    "islocked",
    "accountlocked",
    "suspended",
    "issuspended",
    "deactivated",
    "isdeactivated",
    "archived",
];
/// … in which no means that.
const PERMITTING: [&str; 4] = ["active", "isactive", "enabled", "isenabled"];
/// … in which any time means that.
const TIMES_OF_BARRING: [&str; 7] =
    ["bannedat", "disabledat", "blockedat", "suspendedat", "lockedat", "lockeduntil", "deactivatedat"];
/// … with a word for the state of an account.
const STATES: [&str; 4] = ["status", "state", "accountstatus", "userstatus"];
/// How many characters of a word are shown.
const MAX_WORD: usize = 40;
/// How many characters an id has at most.
const MAX_ID: usize = 255;

/// A row, its columns by their names.
pub(super) struct Row<'a> {
    source: &'a Source,
    rules: &'a Rules,
    found: FoundRow,
    /// What it is recorded by: its id, and a mark of whose row it is, for another one may have the id one day.
    pub(super) key: Option<String>,
}

/// A task and its owner.
pub(super) struct AdoptedTask {
    pub(super) owner: UserId,
    pub(super) task: TaskImport,
    pub(super) labels: Vec<LabelImport>,
}

/// What is wrong with a row: a sentence each, without its values.
type Problems = Vec<String>;

impl<'a> Row<'a> {
    pub(super) fn new(source: &'a Source, rules: &'a Rules, found: FoundRow) -> Self {
        let mut row = Self { source, rules, found, key: None };
        row.key = row.bare_id().map(|id| format!("{id} {}", row.mark()));
        row
    }

    /// A digest of what says whose row it is.
    fn mark(&self) -> String {
        let whose = [Role::Email, Role::Owner, Role::Title].map(|it| self.get(it).map(ToString::to_string));
        URL_SAFE_NO_PAD.encode(&Sha256::digest(format!("{whose:?}"))[..8])
    }

    fn get(&self, role: Role) -> Option<&Value> {
        self.found.values.get(self.source.roles.get(&role)?).filter(|it| !it.is_null())
    }

    /// What it is called there.
    pub(super) fn bare_id(&self) -> Option<String> {
        self.id_text(Role::Id)
    }

    /// An id as a text. PostgreSQL fills a `char` with spaces, which mean nothing.
    fn id_text(&self, role: Role) -> Option<String> {
        let text = id_text(self.get(role)?)?;
        let is_filled = self.source.column(role).is_some_and(|it| it.kind == "character");
        Some(if is_filled { text.trim_end().to_owned() } else { text })
    }

    /// An id as its clients know it: SQLAlchemy stores UUIDs without dashes where the database has no type for them.
    fn id(&self, role: Role) -> Option<String> {
        let text = self.id_text(role)?;
        let is_bare = text.len() == 32 && text.bytes().all(|it| it.is_ascii_hexdigit());
        let is_of_uuids =
            self.source.column(role).is_some_and(|it| matches!(&*it.kind, "char(32)" | "character" | "uuid" | "blob"));
        let uuid = Uuid::parse_str(&text).ok().filter(|_| is_bare && is_of_uuids);
        Some(uuid.map_or(text, |it| it.to_string()))
    }

    /// The id that an account gets.
    pub(super) fn user_id(&self) -> Option<UserId> {
        self.id(Role::Id).map(UserId)
    }

    /// Whose task it is.
    pub(super) fn owner(&self) -> Option<UserId> {
        self.id(Role::Owner).map(UserId)
    }

    /// Whether it counts as deleted there.
    pub(super) fn is_deleted(&self) -> bool {
        self.is(Role::IsDeleted) || self.get(Role::DeletedAt).is_some()
    }

    /// Whether nobody may sign in to the account there, as any of its columns says.
    fn is_barred(&self) -> bool {
        self.source.table.columns.iter().any(|column| {
            let (name, value) = (plain(&column.name), self.found.values.get(&column.name));
            let Some(value) = value.filter(|it| !it.is_null()) else { return false };
            let is_one_of = |names: &[&str]| names.contains(&name.as_str());
            let word = value.as_str().unwrap_or_default().trim().to_lowercase();
            (is_one_of(&BARRING) && is_yes(value))
                || (is_one_of(&PERMITTING) && !is_yes(value))
                || is_one_of(&TIMES_OF_BARRING)
                || (is_one_of(&STATES) && BARRED.contains(&word.as_str()))
        })
    }

    /// What is wrong with the row as a whole.
    fn faults(&self) -> Problems {
        if self.found.is_text { Problems::new() } else { vec!["a text is not UTF-8".to_owned()] }
    }

    /// Whether a column says yes.
    fn is(&self, role: Role) -> bool {
        self.get(role).is_some_and(is_yes)
    }

    fn text(&self, role: Role) -> Option<&str> {
        self.get(role).and_then(Value::as_str)
    }

    fn time(&self, role: Role, problems: &mut Problems) -> Option<DateTime<Utc>> {
        let value = self.get(role).filter(|it| it.as_str().is_none_or(|text| !text.trim().is_empty()))?;
        let time = rest::read_instant(value);
        if time.is_none() {
            problems.push(format!("{}: not a time", self.source.roles[&role]));
        }
        time
    }

    /// The account that it is. Who is not active there has no password here.
    pub(super) fn account(&self) -> Result<AdoptedAccount, Problems> {
        let mut problems = self.faults();
        let id = self.id(Role::Id).filter(|it| it.chars().count() <= MAX_ID);
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
        let password = self.text(Role::Password).filter(|it| !it.is_empty());
        match (id, email, name) {
            (Some(id), Some(email), Some(name)) if problems.is_empty() => Ok(AdoptedAccount {
                id: UserId(id),
                email,
                name,
                is_verified: self.is(Role::IsVerified),
                image: self.text(Role::Image).map(str::to_owned),
                password: password.filter(|_| !self.is_barred()).map(str::to_owned),
                created_at: Millis::from(created_at),
            }),
            _ => Err(problems),
        }
    }

    /// The task that it is.
    pub(super) fn task(&self) -> Result<AdoptedTask, Problems> {
        let mut problems = self.faults();
        let owner = self.owner();
        if owner.is_none() {
            problems.push("it has no owner".to_owned());
        }
        let read = self.body().map_err(|problem| vec![problem]).and_then(|body| rest::read_task(&body));
        let read = read.map_err(|of_body| problems.extend(of_body.into_iter().map(|it| self.with_word(it)))).ok();
        let created_at = self.time(Role::CreatedAt, &mut problems).unwrap_or_else(Utc::now);
        let updated_at = self.time(Role::UpdatedAt, &mut problems).unwrap_or(created_at);
        let completed_at = self.time(Role::CompletedAt, &mut problems).unwrap_or(updated_at);
        let name = self.id(Role::Id);
        if name.is_none() {
            problems.push("it has no id".to_owned());
        }
        // A text such as 007 is no number.
        let number = name.as_ref().and_then(|it| it.parse::<i64>().ok().filter(|number| number.to_string() == *it));
        if number.is_some_and(|it| !(1..=MAX_NUMBER).contains(&it)) {
            problems.push("its number must be from 1 to 9,007,199,254,740,991".to_owned());
        }
        let (Some(owner), Some(mut draft), Some(name), true) = (owner, read, name, problems.is_empty()) else {
            return Err(problems);
        };
        let id = name.parse().map_or_else(|_| task_id(&format!("{} {name}", self.source.name())), TaskId);
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
    fn body(&self) -> Result<Map<String, Value>, String> {
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
            let is_json = self.source.column(Role::Tags).is_some_and(|it| it.kind.starts_with("json"));
            body.insert("tags".to_owned(), Value::Array(tags::names(tags, is_json)?));
        }
        let others = self.source.others().filter_map(|it| Some((it, self.found.values.get(&it.name)?)));
        let others = others.filter(|(_, value)| !value.is_null());
        body.extend(others.map(|(column, value)| (column.name.clone(), typed(column, value))));
        self.rules.apply(&mut body);
        Ok(body)
    }

    /// A problem with the word that it is about, where that is no text of a user's.
    fn with_word(&self, problem: String) -> String {
        let role = match problem.split(':').next() {
            Some("priority") => Role::Priority,
            Some("status") => Role::Status,
            _ => return problem,
        };
        let word: String = self.get(role).map(ToString::to_string).unwrap_or_default().chars().take(MAX_WORD).collect();
        format!("{problem} (it is {word})")
    }

    /// What would make a task of it that cannot be taken as it is.
    pub(super) fn remedies(&self, problems: &[String]) -> impl Iterator<Item = &'static str> {
        let is_about = |field: &str| problems.iter().any(|it| it.starts_with(field));
        let of_title = self.body().is_ok_and(|it| rules::has_long_title(&it));
        [
            (is_about("status:"), "--status cancelled=completed says what words of states mean: completed or pending"),
            (
                is_about("priority:"),
                "--priority 1=low --priority 2=medium says what words and numbers of priorities mean",
            ),
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

/// Whether a value says yes.
fn is_yes(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => false,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !matches!(text.trim().to_lowercase().as_str(), "" | "0" | "f" | "false" | "n" | "no"),
        _ => true,
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
