//! What can be done.

use async_graphql::{Context, ID, Object, SimpleObject};
use entity::id::TaskId;

use super::{failure::Failure, guard::Guard};
use crate::{
    error::Error,
    service::tasks::{Edit, Key},
    view::{CreateTaskInput, DeleteTaskInput, SetTaskCompletedInput, Task, UpdateTaskInput},
};

/// The root type `Mutation`.
pub struct Mutation;

/// The task that was made.
#[derive(SimpleObject)]
pub(super) struct CreateTaskPayload {
    /// The new task.
    task: Task,
}

/// The task that was changed.
#[derive(SimpleObject)]
pub(super) struct UpdateTaskPayload {
    /// The task after the change.
    task: Task,
}

/// The task whose state was set.
#[derive(SimpleObject)]
pub(super) struct SetTaskCompletedPayload {
    /// The task after the change.
    task: Task,
}

/// The task that is gone.
#[derive(SimpleObject)]
pub(super) struct DeleteTaskPayload {
    /// The id that the task had.
    deleted_task_id: ID,
}

/// All deeds; every one is done to the signed-in user's own data.
#[Object]
impl Mutation {
    /// Makes a task.
    async fn create_task(&self, ctx: &Context<'_>, input: CreateTaskInput) -> Result<CreateTaskPayload, Failure> {
        let tasks = ctx.tasks()?;
        let task = tasks.create(input.try_into()?).await?.into();
        Ok(CreateTaskPayload { task })
    }

    /// Changes a task; what the input leaves out stays as it is.
    async fn update_task(&self, ctx: &Context<'_>, input: UpdateTaskInput) -> Result<UpdateTaskPayload, Failure> {
        let tasks = ctx.tasks()?;
        let key = key(&input.id)?;
        let task = tasks.edit(key, input.try_into()?).await?.into();
        Ok(UpdateTaskPayload { task })
    }

    /// Completes a task or opens it again; setting a state that it has already changes nothing but `updatedAt`.
    async fn set_task_completed(
        &self,
        ctx: &Context<'_>,
        input: SetTaskCompletedInput,
    ) -> Result<SetTaskCompletedPayload, Failure> {
        let tasks = ctx.tasks()?;
        let edit = Edit { completed: Some(input.completed), ..Edit::default() };
        let task = tasks.edit(key(&input.id)?, edit).await?.into();
        Ok(SetTaskCompletedPayload { task })
    }

    /// Deletes a task.
    async fn delete_task(&self, ctx: &Context<'_>, input: DeleteTaskInput) -> Result<DeleteTaskPayload, Failure> {
        let tasks = ctx.tasks()?;
        let task = tasks.delete(key(&input.id)?).await?;
        Ok(DeleteTaskPayload { deleted_task_id: task.id.into() })
    }
}

/// What is no id at all is the id of no task.
fn key(id: &ID) -> Result<Key, Error> {
    id.parse().map(|id| Key::Id(TaskId(id))).map_err(|_| Error::NotFound("task"))
}
