//! What clients send about tasks through GraphQL, and how it becomes what the services take.

use async_graphql::{Enum, ID, InputObject, MaybeUndefined, OneofObject};
use entity::id::TaskId;

use super::{BigInt, Date, DateTime, Priority, check::Check, each_label, label_ids, list_id};
use crate::{
    error::{Error, ValidationError},
    service::{
        labels::LabelSelection,
        tasks::{
            self, AnyOf, Description, Due, Filter, Instant, NewTask, Order, OrderBy, SearchText, Selection, TaskPatch,
            TimeZone, Title, Words,
        },
    },
};

/// A task to be made.
#[derive(Clone, Debug, InputObject)]
pub struct CreateTaskInput {
    /// A UUID that the client chose: sent twice, it makes one task, which both calls answer.
    pub id: Option<ID>,
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
    /// When it is due.
    pub due: Option<DueInput>,
    /// The list that it is in; not together with a parent.
    pub list_id: Option<ID>,
    /// The task that it is a part of; that one must not be a part itself.
    pub parent_id: Option<ID>,
    /// Its labels, at most 10.
    #[graphql(default)]
    pub label_ids: Vec<ID>,
}

/// When a task is due: a day, or an instant.
#[derive(Clone, Debug, OneofObject)]
pub enum DueInput {
    /// A calendar date from year 1 to 9999, wherever the user is that day.
    Date(Date),
    /// An instant from year 1 to 9999.
    At(DueAtInput),
}

/// An instant and the time zone in which it was chosen.
#[derive(Clone, Debug, InputObject)]
pub struct DueAtInput {
    /// The instant.
    pub instant: DateTime,
    /// The IANA name of the time zone, such as `Europe/Berlin`.
    #[graphql(default = "UTC")]
    pub time_zone: String,
}

/// Changes to a task. A field that is absent stays as it is; null clears the description, the due date and the list.
#[derive(Clone, Debug, InputObject)]
pub struct UpdateTaskInput {
    /// Which task.
    pub id: ID,
    /// Change it only if this is still its revision; otherwise the error `CONFLICT` shows what it is now.
    pub expected_revision: Option<BigInt>,
    /// What to do: 1 to 200 characters after trimming.
    pub title: MaybeUndefined<String>,
    /// More about it: at most 1,000 characters, or null for none.
    pub description: MaybeUndefined<String>,
    /// Whether it is done; completing it completes its parts too.
    pub completed: MaybeUndefined<bool>,
    /// How urgent it is.
    pub priority: MaybeUndefined<Priority>,
    /// When it is due, or null for no date.
    pub due: MaybeUndefined<DueInput>,
    /// The list that it is in, or null for none; its parts follow.
    pub list_id: MaybeUndefined<ID>,
    /// The task that it is a part of, or null for none.
    pub parent_id: MaybeUndefined<ID>,
    /// All its labels, at most 10.
    pub label_ids: MaybeUndefined<Vec<ID>>,
}

/// Which tasks: these, or those that meet a filter; at most 500.
#[derive(Clone, Debug, OneofObject)]
pub enum TaskSelection {
    /// These; each must be there.
    Ids(Vec<ID>),
    /// Those that meet the filter, which must have a condition.
    Filter(TaskFilter),
}

/// Which tasks to list: those that meet all conditions given.
#[derive(Clone, Debug, Default, InputObject)]
pub struct TaskFilter {
    /// Only open tasks (false) or only completed ones (true).
    pub completed: Option<bool>,
    /// Only tasks of one of these priorities; no task is of one of none.
    pub priority: Option<Vec<Priority>>,
    /// Only tasks in this list; null for tasks in no list.
    pub list_id: MaybeUndefined<ID>,
    /// Only tasks with one of these labels, at most 1,000; no task has one of none.
    pub label_ids: Option<Vec<ID>>,
    /// Only parts of this task; null for tasks that are no part.
    pub parent_id: MaybeUndefined<ID>,
    /// Only tasks due from this instant on; a date counts as its midnight in UTC.
    pub due_from: Option<DateTime>,
    /// Only tasks due before this instant; a date counts as its midnight in UTC.
    pub due_before: Option<DateTime>,
    /// Only open tasks whose instant is over, or whose date is over in the time zone of this IANA name.
    pub overdue_in: Option<String>,
    /// Only tasks that have words that begin with each of these, in any order: at most 200 characters and 16 words. A
    /// text without a letter or digit is in no task.
    pub text: Option<String>,
    /// Only tasks whose title or description contains exactly this text, whatever its case: at most 200 characters.
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
    /// Manual order.
    Position,
}

/// A direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum OrderDirection {
    /// From the lowest, earliest or first.
    Asc,
    /// From the highest, latest or last.
    Desc,
}

