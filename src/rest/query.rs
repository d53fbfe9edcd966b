//! Query parameters of the REST API.
//! See docs/contracts/legacy-rest.md#list-parameters.

mod others;

use std::{borrow::Cow, hash::Hash};

use entity::task::Priority;
use serde_json::json;
use utoipa::{
    IntoParams,
    openapi::{
        ArrayBuilder, KnownFormat, ObjectBuilder, RefOr, Required, Schema, SchemaFormat,
        path::{Parameter, ParameterBuilder, ParameterIn},
        schema::Type,
    },
};

pub(super) use self::others::{ChangesQuery, CompletionQuery, ImportQuery, refuse_parameters};
use super::{
    fields::{COMPLETED, priorities, priority, status},
    openapi::text_schema,
    pydantic::PydanticError,
    shape::Shape,
    unserved::Unserved,
};
use crate::{
    error,
    service::{
        page::DEFAULT_SIZE,
        tasks::{
            AnyOf, Comparison, Condition, Due, Filter, Instant, OrderBy, OrderKey, SearchText, TimeField, TimeZone,
        },
        values::LabelName,
    },
};

/// What the list route was asked for.
#[derive(Debug)]
pub(super) struct ListQuery {
    pub(super) filter: Filter,
    pub(super) order: OrderKey,
    pub(super) offset: u64,
    /// All of them, when absent: legacy clients know no pages.
    pub(super) limit: Option<u64>,
}

/// The names of each parameter that has one value.
const NAMES: [&[&str]; 11] = [
    &["status", "status_filter"],
    &COMPLETED,
    &["search", "q"],
    &["overdue"],
    &["due_after", "due_date_from"],
    &["due_before", "due_date_to"],
    &["sort", "sort_by"],
    &["order", "sort_order", "sort_dir"],
    &["limit", "page_size", "per_page"],
    &OFFSET,
    &["page"],
];
/// The names of those that have several values.
const NAMES_OF_SEVERAL: [&[&str]; 2] = [&PRIORITIES, &TAGS];
const OFFSET: [&str; 2] = ["offset", "skip"];
const PRIORITIES: [&str; 2] = ["priority", "priority_filter"];
const TAGS: [&str; 2] = ["tags", "tag"];
/// Names the user where the path does not.
pub(super) const USER: &str = "user_id";
/// What front-ends add so that no cache answers. It asks for nothing.
const CACHE_BUSTERS: [&str; 8] = ["_", "_t", "t", "_ts", "ts", "timestamp", "cb", "nocache"];
const STATUSES: &str = "'all', 'pending' or 'completed'";
const SORTS: &str = "'created', 'created_at', 'updated', 'updated_at', 'title', 'due_date' or 'priority'";
/// Of the names of a sort order, those that the document shows.
const DOCUMENTED_SORTS: [&str; 7] = ["created", "created_at", "updated", "updated_at", "title", "due_date", "priority"];
const ORDERS: &str = "'asc' or 'desc'";
const MAX_LIMIT: i64 = 100;
/// How many tags one query names at most.
const MAX_TAGS: usize = 50;

impl ListQuery {
    /// Reads a query string; unknown parameters are errors, and so are parameters that contradict each other.
    /// Legacy clients have several names for each (docs/contracts/legacy-rest.md#query-aliases).
    pub(super) fn parse(text: &str, shape: Shape) -> Result<Self, Vec<PydanticError>> {
        let mut read = QueryReader::new(text, &NAMES, &NAMES_OF_SEVERAL);
        let filter = read.filter(if shape.has_status { any_status } else { usual_status });
        let by = read.choice(&["sort", "sort_by"], SORTS, sort).unwrap_or(OrderBy::CreatedAt);
        let direction = read.choice(&["order", "sort_order", "sort_dir"], ORDERS, direction);
        let mut order = OrderKey::new(by);
        if let Some(descending) = direction {
            // To these clients the first priority is the most urgent one, so that what ascends begins with it.
            order.descending = descending != matches!(by, OrderBy::Priority);
        }
        let limit = read.integer(&["limit", "page_size", "per_page"], 1, MAX_LIMIT);
        let offset = read.integer(&OFFSET, 0, i64::MAX);
        let page = read.integer(&["page"], 1, i64::MAX);
        // A page without a size has the size that GraphQL's have.
        let size = limit.unwrap_or(DEFAULT_SIZE.unsigned_abs().into());
        let (offset, limit) = match page {
            Some(page) => {
                let start = ((page - 1).saturating_mul(size)).min(i64::MAX as u64);
                if offset.is_some_and(|it| it != start) {
                    read.problems.push(PydanticError::breaks(
                        &["query", "offset"],
                        error::ValidationError::Contradiction("page"),
                    ));
                }
                (start, Some(size))
            }
            None => (offset.unwrap_or_default(), limit),
        };
        read.finish(Self { filter, order, offset, limit })
    }
}

