//! What can be done to lists.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};

use super::tasks::PlaceInput;
use crate::{
    graphql::{failure::GraphqlError, guard::Guard},
    service::lists::ListPosition,
    view::{BigInt, CreateTaskListInput, TaskList, UpdateTaskListInput, list_id},
};

/// Mutations of lists.
#[derive(Default)]
pub struct ListMutation;

/// The list that was made.
#[derive(SimpleObject)]
pub(super) struct CreateTaskListPayload {
    /// The new list.
    task_list: TaskList,
}

/// The list that was changed.
#[derive(SimpleObject)]
pub(super) struct UpdateTaskListPayload {
    /// The list after the change.
    task_list: TaskList,
}

/// Where a list is to stand among the lists.
#[derive(InputObject)]
pub(super) struct MoveTaskListInput {
    /// Which list.
    id: ID,
    /// Where to.
    place: PlaceInput,
    /// Move it only if this is still its revision; otherwise the error `CONFLICT` shows what it is now.
    expected_revision: Option<BigInt>,
}

/// The list that was moved.
#[derive(SimpleObject)]
pub(super) struct MoveTaskListPayload {
    /// The list after the move.
    task_list: TaskList,
}

/// Which list is to go.
#[derive(InputObject)]
pub(super) struct DeleteTaskListInput {
    /// Which list.
    id: ID,
    /// Delete it only if this is still its revision; otherwise the error `CONFLICT` shows what it is now.
    expected_revision: Option<BigInt>,
}

/// The list that is gone.
#[derive(SimpleObject)]
pub(super) struct DeleteTaskListPayload {
    /// The id that the list had.
    deleted_task_list_id: ID,
}

/// Mutations of lists.
#[Object]
impl ListMutation {
    /// Makes a list, the last of all.
    async fn create_task_list(
        &self,
        ctx: &Context<'_>,
        input: CreateTaskListInput,
    ) -> Result<CreateTaskListPayload, GraphqlError> {
        let lists = ctx.lists()?;
        Ok(CreateTaskListPayload { task_list: lists.create(input.try_into()?).await?.into() })
    }

    /// Changes a list; what the input leaves out stays as it is.
    async fn update_task_list(
        &self,
        ctx: &Context<'_>,
        input: UpdateTaskListInput,
    ) -> Result<UpdateTaskListPayload, GraphqlError> {
        let lists = ctx.lists()?;
        let (id, expected) = (list_id(&input.id)?, input.expected_revision.map(|it| it.0));
        Ok(UpdateTaskListPayload { task_list: lists.edit(id, input.try_into()?, expected).await?.into() })
    }

    /// Moves a list among the lists.
    async fn move_task_list(
        &self,
        ctx: &Context<'_>,
        input: MoveTaskListInput,
    ) -> Result<MoveTaskListPayload, GraphqlError> {
        let lists = ctx.lists()?;
        let place = match input.place {
            PlaceInput::Before(id) => ListPosition::Before(list_id(&id)?),
            PlaceInput::After(id) => ListPosition::After(list_id(&id)?),
        };
        let expected = input.expected_revision.map(|it| it.0);
        Ok(MoveTaskListPayload { task_list: lists.move_to(list_id(&input.id)?, place, expected).await?.into() })
    }

    /// Deletes a list; its tasks stay, in no list.
    async fn delete_task_list(
        &self,
        ctx: &Context<'_>,
        input: DeleteTaskListInput,
    ) -> Result<DeleteTaskListPayload, GraphqlError> {
        let lists = ctx.lists()?;
        let expected = input.expected_revision.map(|it| it.0);
        let list = lists.delete(list_id(&input.id)?, expected).await?;
        Ok(DeleteTaskListPayload { deleted_task_list_id: ID(list.id.to_string()) })
    }
}
