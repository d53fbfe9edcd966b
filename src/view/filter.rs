//! Filters of tasks as clients of GraphQL send them.

mod reader;

use std::borrow::Cow;

use async_graphql::{ID, InputObject, InputType, InputValueError, InputValueResult, Value, registry::Registry};

use self::reader::{FilterReader, MAX_DEPTH, too_deep};
use super::{Date, DateTime, Priority};
use crate::{error::Error, service::tasks::Filter};

/// Filter of tasks. A task matches if it meets every condition that is given. A filter may have 30 conditions, 1,000
/// different values in its lists and 5 levels of `and`, `or` and `not`. A list without entries matches no task.
#[derive(Clone, Debug, Default, InputObject)]
pub struct TaskFilter {
    /// Tasks that match all of these filters, each of which has a condition.
    pub and: Option<Vec<TaskFilter>>,
    /// Tasks that match one of these filters at least, each of which has a condition.
    pub or: Option<Vec<TaskFilter>>,
    /// Tasks that do not match this filter, which has a condition.
    pub not: Option<Box<TaskFilter>>,
    /// Tasks with one of these ids.
    pub ids: Option<Vec<ID>>,
    /// Tasks with such a title.
    pub title: Option<TextFilter>,
    /// True for completed tasks, false for open ones.
    pub completed: Option<bool>,
    /// Tasks with such a priority.
    pub priority: Option<PriorityFilter>,
    /// Tasks due at such a time. A due date counts as its midnight in UTC.
    pub due: Option<NullableDateTimeFilter>,
    /// Tasks due on such a calendar date. Those that are due at an instant match only `isNull: true`.
    pub due_date: Option<NullableDateFilter>,
    /// Tasks due at such an instant. Those that are due on a date match only `isNull: true`.
    pub due_at: Option<NullableDateTimeFilter>,
    /// Tasks created at such a time.
    pub created_at: Option<DateTimeFilter>,
    /// Tasks last changed at such a time.
    pub updated_at: Option<DateTimeFilter>,
    /// Tasks completed at such a time.
    pub completed_at: Option<NullableDateTimeFilter>,
    /// Open tasks that are overdue.
    pub overdue: Option<OverdueFilter>,
    /// Tasks in such a list.
    pub list_id: Option<IdFilter>,
    /// Subtasks of such a task.
    pub parent_id: Option<IdFilter>,
    /// Tasks with such labels.
    pub labels: Option<LabelsFilter>,
    /// Tasks that contain, for each word of the text, a word that begins with it, in any order: at most 200 characters
    /// and 16 words. A text without a letter or digit matches no task.
    pub search: Option<String>,
    /// Tasks whose title or description contains this text as it stands, ignoring case: at most 200 characters. An
    /// empty text is in every task, and is refused in a bulk selection and inside `and`, `or` and `not`.
    pub contains: Option<String>,
}

/// Comparison of a text, ignoring case. All conditions that are given must hold.
#[derive(Clone, Debug, InputObject)]
pub struct TextFilter {
    /// Equal to this text.
    pub eq: Option<String>,
    /// Equal to one of these texts.
    #[graphql(name = "in")]
    pub one_of: Option<Vec<String>>,
    /// Containing this text, 1 to 200 characters.
    pub contains: Option<String>,
}

/// Comparison of a priority. All conditions that are given must hold.
#[derive(Clone, Debug, InputObject)]
pub struct PriorityFilter {
    /// This priority.
    pub eq: Option<Priority>,
    /// One of these priorities.
    #[graphql(name = "in")]
    pub one_of: Option<Vec<Priority>>,
    /// Higher than this priority.
    pub gt: Option<Priority>,
    /// This priority or a higher one.
    pub gte: Option<Priority>,
    /// Lower than this priority.
    pub lt: Option<Priority>,
    /// This priority or a lower one.
    pub lte: Option<Priority>,
}

/// Comparison of a time. All conditions that are given must hold.
#[derive(Clone, Debug, InputObject)]
pub struct DateTimeFilter {
    /// Later than this instant.
    pub gt: Option<DateTime>,
    /// At this instant or later.
    pub gte: Option<DateTime>,
    /// Earlier than this instant.
    pub lt: Option<DateTime>,
    /// At this instant or earlier.
    pub lte: Option<DateTime>,
}

