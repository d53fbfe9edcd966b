//! What can be done to labels.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};

use crate::{
    graphql::{failure::GraphqlError, guard::Guard},
    view::{BigInt, CreateLabelInput, Label, UpdateLabelInput, label_id},
};

/// Mutations of labels.
#[derive(Default)]
pub struct LabelMutation;

/// The label that was made.
#[derive(SimpleObject)]
pub(super) struct CreateLabelPayload {
    /// The new label.
    label: Label,
}

/// The label that was changed.
#[derive(SimpleObject)]
pub(super) struct UpdateLabelPayload {
    /// The label after the change.
    label: Label,
}

/// Which label is to go.
#[derive(InputObject)]
pub(super) struct DeleteLabelInput {
    /// Which label.
    id: ID,
    /// Delete it only if this is still its revision; otherwise the error `CONFLICT` shows what it is now.
    expected_revision: Option<BigInt>,
}

/// The label that is gone.
#[derive(SimpleObject)]
pub(super) struct DeleteLabelPayload {
    /// The id that the label had.
    deleted_label_id: ID,
}

/// Mutations of labels.
#[Object]
impl LabelMutation {
    /// Makes a label.
    async fn create_label(
        &self,
        ctx: &Context<'_>,
        input: CreateLabelInput,
    ) -> Result<CreateLabelPayload, GraphqlError> {
        let labels = ctx.labels()?;
        Ok(CreateLabelPayload { label: labels.create(input.try_into()?).await?.into() })
    }

    /// Changes a label; what the input leaves out stays as it is.
    async fn update_label(
        &self,
        ctx: &Context<'_>,
        input: UpdateLabelInput,
    ) -> Result<UpdateLabelPayload, GraphqlError> {
        let labels = ctx.labels()?;
        let (id, expected) = (label_id(&input.id)?, input.expected_revision.map(|it| it.0));
        Ok(UpdateLabelPayload { label: labels.edit(id, input.try_into()?, expected).await?.into() })
    }

    /// Deletes a label; the tasks that had it stay, and count as changed.
    async fn delete_label(
        &self,
        ctx: &Context<'_>,
        input: DeleteLabelInput,
    ) -> Result<DeleteLabelPayload, GraphqlError> {
        let labels = ctx.labels()?;
        let expected = input.expected_revision.map(|it| it.0);
        let label = labels.delete(label_id(&input.id)?, expected).await?;
        Ok(DeleteLabelPayload { deleted_label_id: ID(label.id.to_string()) })
    }
}
