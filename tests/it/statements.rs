//! The SQL statements that servers send: those of one test, to count them, and those of the whole suite, each of which
//! has to name the owner of the rows of users that it reads or changes, and to find one partition of tables that are distributed
//! by owner.

use std::{
    collections::{BTreeSet, HashSet},
    sync::{Arc, LazyLock, Mutex, PoisonError},
};

use serde_json::Value;
use tracing::{
    Dispatch, Event, Metadata, Subscriber,
    span::{Attributes, Id, Record},
    subscriber::{DefaultGuard, Interest},
};

/// Statements that were looked at, and what is wrong with some.
static LOOKED_AT: LazyLock<Mutex<(HashSet<String>, Vec<String>)>> = LazyLock::new(Mutex::default);

/// A test ends well only if all statements that were sent until then name their owners.
pub struct OwnersAreNamed;

impl OwnersAreNamed {
    /// Looks at the statements of all threads from now on, in the suite; programs that measure are left alone.
    pub fn watch() {
        static WATCHING: LazyLock<()> = LazyLock::new(|| {
            if module_path!().starts_with("it::") {
                tracing::subscriber::set_global_default(Hearing(Arc::default())).unwrap();
            }
        });
        LazyLock::force(&WATCHING);
    }

    fn look_at_plan(plan: &str) {
        let mut looked_at = LOOKED_AT.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = of_several_partitions(plan).filter(|it| !looked_at.1.contains(it)) {
            looked_at.1.push(found);
        }
    }

    fn look_at(statement: &str) {
        let mut looked_at = LOOKED_AT.lock().unwrap_or_else(PoisonError::into_inner);
        if looked_at.0.insert(statement.to_owned()) {
            let unnamed = unnamed_owner(statement);
            looked_at.1.extend(unnamed);
        }
    }
}

impl Drop for OwnersAreNamed {
    fn drop(&mut self) {
        let unnamed = LOOKED_AT.lock().unwrap_or_else(PoisonError::into_inner).1.clone();
        assert!(
            std::thread::panicking() || unnamed.is_empty(),
            "statements that name no owner, or find partitions of several: {unnamed:#?}"
        );
    }
}

/// The partitions of tables that a plan of PostgreSQL's looks at, by their numbers (`partitions.sql`).
fn partitions(plan: &Value, found: &mut BTreeSet<String>) {
    match plan {
        Value::Object(fields) => {
            let name = fields.get("Relation Name").and_then(Value::as_str).unwrap_or_default();
            found.extend(name.rsplit_once("_part").map(|(_, number)| number.to_owned()));
            // What is planned as a target may be found not to be one.
            fields.iter().filter(|(name, _)| *name != "Target Tables").for_each(|(_, value)| partitions(value, found));
        }
        Value::Array(values) => values.iter().for_each(|value| partitions(value, found)),
        _ => {}
    }
}

/// The statement of a plan, if that looks at several partitions though it is about one owner.
pub fn of_several_partitions(plan: &str) -> Option<String> {
    let plan: Value = serde_json::from_str(plan).unwrap();
    let mut found = BTreeSet::new();
    partitions(&plan["Plan"], &mut found);
    let statement = plan["Query Text"].as_str().unwrap();
    let is_expected =
        |query: &String| ALL_USERS.iter().chain(&SEVERAL_USERS).any(|(start, _)| query.starts_with(start));
    (found.len() > 1 && !queries(statement).iter().any(is_expected))
        .then(|| format!("{} partitions: {statement}", found.len()))
}

/// The tables whose rows belong to users.
const TABLES: [&str; 6] = ["tasks", "lists", "labels", "task_labels", "user_revisions", "idempotency_keys"];
/// What finds rows of all users, each with the reason: nothing of them leaves the service.
const ALL_USERS: [(&str, &str); 8] = [
    ("select distinct tasks.owner_id from tasks where tasks.deleted_at < ", "whose data are to be purged"),
    ("select distinct lists.owner_id from lists where lists.deleted_at < ", "whose data are to be purged"),
    ("select distinct labels.owner_id from labels where labels.deleted_at < ", "whose data are to be purged"),
    (
        "select idempotency_keys.owner_id, idempotency_keys.key from idempotency_keys where idempotency_keys.created_at < ",
        "answers whose time is over",
    ),
    (
        "select owner_id, revision from tasks order by number desc limit ",
        "whose counters are compared with their tasks",
    ),
    ("select owner_id, revision from tasks where number > ", "as above, on PostgreSQL"),
    ("select number from tasks where number > ", "what the sequence is compared with"),
    ("select coalesce(max(number), 1) from tasks", "the same, for an import"),
];

/// What names several owners by their ids, each with the reason.
const SEVERAL_USERS: [(&str, &str); 1] = [(
    "select user_revisions.owner_id, user_revisions.revision, user_revisions.purged_through from user_revisions \
     where user_revisions.owner_id in ",
    "the revisions of those who are listened to, while no notifications arrive",
)];

/// The first query of a statement that names no owner, if there is one.
pub fn unnamed_owner(statement: &str) -> Option<String> {
    queries(statement).into_iter().find(|query| !names_owner(query))
}