/// Comparison of a time that may be absent. All conditions that are given must hold.
#[derive(Clone, Debug, InputObject)]
pub struct NullableDateTimeFilter {
    /// Later than this instant.
    pub gt: Option<DateTime>,
    /// At this instant or later.
    pub gte: Option<DateTime>,
    /// Earlier than this instant.
    pub lt: Option<DateTime>,
    /// At this instant or earlier.
    pub lte: Option<DateTime>,
    /// True where it is absent, false where it is there.
    pub is_null: Option<bool>,
}

/// Comparison of a calendar date that may be absent. All conditions that are given must hold.
#[derive(Clone, Debug, InputObject)]
pub struct NullableDateFilter {
    /// On this date.
    pub eq: Option<Date>,
    /// Later than this date.
    pub gt: Option<Date>,
    /// On this date or later.
    pub gte: Option<Date>,
    /// Earlier than this date.
    pub lt: Option<Date>,
    /// On this date or earlier.
    pub lte: Option<Date>,
    /// True where it is absent, false where it is there.
    pub is_null: Option<bool>,
}

/// Comparison of an id that may be absent. All conditions that are given must hold.
#[derive(Clone, Debug, InputObject)]
pub struct IdFilter {
    /// This id.
    pub eq: Option<ID>,
    /// One of these ids.
    #[graphql(name = "in")]
    pub one_of: Option<Vec<ID>>,
    /// True where it is absent, false where it is there.
    pub is_null: Option<bool>,
}

/// Condition on the labels of a task. All conditions that are given must hold.
#[derive(Clone, Debug, InputObject)]
pub struct LabelsFilter {
    /// At least one of these labels.
    pub any: Option<Vec<ID>>,
    /// All of these labels.
    pub all: Option<Vec<ID>>,
    /// None of these labels.
    pub none: Option<Vec<ID>>,
    /// True for no label at all, false for one at least.
    pub is_empty: Option<bool>,
}

/// Filter of overdue tasks: those whose instant is past, or whose date is over in a time zone.
#[derive(Clone, Debug, InputObject)]
pub struct OverdueFilter {
    /// IANA name of the time zone that decides which dates are over.
    #[graphql(default = "UTC")]
    pub time_zone: String,
}

/// A [`TaskFilter`] from outside, which is not read when it is nested too deep: each level takes much of a stack.
#[derive(Clone, Debug)]
pub struct BoundedFilter(Option<Box<TaskFilter>>);

impl InputType for BoundedFilter {
    type RawValueType = TaskFilter;

    fn type_name() -> Cow<'static, str> {
        TaskFilter::type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        TaskFilter::create_type_info(registry)
    }

    fn parse(value: Option<Value>) -> InputValueResult<Self> {
        // A comparison is an object too.
        if value.as_ref().is_some_and(|it| !is_within(it, MAX_DEPTH + 1)) {
            return Ok(Self(None));
        }
        TaskFilter::parse(value).map(|it| Self(Some(Box::new(it)))).map_err(InputValueError::propagate)
    }

    fn to_value(&self) -> Value {
        self.0.as_deref().map_or(Value::Null, InputType::to_value)
    }

    fn as_raw_value(&self) -> Option<&TaskFilter> {
        self.0.as_deref()
    }
}

/// Whether objects are nested no deeper than this.
fn is_within(value: &Value, depth: usize) -> bool {
    match value {
        Value::List(items) => items.iter().all(|it| is_within(it, depth)),
        Value::Object(fields) => depth > 0 && fields.values().all(|it| is_within(it, depth - 1)),
        _ => true,
    }
}

impl TryFrom<BoundedFilter> for Filter {
    type Error = Error;

    fn try_from(input: BoundedFilter) -> Result<Self, Error> {
        FilterReader::default().filter(input.within()?)
    }
}

impl BoundedFilter {
    /// As a selection of what is to be changed, in which nothing may be left out in silence: an empty text is a mistake,
    /// and so is an empty list inside `not`, where it is in every task.
    pub(super) fn into_selected(self) -> Result<Filter, Error> {
        FilterReader::of_selection().filter(self.within()?)
    }

    fn within(self) -> Result<TaskFilter, Error> {
        self.0.map(|it| *it).ok_or_else(too_deep)
    }
}