impl IntoParams for ListQuery {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let one_of = |words: &[&str]| text_schema().enum_values(Some(words.to_owned()));
        let bool_schema = || ObjectBuilder::new().schema_type(Type::Boolean);
        let instant = || text_schema().format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)));
        let several = |items: ObjectBuilder| ArrayBuilder::new().items(items);
        let tags = several(text_schema()).max_items(Some(MAX_TAGS));
        let search = text_schema().max_length(Some(200));
        let (size, place) =
            (integer_schema().minimum(Some(1)).maximum(Some(MAX_LIMIT)), integer_schema().minimum(Some(0)));
        let order = "By default times descend and all else ascends; ascending priorities begin with the most urgent.";
        vec![
            parameter(
                "status",
                one_of(&["all", "pending", "completed"]),
                "Which tasks: those that are open or completed.",
            ),
            parameter("completed", bool_schema(), "The same as `status`, as a truth value."),
            parameter("priority", several(one_of(&["low", "medium", "high", "urgent"])), "Any of these priorities."),
            parameter("tags", tags, "Any of these tags."),
            parameter("search", search, "Text in the title or the description, without regard to case."),
            parameter(
                "due_after",
                instant(),
                "Tasks that are due from then on; a date is its midnight in UTC, and a `+` is sent as `%2B`.",
            ),
            parameter("due_before", instant(), "Tasks that are due before then, in the same form."),
            parameter("overdue", bool_schema(), "If true, open tasks that are due in the past."),
            parameter(
                "sort",
                one_of(&DOCUMENTED_SORTS),
                "What the tasks are sorted by: when they were created, by default.",
            ),
            parameter("order", one_of(&["asc", "desc"]), order),
            parameter("limit", size, "How many tasks the response has at most; all of them, by default."),
            parameter("offset", place, "How many tasks are passed over."),
            parameter("page", integer_schema().minimum(Some(1)), "The page, of 20 tasks or as many as `limit` says."),
        ]
    }
}

/// A parameter of the query, in the document; none is required.
fn parameter(name: &str, schema: impl Into<RefOr<Schema>>, description: &str) -> Parameter {
    let parameter = ParameterBuilder::new().name(name).parameter_in(ParameterIn::Query).description(Some(description));
    parameter.required(Required::False).schema(Some(schema)).build()
}

fn integer_schema() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::Integer)
}

/// Whether a parameter says nothing about what is wanted. The user that it may name is that of the token, or the request
/// came no further; front-ends of back-ends with categories ask for all of them.
fn asks_for_nothing(name: &str, value: &str) -> bool {
    let is_all = || name == "category" && matches!(value, "" | "all");
    CACHE_BUSTERS.contains(&name) || name == USER || is_all()
}

/// The values of one parameter, or what is wrong with them.
type Several<T> = Result<Vec<T>, Box<PydanticError>>;

struct QueryReader<'a> {
    given: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    problems: Vec<PydanticError>,
}

impl<'a> QueryReader<'a> {
    /// Refuses all parameters but these, and a second value of those that have one.
    fn new(text: &'a str, single: &[&[&str]], several: &[&[&str]]) -> Self {
        let given = form_urlencoded::parse(text.as_bytes()).filter(|(name, value)| !asks_for_nothing(name, value));
        let mut read = Self { given: given.collect(), problems: Vec::new() };
        let is_known = |name: &str| single.iter().chain(several).any(|names| names.contains(&name));
        let unknown = read.given.iter().filter(|(name, _)| !is_known(name));
        read.problems = unknown.map(|(name, _)| PydanticError::unknown(&["query", name])).collect();
        read.refuse_second_values(single);
        read
    }

