//! What clients send through GraphQL, and how it becomes what the services take: every problem is named at once.

use async_graphql::{Enum, ID, InputObject, MaybeUndefined};

use super::{DateTime, Priority};
use crate::{
    error::{Error, Fault, Problem},
    service::tasks::{Description, Draft, Due, Edit, Filter, Order, OrderBy, SearchText, Title},
};

/// A task to be made.
#[derive(Clone, Debug, InputObject)]
pub struct CreateTaskInput {
    /// What to do: 1 to 200 characters after trimming.
    pub title: String,
    /// More about it: at most 1,000 characters.
    pub description: Option<String>,
    /// Whether it is done already.
    #[graphql(default)]
    pub completed: bool,
    /// How urgent it is.
    #[graphql(default_with = "Priority::Medium")]
    pub priority: Priority,
    /// When it is due, from year 1 to 9999.
    pub due_at: Option<DateTime>,
}

/// Changes to a task. A field that is absent stays as it is; null clears the description and the due date.
#[derive(Clone, Debug, InputObject)]
pub struct UpdateTaskInput {
    /// Which task.
    pub id: ID,
    /// What to do: 1 to 200 characters after trimming.
    pub title: MaybeUndefined<String>,
    /// More about it: at most 1,000 characters, or null for none.
    pub description: MaybeUndefined<String>,
    /// Whether it is done.
    pub completed: MaybeUndefined<bool>,
    /// How urgent it is.
    pub priority: MaybeUndefined<Priority>,
    /// When it is due, or null for no date.
    pub due_at: MaybeUndefined<DateTime>,
}

/// Which state a task is to have.
#[derive(Clone, Debug, InputObject)]
pub struct SetTaskCompletedInput {
    /// Which task.
    pub id: ID,
    /// Whether it is done.
    pub completed: bool,
}

/// Which task is to go.
#[derive(Clone, Debug, InputObject)]
pub struct DeleteTaskInput {
    /// Which task.
    pub id: ID,
}

/// Which tasks to list: those that meet all conditions given.
#[derive(Clone, Debug, Default, InputObject)]
pub struct TaskFilter {
    /// Only open tasks (false) or only completed ones (true).
    pub completed: Option<bool>,
    /// Only tasks of this priority.
    pub priority: Option<Priority>,
    /// Only tasks whose title or description contains this text, whatever its case: at most 200 characters.
    pub search: Option<String>,
}

/// In which order to list tasks.
#[derive(Clone, Copy, Debug, InputObject)]
pub struct TaskOrder {
    /// By what.
    pub by: TaskOrderBy,
    /// In which direction; by default times and priorities from the highest, titles and due dates from the lowest.
    pub direction: Option<OrderDirection>,
}

/// What tasks can be ordered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "OrderBy")]
pub enum TaskOrderBy {
    /// Time of creation.
    Created,
    /// Time of the last change.
    Updated,
    /// Title, ignoring case.
    Title,
    /// Due date; tasks without one come last in both directions.
    Due,
    /// Priority.
    Priority,
}

/// A direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum OrderDirection {
    /// From the lowest, earliest or first.
    Asc,
    /// From the highest, latest or last.
    Desc,
}

impl TryFrom<CreateTaskInput> for Draft {
    type Error = Error;

    fn try_from(input: CreateTaskInput) -> Result<Self, Error> {
        let mut check = Check::default();
        let title = check.field("title", Title::parse(&input.title));
        let description = check.optional("description", input.description.as_deref().map(Description::parse));
        let due = check.optional("due", input.due_at.map(|it| Due::new(it.instant)));
        let (completed, priority) = (input.completed, input.priority.into());
        check.passed(title.map(|title| Draft { title, description, completed, priority, due }))
    }
}

impl TryFrom<UpdateTaskInput> for Edit {
    type Error = Error;

    fn try_from(input: UpdateTaskInput) -> Result<Self, Error> {
        let mut check = Check::default();
        let title = check.required("title", input.title.map_value(|it| Title::parse(&it)));
        let description = check.clearable("description", input.description.map_value(|it| Description::parse(&it)));
        let due = check.clearable("due", input.due_at.map_value(|it| Due::new(it.instant)));
        let completed = check.required("completed", input.completed.map_value(Ok));
        let priority = check.required("priority", input.priority.map_value(|it| Ok(it.into())));
        check.passed(Some(Edit { title, description, completed, priority, due }))
    }
}

impl TryFrom<TaskFilter> for Filter {
    type Error = Error;

    fn try_from(input: TaskFilter) -> Result<Self, Error> {
        let mut check = Check::default();
        let text = check.optional("search", input.search.as_deref().map(SearchText::parse)).flatten();
        let priority = input.priority.map(Into::into);
        check.passed(Some(Filter { completed: input.completed, priority, text }))
    }
}

impl From<TaskOrder> for Order {
    fn from(order: TaskOrder) -> Self {
        let by = order.by.into();
        match order.direction {
            None => by_default(by),
            Some(direction) => Self { by, descending: direction == OrderDirection::Desc },
        }
    }
}

/// The order in the direction that people expect.
pub fn by_default(by: OrderBy) -> Order {
    Order { by, descending: matches!(by, OrderBy::Created | OrderBy::Updated | OrderBy::Priority) }
}

/// Collects the problems of an input.
#[derive(Default)]
struct Check(Vec<Problem>);

impl Check {
    fn field<T>(&mut self, field: &'static str, value: Result<T, Fault>) -> Option<T> {
        value.map_err(|fault| self.0.push(Problem { field, fault })).ok()
    }

    fn optional<T>(&mut self, field: &'static str, value: Option<Result<T, Fault>>) -> Option<T> {
        value.and_then(|value| self.field(field, value))
    }

    fn required<T>(&mut self, field: &'static str, value: MaybeUndefined<Result<T, Fault>>) -> Option<T> {
        match value {
            MaybeUndefined::Undefined => None,
            MaybeUndefined::Null => self.field(field, Err(Fault::Null)),
            MaybeUndefined::Value(value) => self.field(field, value),
        }
    }

    fn clearable<T>(&mut self, field: &'static str, value: MaybeUndefined<Result<T, Fault>>) -> Option<Option<T>> {
        match value {
            MaybeUndefined::Undefined => None,
            MaybeUndefined::Null => Some(None),
            MaybeUndefined::Value(value) => self.field(field, value).map(Some),
        }
    }

    fn passed<T>(self, value: Option<T>) -> Result<T, Error> {
        value.filter(|_| self.0.is_empty()).ok_or(Error::Invalid(self.0))
    }
}
