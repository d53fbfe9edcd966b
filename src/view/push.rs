//! What clients push, and how it becomes what the services take.

use async_graphql::{ID, InputObject, OneofObject};
use entity::id::{LabelId, ListId, TaskId};
use uuid::Uuid;

use super::{BigInt, CreateLabelInput, CreateTaskInput, CreateTaskListInput, DueInput, Priority};
use crate::{
    error::{Error, ValidationError},
    service::push::{ListState, Pushed, PushedChange, RowId, UnreadableRow},
};

/// One row of `pushChanges`.
#[derive(Clone, Debug, OneofObject)]
#[graphql(name = "PushedChange")]
pub enum PushedChangeInput {
    /// A task.
    Task(PushedTask),
    /// A list.
    TaskList(PushedTaskList),
    /// A label.
    Label(PushedLabel),
}

/// A task as the client has it: its full state, or that it is deleted.
#[derive(Clone, Debug, InputObject)]
pub struct PushedTask {
    /// UUID of the task, chosen by the client if the task is new.
    pub id: ID,
    /// Revision of the task that the client saw last, of a deleted task too; null if it knows of none.
    pub expected_revision: Option<BigInt>,
    /// Full state: creates the task, changes it, or brings a deleted one back. Not together with `deleted: true`.
    pub state: Option<TaskState>,
    /// True deletes the task and its subtasks.
    #[graphql(default)]
    pub deleted: bool,
}

/// Full state of a task. What is left out is null. The position in manual order is not part of it: see `moveTask`.
#[derive(Clone, Debug, InputObject)]
pub struct TaskState {
    /// Title, 1 to 200 characters after trimming.
    pub title: String,
    /// Description, at most 1,000 characters unless the server allows more.
    pub description: Option<String>,
    /// Whether the task is completed. Completing a task completes its subtasks too, but for those in the same call.
    pub completed: bool,
    /// Priority of the task.
    pub priority: Priority,
    /// When the task is due.
    pub due: Option<DueInput>,
    /// Id of the list. That of a subtask is ignored: it is in the list of its parent.
    pub list_id: Option<ID>,
    /// Id of the parent task, which must not be a subtask itself.
    pub parent_id: Option<ID>,
    /// Ids of all labels of the task, at most 10.
    pub label_ids: Vec<ID>,
}

/// A list as the client has it: its full state, or that it is deleted.
#[derive(Clone, Debug, InputObject)]
pub struct PushedTaskList {
    /// UUID of the list, chosen by the client if the list is new.
    pub id: ID,
    /// Revision of the list that the client saw last, of a deleted list too; null if it knows of none.
    pub expected_revision: Option<BigInt>,
    /// Full state: creates the list, changes it, or brings a deleted one back. Not together with `deleted: true`.
    pub state: Option<TaskListState>,
    /// True deletes the list. Its tasks stay, without a list.
    #[graphql(default)]
    pub deleted: bool,
}

/// Full state of a list. The position is not part of it: see `moveTaskList`.
#[derive(Clone, Debug, InputObject)]
pub struct TaskListState {
    /// Name, 1 to 100 characters after trimming.
    pub name: String,
    /// Color as `#rrggbb`.
    pub color: Option<String>,
    /// Whether the list is archived.
    pub archived: bool,
}

/// A label as the client has it: its full state, or that it is deleted.
#[derive(Clone, Debug, InputObject)]
pub struct PushedLabel {
    /// UUID of the label, chosen by the client if the label is new.
    pub id: ID,
    /// Revision of the label that the client saw last, of a deleted label too; null if it knows of none.
    pub expected_revision: Option<BigInt>,
    /// Full state: creates the label, changes it, or brings a deleted one back. Not together with `deleted: true`.
    pub state: Option<LabelState>,
    /// True deletes the label and removes it from its tasks.
    #[graphql(default)]
    pub deleted: bool,
}

/// Full state of a label.
#[derive(Clone, Debug, InputObject)]
pub struct LabelState {
    /// Name, 1 to 30 characters after trimming, unique among the user's labels whatever its case.
    pub name: String,
    /// Color as `#rrggbb`.
    pub color: Option<String>,
}

impl PushedChangeInput {
    /// Id of the row as the object shows it, or as it came if it is none.
    pub fn shown_id(&self) -> ID {
        self.id().parse::<Uuid>().map_or_else(|_| self.id().clone(), |id| ID(id.to_string()))
    }

    /// Id of the row as it came.
    fn id(&self) -> &ID {
        match self {
            Self::Task(PushedTask { id, .. })
            | Self::TaskList(PushedTaskList { id, .. })
            | Self::Label(PushedLabel { id, .. }) => id,
        }
    }

    /// The row, whose description has at most so many characters; or what is wrong with it.
    pub fn checked(self, max_description: usize) -> Result<PushedChange, UnreadableRow> {
        let unreadable = |id: Option<RowId>| move |cause: Error| UnreadableRow { id, cause };
        let Ok(id) = self.id().parse::<Uuid>() else {
            return Err(unreadable(None)(Error::invalid("id", ValidationError::Uuid)));
        };
        Ok(match self {
            Self::Task(PushedTask { id: text, expected_revision, state, deleted }) => {
                let (id, checked) = (TaskId(id), |it: TaskState| it.input(text).checked(max_description));
                let state = one_of(state, deleted).and_then(|it| it.map(checked).transpose());
                let state = state.map_err(unreadable(Some(RowId::Task(id))))?;
                PushedChange::Task(Pushed { id, expected: expected_revision.map(|it| it.0), state })
            }
            Self::TaskList(PushedTaskList { id: text, expected_revision, state, deleted }) => {
                let id = ListId(id);
                let state = one_of(state, deleted).and_then(|it| it.map(|it| it.list(text)).transpose());
                let state = state.map_err(unreadable(Some(RowId::List(id))))?;
                PushedChange::List(Pushed { id, expected: expected_revision.map(|it| it.0), state })
            }
            Self::Label(PushedLabel { id: text, expected_revision, state, deleted }) => {
                let id = LabelId(id);
                let input = |LabelState { name, color }| CreateLabelInput { id: Some(text), name, color };
                let state = one_of(state, deleted).and_then(|it| it.map(|it| input(it).try_into()).transpose());
                let state = state.map_err(unreadable(Some(RowId::Label(id))))?;
                PushedChange::Label(Pushed { id, expected: expected_revision.map(|it| it.0), state })
            }
        })
    }
}

/// The state, or nothing for what is deleted: one of both is given.
fn one_of<S>(state: Option<S>, is_deleted: bool) -> Result<Option<S>, Error> {
    match (state, is_deleted) {
        (Some(_), true) => Err(Error::invalid("state", ValidationError::Contradiction("deleted: true"))),
        (None, false) => Err(Error::invalid("state", ValidationError::Rule("must be given unless deleted is true"))),
        (state, _) => Ok(state),
    }
}

impl TaskState {
    fn input(self, id: ID) -> CreateTaskInput {
        let Self { title, description, completed, priority, due, list_id, parent_id, label_ids } = self;
        let list_id = list_id.filter(|_| parent_id.is_none());
        CreateTaskInput { id: Some(id), title, description, completed, priority, due, list_id, parent_id, label_ids }
    }
}

impl TaskListState {
    fn list(self, id: ID) -> Result<ListState, Error> {
        let Self { name, color, archived } = self;
        let list = CreateTaskListInput { id: Some(id), name, color }.try_into()?;
        Ok(ListState { list, is_archived: archived })
    }
}