impl TryFrom<CreateTaskInput> for NewTask {
    type Error = Error;

    fn try_from(input: CreateTaskInput) -> Result<Self, Error> {
        let mut check = Check::default();
        let id =
            check.optional("id", input.id.as_ref().map(|it| it.parse().map(TaskId).map_err(|_| ValidationError::Uuid)));
        let title = check.field("title", Title::parse(&input.title));
        let description = check.optional("description", input.description.as_deref().map(Description::parse));
        let due = check.optional("due", input.due.map(Due::try_from));
        let list = input.list_id.as_ref().map(list_id).transpose()?;
        let parent = input.parent_id.as_ref().map(task_id).transpose()?;
        let labels = LabelSelection::Ids(each_label("labels", &input.label_ids)?);
        let (completed, priority) = (input.completed, input.priority.into());
        check.passed(title.map(|title| NewTask {
            id,
            title,
            description,
            completed,
            priority,
            due,
            list,
            parent,
            labels,
        }))
    }
}

impl TryFrom<DueInput> for Due {
    type Error = ValidationError;

    fn try_from(input: DueInput) -> Result<Self, ValidationError> {
        match input {
            DueInput::Date(date) => tasks::Date::new(date.0).map(Self::Date),
            DueInput::At(DueAtInput { instant, time_zone }) => {
                Ok(Self::At(Instant::new(instant.instant)?, TimeZone::parse(&time_zone)?))
            }
        }
    }
}

impl TryFrom<UpdateTaskInput> for TaskPatch {
    type Error = Error;

    fn try_from(input: UpdateTaskInput) -> Result<Self, Error> {
        let mut check = Check::default();
        let title = check.required("title", input.title.map_value(|it| Title::parse(&it)));
        let description = check.clearable("description", input.description.map_value(|it| Description::parse(&it)));
        let due = check.clearable("due", input.due.map_value(Due::try_from));
        let completed = check.required("completed", input.completed.map_value(Ok));
        let priority = check.required("priority", input.priority.map_value(|it| Ok(it.into())));
        let labels = check.required("labels", input.label_ids.map_value(Ok)).map(|it| each_label("labels", &it));
        let labels = labels.transpose()?;
        let (list, parent) = (optional(&input.list_id, list_id)?, optional(&input.parent_id, task_id)?);
        let labels = labels.map(LabelSelection::Ids);
        check.passed(Some(TaskPatch { title, description, completed, priority, due, list, parent, labels }))
    }
}

impl TryFrom<TaskSelection> for Selection {
    type Error = Error;

    fn try_from(input: TaskSelection) -> Result<Self, Error> {
        match input {
            TaskSelection::Ids(ids) => ids.iter().map(task_id).collect::<Result<_, _>>().map(Self::Ids),
            TaskSelection::Filter(filter) => Self::meeting(filter.try_into()?),
        }
    }
}

impl TryFrom<TaskFilter> for Filter {
    type Error = Error;

    fn try_from(input: TaskFilter) -> Result<Self, Error> {
        let mut check = Check::default();
        let text = check.optional("search", input.search.as_deref().map(SearchText::parse)).flatten();
        let words = check.optional("text", input.text.as_deref().filter(|it| !it.is_empty()).map(Words::parse));
        let due_from = check.optional("dueFrom", input.due_from.map(|it| Instant::new(it.instant)));
        let due_before = check.optional("dueBefore", input.due_before.map(|it| Instant::new(it.instant)));
        let overdue = check.optional("overdueIn", input.overdue_in.as_deref().map(TimeZone::parse));
        let priorities = input.priority.map(|them| AnyOf::new(them.into_iter().map(Into::into)));
        let priorities = check.optional("priority", priorities);
        let labels = input.label_ids.as_deref().map(label_ids).transpose()?.map(AnyOf::new);
        let labels = check.optional("labels", labels);
        let (list, parent) = (optional(&input.list_id, list_id)?, optional(&input.parent_id, task_id)?);
        let completed = input.completed;
        let filter = Filter {
            completed,
            priorities,
            text,
            words,
            list,
            labels,
            label_names: None,
            parent,
            due_from,
            due_before,
            overdue,
        };
        check.passed(Some(filter))
    }
}

/// What is no id at all is the id of no task.
pub fn task_id(id: &ID) -> Result<TaskId, Error> {
    id.parse().map(TaskId).map_err(|_| Error::NotFound("task"))
}

/// An id that may be absent, or null for none.
fn optional<T>(id: &MaybeUndefined<ID>, read: fn(&ID) -> Result<T, Error>) -> Result<Option<Option<T>>, Error> {
    match id {
        MaybeUndefined::Undefined => Ok(None),
        MaybeUndefined::Null => Ok(Some(None)),
        MaybeUndefined::Value(id) => read(id).map(|id| Some(Some(id))),
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
