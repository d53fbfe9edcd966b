//! What can be done to one task.

use async_graphql::{Context, ID, InputObject, Object, OneofObject, SimpleObject};

use crate::{
    graphql::{failure::GraphqlError, guard::Guard, written::TaskRow},
    service::tasks::{Position, TaskPatch, TaskRef},
    view::{BigInt, CreateTaskInput, UpdateTaskInput, task_id},
};

/// Mutations of one task.
#[derive(Default)]
pub struct TaskMutation;

/// The task that was made.
#[derive(SimpleObject)]
pub(super) struct CreateTaskPayload {
    /// The new task.
    task: TaskRow,
}

/// The task that was changed.
#[derive(SimpleObject)]
pub(super) struct UpdateTaskPayload {
    /// The task after the change.
    task: TaskRow,
}

/// Which state a task is to have.
#[derive(InputObject)]
pub(super) struct SetTaskCompletedInput {
    /// Which task.
    id: ID,
    /// Whether it is done.
    completed: bool,
    /// Change it only if this is still its revision; otherwise the error `CONFLICT` shows what it is now.
    expected_revision: Option<BigInt>,
}

/// The task whose state was set.
#[derive(SimpleObject)]
pub(super) struct SetTaskCompletedPayload {
    /// The task after the change.
    task: TaskRow,
}

/// Where a task is to stand in manual order.
#[derive(InputObject)]
pub(super) struct MoveTaskInput {
    /// Which task.
    id: ID,
    /// Where to.
    place: PlaceInput,
    /// Move it only if this is still its revision; otherwise the error `CONFLICT` shows what it is now.
    expected_revision: Option<BigInt>,
}

/// A place in front of or behind something.
#[derive(OneofObject)]
pub(super) enum PlaceInput {
    /// In front of the one with this id.
    Before(ID),
    /// Behind the one with this id.
    After(ID),
}

/// The task that was moved.
#[derive(SimpleObject)]
pub(super) struct MoveTaskPayload {
    /// The task after the move.
    task: TaskRow,
}

/// Which task is to go.
#[derive(InputObject)]
pub(super) struct DeleteTaskInput {
    /// Which task.
    id: ID,
    /// Delete it only if this is still its revision; otherwise the error `CONFLICT` shows what it is now.
    expected_revision: Option<BigInt>,
}

/// The task that is gone.
#[derive(SimpleObject)]
pub(super) struct DeleteTaskPayload {
    /// The id that the task had.
    deleted_task_id: ID,
}

/// Which task is to come back.
#[derive(InputObject)]
pub(super) struct RestoreTaskInput {
    /// Which task.
    id: ID,
}

/// The task that came back.
#[derive(SimpleObject)]
pub(super) struct RestoreTaskPayload {
    /// The task.
    task: TaskRow,
}

/// Mutations of one task.
#[Object]
impl TaskMutation {
    /// Makes a task, the last in manual order.
    async fn create_task(&self, ctx: &Context<'_>, input: CreateTaskInput) -> Result<CreateTaskPayload, GraphqlError> {
        let tasks = ctx.tasks()?;
        let task = tasks.create(input.try_into()?).await?.into();
        Ok(CreateTaskPayload { task })
    }

    /// Changes a task; what the input leaves out stays as it is. Its parts follow it into another list.
    async fn update_task(&self, ctx: &Context<'_>, input: UpdateTaskInput) -> Result<UpdateTaskPayload, GraphqlError> {
        let tasks = ctx.tasks()?;
        let (key, expected) = (TaskRef::Id(task_id(&input.id)?), input.expected_revision.map(|it| it.0));
        let task = tasks.edit(key, input.try_into()?, expected).await?.into();
        Ok(UpdateTaskPayload { task })
    }

    /// Completes a task, and its parts with it, or opens it again, without its parts. Setting a state that it has
    /// already changes nothing but `updatedAt` and `revision`.
    async fn set_task_completed(
        &self,
        ctx: &Context<'_>,
        input: SetTaskCompletedInput,
    ) -> Result<SetTaskCompletedPayload, GraphqlError> {
        let tasks = ctx.tasks()?;
        let edit = TaskPatch { completed: Some(input.completed), ..TaskPatch::default() };
        let expected = input.expected_revision.map(|it| it.0);
        let task = tasks.edit(TaskRef::Id(task_id(&input.id)?), edit, expected).await?.into();
        Ok(SetTaskCompletedPayload { task })
    }

    /// Moves a task in manual order.
    async fn move_task(&self, ctx: &Context<'_>, input: MoveTaskInput) -> Result<MoveTaskPayload, GraphqlError> {
        let tasks = ctx.tasks()?;
        let place = match input.place {
            PlaceInput::Before(id) => Position::Before(task_id(&id)?),
            PlaceInput::After(id) => Position::After(task_id(&id)?),
        };
        let expected = input.expected_revision.map(|it| it.0);
        let task = tasks.move_to(TaskRef::Id(task_id(&input.id)?), place, expected).await?.into();
        Ok(MoveTaskPayload { task })
    }

    /// Deletes a task and its parts. `restoreTask` brings them back for 30 days.
    async fn delete_task(&self, ctx: &Context<'_>, input: DeleteTaskInput) -> Result<DeleteTaskPayload, GraphqlError> {
        let tasks = ctx.tasks()?;
        let expected = input.expected_revision.map(|it| it.0);
        let task = tasks.delete(TaskRef::Id(task_id(&input.id)?), expected).await?;
        Ok(DeleteTaskPayload { deleted_task_id: ID(task.id.to_string()) })
    }

    /// Brings a deleted task back, with the parts that were deleted together with it.
    async fn restore_task(
        &self,
        ctx: &Context<'_>,
        input: RestoreTaskInput,
    ) -> Result<RestoreTaskPayload, GraphqlError> {
        let tasks = ctx.tasks()?;
        let task = tasks.restore(task_id(&input.id)?).await?.into();
        Ok(RestoreTaskPayload { task })
    }
}