/// The queries of a statement, those inside of others too, which are left out of these. Literals are left out.
fn queries(statement: &str) -> Vec<String> {
    let (mut found, mut open) = (Vec::new(), vec![String::new()]);
    let unquoted: String = statement.split('\'').step_by(2).collect::<Vec<_>>().join("''");
    for letter in unquoted.replace('"', "").to_lowercase().replace('\n', " ").chars() {
        match letter {
            '(' => open.push(String::new()),
            ')' => {
                let inner = open.pop().unwrap();
                let is_query =
                    ["select ", "insert ", "update ", "delete ", "with "].iter().any(|it| inner.starts_with(it));
                let outer = open.last_mut().unwrap();
                if is_query {
                    outer.push_str("(query)");
                    found.push(inner);
                } else {
                    outer.push_str(&format!("({inner})"));
                }
            }
            ';' if open.len() == 1 => found.push(open[0].split_off(0)),
            letter => open.last_mut().unwrap().push(letter),
        }
    }
    found.push(open.remove(0));
    found.iter().map(|it| it.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
}

/// Whether a query has a condition on the owner for each table of users, or says whose the row is that it makes.
fn names_owner(query: &str) -> bool {
    if ALL_USERS.iter().any(|(start, _)| query.starts_with(start)) {
        return true;
    }
    let words: Vec<&str> = query.split(' ').collect();
    let after = |word: &str| {
        let tables = words.windows(2).filter(move |it| it[0] == word).map(|it| it[1].trim_end_matches(','));
        tables.filter(|it| TABLES.contains(it)).count()
    };
    let read = after("from") + after("join") + after("update");
    let named = ["owner_id = ", "owner_id in ", "using (owner_id)", "(owner_id, key) in "];
    let named: usize = named.iter().map(|it| query.matches(it).count()).sum();
    let is_made =
        after("into") == 0 || ["(owner_id, ", ", owner_id, ", "(owner_id)"].iter().any(|it| query.contains(it));
    named >= read && is_made
}

/// Hears the SQL statements of this thread's servers, which are all that a test has.
pub struct Statements {
    pub heard: Arc<Mutex<Heard>>,
    _guard: DefaultGuard,
}

impl Statements {
    pub fn listen() -> Self {
        ask_always();
        let heard = Arc::default();
        let guard = tracing::subscriber::set_default(Hearing(Arc::clone(&heard)));
        Self { heard, _guard: guard }
    }

    /// The statements since the last call, but for the notifications between instances, which come when they come.
    pub fn take(&self) -> Vec<String> {
        let heard = std::mem::take(&mut self.heard.lock().unwrap().0);
        heard.into_iter().filter(|it| !it.contains("pg_notify")).collect()
    }

    /// As [`Statements::take`], without those on accounts, because whether a user is still there is asked every half
    /// minute, and without those on the data of all users, which the purge looks through from time to time.
    pub fn take_on_data(&self) -> Vec<String> {
        let is_on_data = |it: &String| TABLES.iter().any(|table| it.contains(table));
        let is_of_all = |it: &str| {
            let plain = it.replace('"', "").to_lowercase();
            ALL_USERS.iter().any(|(start, _)| plain.contains(start.trim_end()))
        };
        self.take().into_iter().filter(|it| is_on_data(it) && !is_of_all(it)).collect()
    }
}

/// As long as there is only one subscriber, tracing asks the thread that first comes by an event, which may be another
/// test's, and keeps its answer. So there is always another one. To be called before a test listens.
pub fn ask_always() {
    static ANOTHER: LazyLock<Dispatch> = LazyLock::new(|| Dispatch::new(Hearing(Arc::default())));
    LazyLock::force(&ANOTHER);
}

/// Where sqlx tells what PostgreSQL says besides its answers.
const NOTICES: &str = "sqlx::postgres::notice";
/// What is before a plan there, if PostgreSQL tells plans: as JSON those that are looked at here.
const PLAN: &str = "  plan:\n";
/// What is logged of each statement; those that took long are logged a second time.
const STATEMENT: &str = "statement";

/// A subscriber that is asked about every event, so that what other threads listen to makes no difference.
struct Hearing(Arc<Mutex<Heard>>);

/// Statements, and notices of the database.
pub type Heard = (Vec<String>, Vec<String>);

impl Subscriber for Hearing {
    fn register_callsite(&self, _: &'static Metadata<'static>) -> Interest {
        Interest::sometimes()
    }

    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        !metadata.is_span() && matches!(metadata.target(), "sql" | NOTICES)
    }

    fn event(&self, event: &Event<'_>) {
        let mut text = Text::default();
        event.record(&mut text);
        let is_notice = event.metadata().target() == NOTICES;
        if let Some((_, plan)) = text.message.split_once(PLAN).filter(|(_, plan)| plan.starts_with('{')) {
            OwnersAreNamed::look_at_plan(plan);
        } else if is_notice {
            self.0.lock().unwrap().1.push(text.message);
        } else if text.message == STATEMENT {
            OwnersAreNamed::look_at(&text.text);
            self.0.lock().unwrap().0.push(text.text);
        }
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

#[derive(Default)]
struct Text {
    text: String,
    message: String,
}

impl tracing::field::Visit for Text {
    fn record_str(&mut self, field: &tracing::field::Field, value: &str) {
        match field.name() {
            "text" => self.text = value.to_owned(),
            "message" => self.message = value.to_owned(),
            _ => {}
        }
    }

    fn record_debug(&mut self, field: &tracing::field::Field, value: &dyn std::fmt::Debug) {
        if field.name() == "message" {
            self.message = format!("{value:?}");
        }
    }
}
