//! The query of the task list.

use std::collections::HashMap;

use serde_json::json;

use super::{
    fault::Fault,
    fields::{priorities, priority},
};
use crate::{
    service::{
        changes::MAX_CHANGES,
        tasks::{Filter, Order, OrderBy, SearchText},
    },
    view::by_default,
};

/// What the list route was asked for.
#[derive(Debug)]
pub(super) struct ListQuery {
    pub(super) filter: Filter,
    pub(super) order: Order,
    pub(super) offset: u64,
    /// All of them, when absent: legacy clients know no pages.
    pub(super) limit: Option<u64>,
}

const STATUSES: &str = "'all', 'pending' or 'completed'";
const SORTS: &str = "'created', 'created_at', 'updated', 'updated_at', 'title', 'due_date' or 'priority'";
const ORDERS: &str = "'asc' or 'desc'";
const MAX_LIMIT: i64 = 100;
const DEFAULT_CHANGES: u64 = 100;

impl ListQuery {
    /// Reads a query string; unknown parameters are ignored, and the last value of a name wins.
    pub(super) fn parse(text: &str) -> Result<Self, Vec<Fault>> {
        let given = form_urlencoded::parse(text.as_bytes()).into_owned().collect();
        let mut read = Reader { given, faults: Vec::new() };
        let filter = Filter {
            completed: read.choice("status", STATUSES, status).flatten(),
            priorities: read.choice("priority", priorities(), priority).into_iter().collect(),
            text: read.search(),
            ..Filter::default()
        };
        let by = read.choice("sort", SORTS, sort).unwrap_or(OrderBy::Created);
        let direction = read.choice("order", ORDERS, direction);
        let order = direction.map_or_else(|| by_default(by), |descending| Order { by, descending });
        let limit = read.integer("limit", (1, MAX_LIMIT));
        let offset = read.integer("offset", (0, i64::MAX)).unwrap_or_default();
        if read.faults.is_empty() { Ok(Self { filter, order, offset, limit }) } else { Err(read.faults) }
    }
}

/// What the feed of changes was asked for.
#[derive(Debug)]
pub(super) struct SinceQuery {
    pub(super) since: i64,
    pub(super) limit: u64,
}

impl SinceQuery {
    /// Reads a query string.
    pub(super) fn parse(text: &str) -> Result<Self, Vec<Fault>> {
        let given = form_urlencoded::parse(text.as_bytes()).into_owned().collect();
        let mut read = Reader { given, faults: Vec::new() };
        let since = read.integer("since", (0, i64::MAX)).and_then(|it| i64::try_from(it).ok()).unwrap_or_default();
        let most = i64::try_from(MAX_CHANGES).unwrap_or(i64::MAX);
        let limit = read.integer("limit", (1, most)).unwrap_or(DEFAULT_CHANGES);
        if read.faults.is_empty() { Ok(Self { since, limit }) } else { Err(read.faults) }
    }
}

struct Reader {
    given: HashMap<String, String>,
    faults: Vec<Fault>,
}

impl Reader {
    fn choice<T>(&mut self, name: &str, choices: &'static str, known: fn(&str) -> Option<T>) -> Option<T> {
        let text = self.given.get(name)?;
        let choice = known(text);
        if choice.is_none() {
            self.faults.push(Fault::not_one_of(&["query", name], choices).of(&json!(text)));
        }
        choice
    }

    fn search(&mut self) -> Option<SearchText> {
        let text = self.given.get("search")?;
        SearchText::parse(text).unwrap_or_else(|rule| {
            self.faults.push(Fault::breaks(&["query", "search"], rule).of(&json!(text)));
            None
        })
    }

    fn integer(&mut self, name: &str, (least, most): (i64, i64)) -> Option<u64> {
        let text = self.given.get(name)?;
        let loc = ["query", name];
        let digits = text.trim().trim_start_matches(['+', '-']);
        let fault = match text.trim().parse::<i64>() {
            Ok(number) if number < least => Fault::below(&loc, least),
            Ok(number) if number > most => Fault::above(&loc, most),
            Ok(number) => return u64::try_from(number).ok(),
            Err(_) if !digits.is_empty() && digits.bytes().all(|it| it.is_ascii_digit()) => {
                Fault::too_many_digits(&loc)
            }
            Err(_) => Fault::not_an_integer(&loc),
        };
        self.faults.push(fault.of(&json!(text)));
        None
    }
}

fn status(name: &str) -> Option<Option<bool>> {
    match name {
        "all" => Some(None),
        "pending" => Some(Some(false)),
        "completed" => Some(Some(true)),
        _ => None,
    }
}

fn sort(name: &str) -> Option<OrderBy> {
    match name {
        "created" | "created_at" => Some(OrderBy::Created),
        "updated" | "updated_at" => Some(OrderBy::Updated),
        "title" => Some(OrderBy::Title),
        "due_date" => Some(OrderBy::Due),
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
