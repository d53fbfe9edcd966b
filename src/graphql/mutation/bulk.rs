//! What can be done to many tasks at once: all or nothing.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};

use crate::{
    error::{Error, ValidationError},
    graphql::{failure::GraphqlError, guard::Guard},
    service::tasks::{MAX_BULK, NewTask},
    view::{CreateTaskInput, Task, TaskSelection, each_label, list_id},
};

/// Mutations of many tasks.
#[derive(Default)]
pub struct BulkMutation;

/// Tasks to be made.
#[derive(InputObject)]
pub(super) struct CreateTasksInput {
    /// The tasks, at most 500, in the order in which they are made.
    tasks: Vec<CreateTaskInput>,
}

/// The tasks that were made.
#[derive(SimpleObject)]
pub(super) struct CreateTasksPayload {
    /// The new tasks, in the order of the input.
    tasks: Vec<Task>,
}

/// Which state tasks are to have.
#[derive(InputObject)]
pub(super) struct SetTasksCompletedInput {
    /// Which tasks.
    selection: TaskSelection,
    /// Whether they are done.
    completed: bool,
}

/// The tasks whose state was set.
#[derive(SimpleObject)]
pub(super) struct SetTasksCompletedPayload {
    /// The tasks after the change.
    tasks: Vec<Task>,
}

/// Which list tasks are to be in.
#[derive(InputObject)]
pub(super) struct MoveTasksInput {
    /// Which tasks; none of them a part.
    selection: TaskSelection,
    /// The list; null for none.
    list_id: Option<ID>,
}

/// The tasks that were moved.
#[derive(SimpleObject)]
pub(super) struct MoveTasksPayload {
    /// The tasks after the move.
    tasks: Vec<Task>,
}

/// Which labels tasks are to have and not to have.
#[derive(InputObject)]
pub(super) struct LabelTasksInput {
    /// Which tasks.
    selection: TaskSelection,
    /// Labels to add; a task has 10 at most.
    #[graphql(default)]
    add_label_ids: Vec<ID>,
    /// Labels to take away.
    #[graphql(default)]
    remove_label_ids: Vec<ID>,
}

/// The tasks whose labels were changed.
#[derive(SimpleObject)]
pub(super) struct LabelTasksPayload {
    /// The tasks after the change.
    tasks: Vec<Task>,
}

/// Which tasks are to go.
#[derive(InputObject)]
pub(super) struct DeleteTasksInput {
    /// Which tasks; their parts go with them.
    selection: TaskSelection,
}

/// The tasks that are gone.
#[derive(SimpleObject)]
pub(super) struct DeleteTasksPayload {
    /// The ids that the selected tasks had.
    deleted_task_ids: Vec<ID>,
}

/// Mutations of many tasks.
#[Object]
impl BulkMutation {
    /// Makes tasks, the last in manual order.
    async fn create_tasks(
        &self,
        ctx: &Context<'_>,
        input: CreateTasksInput,
    ) -> Result<CreateTasksPayload, GraphqlError> {
        let tasks = ctx.tasks()?;
        if input.tasks.len() > MAX_BULK {
            return Err(Error::invalid("tasks", ValidationError::TooMany(MAX_BULK)).into());
        }
        let drafts = input.tasks.into_iter().map(NewTask::try_from).collect::<Result<_, _>>()?;
        Ok(CreateTasksPayload { tasks: shown(tasks.create_all(drafts).await?) })
    }

    /// Completes tasks, and their parts with them, or opens them again.
    async fn set_tasks_completed(
        &self,
        ctx: &Context<'_>,
        input: SetTasksCompletedInput,
    ) -> Result<SetTasksCompletedPayload, GraphqlError> {
        let tasks = ctx.tasks()?;
        let rows = tasks.set_all_completed(input.selection.try_into()?, input.completed).await?;
        Ok(SetTasksCompletedPayload { tasks: shown(rows) })
    }

    /// Moves tasks and their parts into a list, or out of every list.
    async fn move_tasks(&self, ctx: &Context<'_>, input: MoveTasksInput) -> Result<MoveTasksPayload, GraphqlError> {
        let tasks = ctx.tasks()?;
        let list = input.list_id.as_ref().map(list_id).transpose()?;
        Ok(MoveTasksPayload { tasks: shown(tasks.move_all(input.selection.try_into()?, list).await?) })
    }

    /// Adds labels to tasks and takes others away.
    async fn label_tasks(&self, ctx: &Context<'_>, input: LabelTasksInput) -> Result<LabelTasksPayload, GraphqlError> {
        let tasks = ctx.tasks()?;
        let labels =
            (each_label("addLabelIds", &input.add_label_ids)?, each_label("removeLabelIds", &input.remove_label_ids)?);
        Ok(LabelTasksPayload { tasks: shown(tasks.label_all(input.selection.try_into()?, labels).await?) })
    }

    /// Deletes tasks and their parts. `restoreTask` brings them back for 30 days.
    async fn delete_tasks(
        &self,
        ctx: &Context<'_>,
        input: DeleteTasksInput,
    ) -> Result<DeleteTasksPayload, GraphqlError> {
        let tasks = ctx.tasks()?;
        let ids = tasks.delete_all(input.selection.try_into()?).await?;
        Ok(DeleteTasksPayload { deleted_task_ids: ids.into_iter().map(|id| ID(id.to_string())).collect() })
    }
}

fn shown(rows: Vec<entity::task::Model>) -> Vec<Task> {
    rows.into_iter().map(Task::from).collect()
}
