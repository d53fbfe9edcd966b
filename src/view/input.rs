//! What clients send about tasks through GraphQL, and how it becomes what the services take.

use async_graphql::{Enum, ID, InputObject, MaybeUndefined, OneofObject};
use entity::id::TaskId;

use super::{BigInt, Date, DateTime, Priority, check::Check, each_label, filter::BoundedFilter, list_id};
use crate::{
    error::{Error, Thing, ValidationError},
    service::{
        labels::LabelSelection,
        tasks::{
            self, Description, Due, ExtraFields, Instant, NewTask, Order, OrderBy, OrderKey, Selection, TaskPatch,
            TimeZone, Title,
        },
    },
};

/// Input of `createTask`, and one task of `createTasks`.
#[derive(Clone, Debug, InputObject)]
pub struct CreateTaskInput {
    /// UUID chosen by the client. A repeated call creates nothing and returns the task of the first; one with other
    /// content, or with the id of a deleted task, fails with `CONFLICT`.
    pub id: Option<ID>,
    /// Title, 1 to 200 characters after trimming.
    pub title: String,
    /// Description, at most 1,000 characters unless the server allows more.
    pub description: Option<String>,
    /// Whether the task is completed.
    #[graphql(default)]
    pub completed: bool,
    /// Priority of the task.
    #[graphql(default_with = "Priority::Medium")]
    pub priority: Priority,
    /// When the task is due.
    pub due: Option<DueInput>,
    /// Id of the list. Not together with `parentId`: a subtask is in the list of its parent.
    pub list_id: Option<ID>,
    /// Id of the parent task, which must not be a subtask itself.
    pub parent_id: Option<ID>,
    /// Ids of the labels, at most 10.
    #[graphql(default)]
    pub label_ids: Vec<ID>,
}

/// When a task is due: a calendar date or an instant.
#[derive(Clone, Debug, OneofObject)]
pub enum DueInput {
    /// Calendar date from year 1 to 9999, in the user's local time.
    Date(Date),
    /// Instant from year 1 to 9999.
    At(DueAtInput),
}

/// Instant, with the time zone in which it was chosen.
#[derive(Clone, Debug, InputObject)]
pub struct DueAtInput {
    /// Instant.
    pub instant: DateTime,
    /// IANA name of the time zone, such as `Europe/Berlin`.
    #[graphql(default = "UTC")]
    pub time_zone: String,
}

/// Input of `updateTask`. Fields left out stay unchanged; null clears the description, the due date, the list or the
/// parent.
#[derive(Clone, Debug, InputObject)]
pub struct UpdateTaskInput {
    /// Id of the task.
    pub id: ID,
    /// Fail with `CONFLICT`, which carries the current state, unless this is the current revision.
    pub expected_revision: Option<BigInt>,
    /// Title, 1 to 200 characters after trimming.
    pub title: MaybeUndefined<String>,
    /// Description, at most 1,000 characters unless the server allows more, or null for none.
    pub description: MaybeUndefined<String>,
    /// Whether the task is completed. Completing a task completes its subtasks too.
    pub completed: MaybeUndefined<bool>,
    /// Priority of the task.
    pub priority: MaybeUndefined<Priority>,
    /// When the task is due, or null for no date.
    pub due: MaybeUndefined<DueInput>,
    /// Id of the list, or null for none. The subtasks follow.
    pub list_id: MaybeUndefined<ID>,
    /// Id of the parent task, or null for none.
    pub parent_id: MaybeUndefined<ID>,
    /// Ids of all labels of the task, at most 10: replaces the labels that it has.
    pub label_ids: MaybeUndefined<Vec<ID>>,
}

/// Tasks to work on, by id or by filter; at most 500.
#[derive(Clone, Debug, OneofObject)]
pub enum TaskSelection {
    /// Ids of the tasks. Each must exist.
    Ids(Vec<ID>),
    /// All tasks that match the filter, which must have at least one condition.
    Filter(BoundedFilter),
}

/// One key of an order of tasks.
#[derive(Clone, Copy, Debug, InputObject)]
pub struct TaskOrder {
    /// Field to order by.
    pub by: TaskOrderBy,
    /// Direction. By default times and priorities are descending, titles, due dates and positions ascending.
    pub direction: Option<OrderDirection>,
    /// Where tasks without the value come, whatever the direction; only for fields that may be null. By default last.
    pub nulls: Option<NullsOrder>,
}

