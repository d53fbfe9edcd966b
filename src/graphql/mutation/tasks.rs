//! What can be done to one task.

use async_graphql::{Context, ID, InputObject, Object, OneofObject, SimpleObject};

use super::payload::Payload;
use crate::{
    graphql::{errors::GraphqlError, guard::Guard, task_output::TaskRow},
    service::tasks::{Position, TaskPatch, TaskRef},
    view::{BigInt, CreateTaskInput, UpdateTaskInput, task_id},
};

/// Mutations of one task.
#[derive(Default)]
pub struct TaskMutation;

/// Result of `createTask`.
#[derive(SimpleObject)]
pub(super) struct CreateTaskPayload {
    /// New task.
    task: TaskRow,
}

/// Result of `updateTask`.
#[derive(SimpleObject)]
pub(super) struct UpdateTaskPayload {
    /// Task after the change.
    task: TaskRow,
}

/// Input of `setTaskCompleted`.
#[derive(InputObject)]
pub(super) struct SetTaskCompletedInput {
    /// Id of the task.
    id: ID,
    /// Whether the task is completed.
    completed: bool,
    /// Fail with `CONFLICT`, which carries the current state, unless this is the current revision.
    expected_revision: Option<BigInt>,
}

/// Result of `setTaskCompleted`.
#[derive(SimpleObject)]
pub(super) struct SetTaskCompletedPayload {
    /// Task after the change.
    task: TaskRow,
}

/// Input of `moveTask`.
#[derive(InputObject)]
pub(super) struct MoveTaskInput {
    /// Id of the task.
    id: ID,
    /// Position to move to.
    position: PositionInput,
    /// Fail with `CONFLICT`, which carries the current state, unless this is the current revision.
    expected_revision: Option<BigInt>,
}

/// Position next to another task or list.
#[derive(OneofObject)]
pub(super) enum PositionInput {
    /// Directly before the one with this id.
    Before(ID),
    /// Directly after the one with this id.
    After(ID),
}

/// Result of `moveTask`.
#[derive(SimpleObject)]
pub(super) struct MoveTaskPayload {
    /// Task after the move.
    task: TaskRow,
}

/// Input of `deleteTask`.
#[derive(InputObject)]
pub(super) struct DeleteTaskInput {
    /// Id of the task.
    id: ID,
    /// Fail with `CONFLICT`, which carries the current state, unless this is the current revision.
    expected_revision: Option<BigInt>,
}

/// Result of `deleteTask`.
#[derive(SimpleObject)]
pub(super) struct DeleteTaskPayload {
    /// Id of the deleted task.
    deleted_task_id: ID,
}

/// Input of `restoreTask`.
#[derive(InputObject)]
pub(super) struct RestoreTaskInput {
    /// Id of the task.
    id: ID,
}

/// Result of `restoreTask`.
#[derive(SimpleObject)]
pub(super) struct RestoreTaskPayload {
    /// Task.
    task: TaskRow,
}

/// Mutations of one task.
#[Object]
impl TaskMutation {
    /// Creates a task, at the end of the manual order.
    async fn create_task(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Task to create.")] input: CreateTaskInput,
    ) -> Result<Payload<CreateTaskPayload>, GraphqlError> {
        let tasks = ctx.tasks()?;
        let task = tasks.create(input.checked(tasks.max_description())?).await?.into();
        Ok(Payload(CreateTaskPayload { task }))
    }

    /// Changes a task. Fields that the input leaves out stay unchanged. The subtasks follow a task into another list.
    async fn update_task(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Task, and what to change of it.")] input: UpdateTaskInput,
    ) -> Result<Payload<UpdateTaskPayload>, GraphqlError> {
        let tasks = ctx.tasks()?;
        let (key, expected) = (TaskRef::Id(task_id(&input.id)?), input.expected_revision.map(|it| it.0));
        let task = tasks.edit(key, input.checked(tasks.max_description())?, expected).await?.into();
        Ok(Payload(UpdateTaskPayload { task }))
    }

    /// Completes a task and its subtasks, or reopens the task alone. Setting the state that it already has changes only
    /// `updatedAt` and `revision`.
    async fn set_task_completed(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Task, and the state that it is to have.")] input: SetTaskCompletedInput,
    ) -> Result<Payload<SetTaskCompletedPayload>, GraphqlError> {
        let tasks = ctx.tasks()?;
        let edit = TaskPatch { completed: Some(input.completed), ..TaskPatch::default() };
        let expected = input.expected_revision.map(|it| it.0);
        let task = tasks.edit(TaskRef::Id(task_id(&input.id)?), edit, expected).await?.into();
        Ok(Payload(SetTaskCompletedPayload { task }))
    }

    /// Moves a task to another position in the manual order.
    async fn move_task(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Task, and where to move it.")] input: MoveTaskInput,
    ) -> Result<Payload<MoveTaskPayload>, GraphqlError> {
        let tasks = ctx.tasks()?;
        let position = match input.position {
            PositionInput::Before(id) => Position::Before(task_id(&id)?),
            PositionInput::After(id) => Position::After(task_id(&id)?),
        };
        let expected = input.expected_revision.map(|it| it.0);
        let task = tasks.move_to(TaskRef::Id(task_id(&input.id)?), position, expected).await?.into();
        Ok(Payload(MoveTaskPayload { task }))
    }

    /// Deletes a task and its subtasks. `restoreTask` can bring them back for 30 days.
    async fn delete_task(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Task to delete.")] input: DeleteTaskInput,
    ) -> Result<Payload<DeleteTaskPayload>, GraphqlError> {
        let tasks = ctx.tasks()?;
        let expected = input.expected_revision.map(|it| it.0);
        let task = tasks.delete(TaskRef::Id(task_id(&input.id)?), expected).await?;
        Ok(Payload(DeleteTaskPayload { deleted_task_id: ID(task.id.to_string()) }))
    }

    /// Restores a deleted task, with the subtasks that were deleted together with it.
    async fn restore_task(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Task to restore.")] input: RestoreTaskInput,
    ) -> Result<Payload<RestoreTaskPayload>, GraphqlError> {
        let tasks = ctx.tasks()?;
        let task = tasks.restore(task_id(&input.id)?).await?.into();
        Ok(Payload(RestoreTaskPayload { task }))
    }
}
