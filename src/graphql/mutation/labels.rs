//! What can be done to labels.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};

use super::payload::Payload;
use crate::{
    graphql::{errors::GraphqlError, guard::Guard},
    view::{BigInt, CreateLabelInput, Label, UpdateLabelInput, label_id},
};

/// Mutations of labels.
#[derive(Default)]
pub struct LabelMutation;

/// Result of `createLabel`.
#[derive(SimpleObject)]
pub(super) struct CreateLabelPayload {
    /// New label.
    label: Label,
}

/// Result of `updateLabel`.
#[derive(SimpleObject)]
pub(super) struct UpdateLabelPayload {
    /// Label after the change.
    label: Label,
}

/// Input of `deleteLabel`.
#[derive(InputObject)]
pub(super) struct DeleteLabelInput {
    /// Id of the label.
    id: ID,
    /// Fail with `CONFLICT`, which carries the current state, unless this is the current revision.
    expected_revision: Option<BigInt>,
}

/// Result of `deleteLabel`.
#[derive(SimpleObject)]
pub(super) struct DeleteLabelPayload {
    /// Id of the deleted label.
    deleted_label_id: ID,
}

/// Input of `restoreLabel`.
#[derive(InputObject)]
pub(super) struct RestoreLabelInput {
    /// Id of the label.
    id: ID,
}

/// Result of `restoreLabel`.
#[derive(SimpleObject)]
pub(super) struct RestoreLabelPayload {
    /// Restored label.
    label: Label,
}

/// Mutations of labels.
#[Object]
impl LabelMutation {
    /// Creates a label.
    async fn create_label(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Label to create.")] input: CreateLabelInput,
    ) -> Result<Payload<CreateLabelPayload>, GraphqlError> {
        let labels = ctx.labels()?;
        Ok(Payload(CreateLabelPayload { label: labels.create(input.try_into()?).await?.into() }))
    }

    /// Changes a label. Fields that the input leaves out stay unchanged.
    async fn update_label(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Label, and what to change of it.")] input: UpdateLabelInput,
    ) -> Result<Payload<UpdateLabelPayload>, GraphqlError> {
        let labels = ctx.labels()?;
        let (id, expected) = (label_id(&input.id)?, input.expected_revision.map(|it| it.0));
        Ok(Payload(UpdateLabelPayload { label: labels.edit(id, input.try_into()?, expected).await?.into() }))
    }

    /// Deletes a label and removes it from its tasks, which count as changed. `restoreLabel` can bring the label back for
    /// 30 days.
    async fn delete_label(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Label to delete.")] input: DeleteLabelInput,
    ) -> Result<Payload<DeleteLabelPayload>, GraphqlError> {
        let labels = ctx.labels()?;
        let expected = input.expected_revision.map(|it| it.0);
        let label = labels.delete(label_id(&input.id)?, expected).await?;
        Ok(Payload(DeleteLabelPayload { deleted_label_id: ID(label.id.to_string()) }))
    }

    /// Restores a label that was deleted in the last 30 days. No task has it. Fails with `NAME_TAKEN` if another label has its name now.
    async fn restore_label(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Label to restore.")] input: RestoreLabelInput,
    ) -> Result<Payload<RestoreLabelPayload>, GraphqlError> {
        let labels = ctx.labels()?;
        Ok(Payload(RestoreLabelPayload { label: labels.restore(label_id(&input.id)?).await?.into() }))
    }
}