/// Fields that tasks can be ordered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "OrderBy")]
pub enum TaskOrderBy {
    /// Time of creation.
    CreatedAt,
    /// Time of the last change.
    UpdatedAt,
    /// Time of completion. It is null while a task is open.
    CompletedAt,
    /// Title, ignoring case.
    Title,
    /// Due date or instant. It may be null. A due date counts as its midnight in UTC.
    Due,
    /// Priority.
    Priority,
    /// Manual order.
    Position,
}

/// Direction of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum OrderDirection {
    /// Ascending: lowest, earliest or first value first.
    Asc,
    /// Descending: highest, latest or last value first.
    Desc,
}

/// Place of tasks without a value in an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum NullsOrder {
    /// Tasks without a value first.
    First,
    /// Tasks without a value last.
    Last,
}

impl CreateTaskInput {
    /// The task that is to be made, whose description has at most so many characters.
    pub fn checked(self, max_description: usize) -> Result<NewTask, Error> {
        let input = self;
        let mut check = Check::default();
        let id =
            check.optional("id", input.id.as_ref().map(|it| it.parse().map(TaskId).map_err(|_| ValidationError::Uuid)));
        let title = check.field("title", Title::parse(&input.title));
        let description =
            check.optional("description", input.description.map(|it| Description::parse(&it, max_description)));
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
            extra: ExtraFields::default(),
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

impl UpdateTaskInput {
    /// What is to change; a description has at most so many characters.
    pub fn checked(self, max_description: usize) -> Result<TaskPatch, Error> {
        let input = self;
        let mut check = Check::default();
        let title = check.required("title", input.title.map_value(|it| Title::parse(&it)));
        let description =
            check.clearable("description", input.description.map_value(|it| Description::parse(&it, max_description)));
        let due = check.clearable("due", input.due.map_value(Due::try_from));
        let completed = check.required("completed", input.completed.map_value(Ok));
        let priority = check.required("priority", input.priority.map_value(|it| Ok(it.into())));
        let labels = check.required("labels", input.label_ids.map_value(Ok)).map(|it| each_label("labels", &it));
        let labels = labels.transpose()?;
        let (list, parent) = (optional(&input.list_id, list_id)?, optional(&input.parent_id, task_id)?);
        let labels = labels.map(LabelSelection::Ids);
        let extra = ExtraFields::default();
        check.passed(Some(TaskPatch { title, description, completed, priority, due, list, parent, labels, extra }))
    }
}

impl TryFrom<TaskSelection> for Selection {
    type Error = Error;

    fn try_from(input: TaskSelection) -> Result<Self, Error> {
        match input {
            TaskSelection::Ids(ids) => {
                let ids = ids.iter().enumerate();
                let ids = ids.map(|(index, id)| task_id(id).map_err(|error| error.at(index)));
                ids.collect::<Result<_, _>>().map(Self::Ids)
            }
            TaskSelection::Filter(filter) => Self::meeting(filter.into_selected()?),
        }
    }
}

/// What is no id at all is the id of no task.
pub fn task_id(id: &ID) -> Result<TaskId, Error> {
    id.parse().map(TaskId).map_err(|_| Error::NotFound(Thing::Task))
}

/// An id that may be absent, or null for none.
fn optional<T>(id: &MaybeUndefined<ID>, read: fn(&ID) -> Result<T, Error>) -> Result<Option<Option<T>>, Error> {
    match id {
        MaybeUndefined::Undefined => Ok(None),
        MaybeUndefined::Null => Ok(Some(None)),
        MaybeUndefined::Value(id) => read(id).map(|id| Some(Some(id))),
    }
}

impl TryFrom<TaskOrder> for OrderKey {
    type Error = Error;

    fn try_from(TaskOrder { by, direction, nulls }: TaskOrder) -> Result<Self, Error> {
        let mut key = Self::new(by.into());
        if nulls.is_some() && !matches!(by, TaskOrderBy::CompletedAt | TaskOrderBy::Due) {
            return Err(Error::invalid("nulls", ValidationError::Rule("is only for COMPLETED_AT and DUE")));
        }
        key.nulls_first = nulls == Some(NullsOrder::First);
        if let Some(direction) = direction {
            key.descending = direction == OrderDirection::Desc;
        }
        Ok(key)
    }
}

/// The order that a list of keys says.
pub fn order_from(keys: Vec<TaskOrder>) -> Result<Order, Error> {
    Order::parse(keys.into_iter().map(TryInto::try_into).collect::<Result<_, _>>()?)
}
