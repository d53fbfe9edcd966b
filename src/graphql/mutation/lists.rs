//! What can be done to lists.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};

use super::{payload::Payload, tasks::PositionInput};
use crate::{
    graphql::{errors::GraphqlError, guard::Guard},
    service::lists::ListPosition,
    view::{BigInt, CreateTaskListInput, TaskList, UpdateTaskListInput, list_id},
};

/// Mutations of lists.
#[derive(Default)]
pub struct ListMutation;

/// Result of `createTaskList`.
#[derive(SimpleObject)]
pub(super) struct CreateTaskListPayload {
    /// New list.
    task_list: TaskList,
}

/// Result of `updateTaskList`.
#[derive(SimpleObject)]
pub(super) struct UpdateTaskListPayload {
    /// List after the change.
    task_list: TaskList,
}

/// Input of `moveTaskList`.
#[derive(InputObject)]
pub(super) struct MoveTaskListInput {
    /// Id of the list.
    id: ID,
    /// Position to move to.
    position: PositionInput,
    /// Fail with `CONFLICT`, which carries the current state, unless this is the current revision.
    expected_revision: Option<BigInt>,
}

/// Result of `moveTaskList`.
#[derive(SimpleObject)]
pub(super) struct MoveTaskListPayload {
    /// List after the move.
    task_list: TaskList,
}

/// Input of `deleteTaskList`.
#[derive(InputObject)]
pub(super) struct DeleteTaskListInput {
    /// Id of the list.
    id: ID,
    /// Fail with `CONFLICT`, which carries the current state, unless this is the current revision.
    expected_revision: Option<BigInt>,
}

/// Result of `deleteTaskList`.
#[derive(SimpleObject)]
pub(super) struct DeleteTaskListPayload {
    /// Id of the deleted list.
    deleted_task_list_id: ID,
}

/// Input of `restoreTaskList`.
#[derive(InputObject)]
pub(super) struct RestoreTaskListInput {
    /// Id of the list.
    id: ID,
}

/// Result of `restoreTaskList`.
#[derive(SimpleObject)]
pub(super) struct RestoreTaskListPayload {
    /// Restored list.
    task_list: TaskList,
}

/// Mutations of lists.
#[Object]
impl ListMutation {
    /// Creates a list, at the end of the lists.
    async fn create_task_list(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "List to create.")] input: CreateTaskListInput,
    ) -> Result<Payload<CreateTaskListPayload>, GraphqlError> {
        let lists = ctx.lists()?;
        Ok(Payload(CreateTaskListPayload { task_list: lists.create(input.try_into()?).await?.into() }))
    }

    /// Changes a list. Fields that the input leaves out stay unchanged.
    async fn update_task_list(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "List, and what to change of it.")] input: UpdateTaskListInput,
    ) -> Result<Payload<UpdateTaskListPayload>, GraphqlError> {
        let lists = ctx.lists()?;
        let (id, expected) = (list_id(&input.id)?, input.expected_revision.map(|it| it.0));
        Ok(Payload(UpdateTaskListPayload { task_list: lists.edit(id, input.try_into()?, expected).await?.into() }))
    }

    /// Moves a list to another position among the lists.
    async fn move_task_list(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "List, and where to move it.")] input: MoveTaskListInput,
    ) -> Result<Payload<MoveTaskListPayload>, GraphqlError> {
        let lists = ctx.lists()?;
        let position = match input.position {
            PositionInput::Before(id) => ListPosition::Before(list_id(&id)?),
            PositionInput::After(id) => ListPosition::After(list_id(&id)?),
        };
        let expected = input.expected_revision.map(|it| it.0);
        Ok(Payload(MoveTaskListPayload {
            task_list: lists.move_to(list_id(&input.id)?, position, expected).await?.into(),
        }))
    }

    /// Deletes a list. Its tasks stay, without a list. `restoreTaskList` can bring the list back for 30 days.
    async fn delete_task_list(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "List to delete.")] input: DeleteTaskListInput,
    ) -> Result<Payload<DeleteTaskListPayload>, GraphqlError> {
        let lists = ctx.lists()?;
        let expected = input.expected_revision.map(|it| it.0);
        let list = lists.delete(list_id(&input.id)?, expected).await?;
        Ok(Payload(DeleteTaskListPayload { deleted_task_list_id: ID(list.id.to_string()) }))
    }

    /// Restores a list that was deleted in the last 30 days. Its former tasks stay where they are now.
    async fn restore_task_list(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "List to restore.")] input: RestoreTaskListInput,
    ) -> Result<Payload<RestoreTaskListPayload>, GraphqlError> {
        let lists = ctx.lists()?;
        Ok(Payload(RestoreTaskListPayload { task_list: lists.restore(list_id(&input.id)?).await?.into() }))
    }
}