    /// What was read, unless something is wrong with it.
    fn finish<T>(self, query: T) -> Result<T, Vec<PydanticError>> {
        if self.problems.is_empty() { Ok(query) } else { Err(self.problems) }
    }

    /// Refuses a second value of a parameter, under the same name or another one: one of them would be left out.
    fn refuse_second_values(&mut self, parameters: &[&[&str]]) {
        for names in parameters {
            let mut values = self.given.iter().filter(|(name, _)| names.contains(&name.as_ref()));
            let Some((_, first)) = values.next() else { continue };
            if let Some((name, second)) = values.find(|(_, value)| value != first) {
                let rule = error::ValidationError::Rule("must not contradict another one of this parameter");
                self.problems.push(PydanticError::breaks(&["query", name], rule).of(&json!(second)));
            }
        }
    }

    /// All values of a parameter with commas between, and the first of its names that is given.
    fn join_values(&self, names: &[&'static str]) -> Option<(&'static str, String)> {
        let (name, _) = self.first_given(names)?;
        let values = self.given.iter().filter(|(it, _)| names.contains(&it.as_ref()));
        Some((name, values.map(|(_, value)| value.as_ref()).collect::<Vec<_>>().join(",")))
    }

    /// The value of the first of the names that is given, and that name.
    fn first_given(&self, names: &[&'static str]) -> Option<(&'static str, Cow<'a, str>)> {
        let last = |name: &str| self.given.iter().rev().find(|(given, _)| given == name);
        names.iter().find_map(|name| Some((*name, last(name)?.1.clone())))
    }

    /// The tasks that are asked for; `status` is what a word says that names those.
    fn filter(&mut self, status: fn(&str) -> Option<Option<bool>>) -> Filter {
        let found = self.problems.len();
        let status = self.choice(&["status", "status_filter"], STATUSES, status).flatten();
        if let Some(problem) = self.problems.get_mut(found)
            && problem.input().and_then(any_status).is_some()
        {
            problem.unserved = Some(Unserved::StatusWord);
        }
        let completed = self.bool(&COMPLETED);
        let search = self.parse_value(&["search", "q"], SearchText::parse).flatten();
        // Front-ends send the name with nothing in it when nothing is chosen.
        let has_tags = self.join_values(&TAGS).is_some_and(|(_, text)| !text.is_empty());
        let overdue = self.bool(&["overdue"]).filter(|it| *it).map(|_| TimeZone::UTC);
        if status.zip(completed).is_some_and(|(status, completed)| status != completed) {
            self.problems
                .push(PydanticError::breaks(&["query", "completed"], error::ValidationError::Contradiction("status")));
        }
        let due = |comparison| move |instant| Condition::Time(TimeField::Due, comparison, instant);
        let conditions = [
            self.several(&PRIORITIES, priorities_of).map(Condition::Priorities),
            has_tags.then(|| self.several(&TAGS, tags_of)).flatten().map(Condition::LabelNames),
            self.instant(&["due_after", "due_date_from"], false).map(due(Comparison::Gte)),
            self.instant(&["due_before", "due_date_to"], true).map(due(Comparison::Lt)),
        ];
        let conditions = conditions.into_iter().flatten().collect();
        Filter { completed: status.or(completed), contains: search, overdue, conditions }
    }

    fn choice<T>(&mut self, names: &[&'static str], choices: &'static str, known: fn(&str) -> Option<T>) -> Option<T> {
        let (name, text) = self.first_given(names)?;
        let choice = known(&text);
        if choice.is_none() {
            self.problems.push(PydanticError::not_one_of(&["query", name], choices).of(&json!(text)));
        }
        choice
    }

    fn parse_value<T>(
        &mut self,
        names: &[&'static str],
        parse: impl Fn(&str) -> Result<T, error::ValidationError>,
    ) -> Option<T> {
        let (name, text) = self.first_given(names)?;
        let fault = match parse(&text) {
            Ok(value) => return Some(value),
            Err(rule) => PydanticError::breaks(&["query", name], rule),
        };
        self.problems.push(fault.of(&json!(text)));
        None
    }

    fn bool(&mut self, names: &[&'static str]) -> Option<bool> {
        let (name, text) = self.first_given(names)?;
        match text.to_lowercase().as_str() {
            "true" | "1" | "yes" | "on" | "t" | "y" => Some(true),
            "false" | "0" | "no" | "off" | "f" | "n" => Some(false),
            _ => {
                self.problems.push(PydanticError::not_a_bool(&["query", name], &json!(text)));
                None
            }
        }
    }

    /// One value, or several with commas between.
    fn several<T: Clone + Eq + Hash>(
        &mut self,
        names: &[&'static str],
        read: impl Fn(&str, &[&str]) -> Several<T>,
    ) -> Option<AnyOf<T>> {
        let (name, text) = self.join_values(names)?;
        let loc = ["query", name];
        let folded = |it: Vec<T>| AnyOf::new(it).map_err(|rule| Box::new(PydanticError::breaks(&loc, rule)));
        let values = read(&text, &loc).and_then(folded);
        values.map_err(|fault| self.problems.push(fault.of(&json!(text)))).ok()
    }

    /// An instant; a date is its midnight in UTC, or for `due_date_to` the midnight at its end.
    fn instant(&mut self, names: &[&'static str], is_end: bool) -> Option<Instant> {
        let (name, _) = self.first_given(names)?;
        match self.parse_value(names, Due::parse)? {
            Due::Date(date) => {
                let is_whole_day = is_end && name == "due_date_to";
                let day = chrono::NaiveDate::from(date);
                let day = if is_whole_day { day.succ_opt().unwrap_or(day) } else { day };
                Instant::new(day.and_time(chrono::NaiveTime::MIN).and_utc()).ok()
            }
            Due::At(instant, _) | Due::ShownInstant(instant) => Some(instant),
        }
    }

    fn integer(&mut self, names: &[&'static str], min: i64, max: i64) -> Option<u64> {
        let (name, text) = self.first_given(names)?;
        let loc = ["query", name];
        let digits = text.trim().trim_start_matches(['+', '-']);
        let fault = match text.trim().parse::<i64>() {
            Ok(number) if number < min => PydanticError::below(&loc, min),
            Ok(number) if number > max => PydanticError::above(&loc, max),
            Ok(number) => return u64::try_from(number).ok(),
            Err(_) if !digits.is_empty() && digits.bytes().all(|it| it.is_ascii_digit()) => {
                PydanticError::too_many_digits(&loc)
            }
            Err(_) => PydanticError::not_an_integer(&loc),
        };
        self.problems.push(fault.of(&json!(text)));
        None
    }
}

fn priorities_of(text: &str, loc: &[&str]) -> Several<Priority> {
    let known: Option<_> = text.split(',').map(|it| priority(it.trim())).collect();
    known.ok_or_else(|| Box::new(PydanticError::not_one_of(loc, priorities())))
}

/// A text that has no name is that of no label.
fn tags_of(text: &str, loc: &[&str]) -> Several<LabelName> {
    let tags = text.split(',').map(str::trim).filter(|it| !it.is_empty());
    let known: Vec<_> = tags
        .map(LabelName::parse)
        .collect::<Result<_, _>>()
        .map_err(|rule| Box::new(PydanticError::breaks(loc, rule)))?;
    match known.len() {
        0..=MAX_TAGS => Ok(known),
        _ => Err(Box::new(PydanticError::breaks(loc, error::ValidationError::TooMany(MAX_TAGS)))),
    }
}

/// The words of a body, where tasks have a status, and the one for all tasks.
fn any_status(name: &str) -> Option<Option<bool>> {
    if name.eq_ignore_ascii_case("all") { Some(None) } else { status(name).map(Some) }
}

fn usual_status(name: &str) -> Option<Option<bool>> {
    match name {
        "all" => Some(None),
        "pending" | "incomplete" | "active" => Some(Some(false)),
        "completed" => Some(Some(true)),
        _ => None,
    }
}

fn sort(name: &str) -> Option<OrderBy> {
    match name {
        "created" | "created_at" | "createdAt" => Some(OrderBy::CreatedAt),
        "updated" | "updated_at" | "updatedAt" => Some(OrderBy::UpdatedAt),
        "title" => Some(OrderBy::Title),
        "due_date" | "due" | "dueDate" => Some(OrderBy::Due),
        "priority" => Some(OrderBy::Priority),
        _ => None,
    }
}

fn direction(name: &str) -> Option<bool> {
    match name {
        "asc" => Some(false),
        "desc" => Some(true),
        _ => None,
    }
}
