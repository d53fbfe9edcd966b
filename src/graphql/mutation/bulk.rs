//! What can be done to many tasks at once: all or nothing.

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object, SimpleObject};

use super::payload::Payload;
use crate::{
    error::{Error, ValidationError},
    graphql::{errors::GraphqlError, guard::Guard},
    service::tasks::MAX_BULK,
    view::{CreateTaskInput, Task, TaskSelection, each_label, list_id},
};

/// Mutations of many tasks.
#[derive(Default)]
pub struct BulkMutation;

/// Input of `createTasks`.
#[derive(InputObject)]
pub(super) struct CreateTasksInput {
    /// Tasks to create, at most 500, in this order.
    tasks: Vec<CreateTaskInput>,
}

/// Result of `createTasks`.
#[derive(SimpleObject)]
pub(super) struct CreateTasksPayload {
    /// New tasks, in the order of the input.
    tasks: Vec<Task>,
}

/// Input of `setTasksCompleted`.
#[derive(InputObject)]
pub(super) struct SetTasksCompletedInput {
    /// Tasks to change.
    selection: TaskSelection,
    /// Whether the tasks are to be completed (true) or open (false).
    completed: bool,
}

/// Result of `setTasksCompleted`.
#[derive(SimpleObject)]
pub(super) struct SetTasksCompletedPayload {
    /// Tasks after the change.
    tasks: Vec<Task>,
}

/// Input of `moveTasks`.
#[derive(InputObject)]
pub(super) struct MoveTasksInput {
    /// Tasks to move. None may be a subtask.
    selection: TaskSelection,
    /// Id of the list to move to; null for no list. It must be given.
    list_id: MaybeUndefined<ID>,
}

/// Result of `moveTasks`.
#[derive(SimpleObject)]
pub(super) struct MoveTasksPayload {
    /// Tasks after the move.
    tasks: Vec<Task>,
}

/// Input of `labelTasks`.
#[derive(InputObject)]
pub(super) struct LabelTasksInput {
    /// Tasks to change.
    selection: TaskSelection,
    /// Ids of labels to add. A task has at most 10 labels.
    #[graphql(default)]
    add_label_ids: Vec<ID>,
    /// Ids of labels to remove.
    #[graphql(default)]
    remove_label_ids: Vec<ID>,
}

/// Result of `labelTasks`.
#[derive(SimpleObject)]
pub(super) struct LabelTasksPayload {
    /// Tasks after the change.
    tasks: Vec<Task>,
}

/// Input of `deleteTasks`.
#[derive(InputObject)]
pub(super) struct DeleteTasksInput {
    /// Tasks to delete. Their subtasks are deleted too.
    selection: TaskSelection,
}

/// Result of `deleteTasks`.
#[derive(SimpleObject)]
pub(super) struct DeleteTasksPayload {
    /// Ids of the selected tasks.
    deleted_task_ids: Vec<ID>,
}

/// Mutations of many tasks.
#[Object]
impl BulkMutation {
    /// Creates tasks, at the end of the manual order. All of them are created, or none.
    async fn create_tasks(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Tasks to create.")] input: CreateTasksInput,
    ) -> Result<Payload<CreateTasksPayload>, GraphqlError> {
        let tasks = ctx.tasks()?;
        if input.tasks.len() > MAX_BULK {
            return Err(Error::invalid("tasks", ValidationError::TooMany(MAX_BULK)).into());
        }
        let tasks_with_index = input.tasks.into_iter().enumerate();
        let checked = |it: CreateTaskInput| it.checked(tasks.max_description());
        let drafts = tasks_with_index.map(|(index, it)| checked(it).map_err(|error| error.at(index)));
        let drafts = drafts.collect::<Result<_, _>>()?;
        Ok(Payload(CreateTasksPayload { tasks: to_tasks(tasks.create_all(drafts).await?) }))
    }

    /// Completes tasks together with their subtasks, or reopens them. All of them change, or none.
    async fn set_tasks_completed(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Tasks, and the state that they are to have.")] input: SetTasksCompletedInput,
    ) -> Result<Payload<SetTasksCompletedPayload>, GraphqlError> {
        let tasks = ctx.tasks()?;
        let rows = tasks.set_all_completed(input.selection.try_into()?, input.completed).await?;
        Ok(Payload(SetTasksCompletedPayload { tasks: to_tasks(rows) }))
    }

    /// Moves tasks and their subtasks into a list, or out of their lists. All of them move, or none.
    async fn move_tasks(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Tasks, and the list to move them to.")] input: MoveTasksInput,
    ) -> Result<Payload<MoveTasksPayload>, GraphqlError> {
        let tasks = ctx.tasks()?;
        let list = match &input.list_id {
            MaybeUndefined::Undefined => {
                return Err(Error::invalid("listId", ValidationError::Rule("must be given; null is no list")).into());
            }
            MaybeUndefined::Null => None,
            MaybeUndefined::Value(id) => Some(list_id(id)?),
        };
        Ok(Payload(MoveTasksPayload { tasks: to_tasks(tasks.move_all(input.selection.try_into()?, list).await?) }))
    }

    /// Adds labels to tasks and removes labels from them. All of them change, or none.
    async fn label_tasks(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Tasks, and the labels to add and remove.")] input: LabelTasksInput,
    ) -> Result<Payload<LabelTasksPayload>, GraphqlError> {
        let tasks = ctx.tasks()?;
        let add = each_label("addLabelIds", &input.add_label_ids)?;
        let remove = each_label("removeLabelIds", &input.remove_label_ids)?;
        Ok(Payload(LabelTasksPayload {
            tasks: to_tasks(tasks.label_all(input.selection.try_into()?, add, remove).await?),
        }))
    }

    /// Deletes tasks and their subtasks, all or none. `restoreTask` can bring each back for 30 days.
    async fn delete_tasks(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Tasks to delete.")] input: DeleteTasksInput,
    ) -> Result<Payload<DeleteTasksPayload>, GraphqlError> {
        let tasks = ctx.tasks()?;
        let ids = tasks.delete_all(input.selection.try_into()?).await?;
        Ok(Payload(DeleteTasksPayload { deleted_task_ids: ids.into_iter().map(|id| ID(id.to_string())).collect() }))
    }
}

fn to_tasks(rows: Vec<entity::task::Model>) -> Vec<Task> {
    rows.into_iter().map(Task::from).collect()
}
