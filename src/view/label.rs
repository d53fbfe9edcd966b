//! A label, and what clients send about labels.

use async_graphql::{ID, InputObject, MaybeUndefined, SimpleObject};
use entity::{id::LabelId, label};
use serde::Serialize;
use utoipa::ToSchema;

use super::{BigInt, DateTime, check::Check};
use crate::{
    error::{Error, ValidationError},
    service::{
        labels::{LabelPatch, NewLabel},
        tasks::MAX_VALUES,
        values::{Colour, LabelName},
    },
};

/// A word that tasks can be marked with.
#[derive(Clone, Debug, SimpleObject, Serialize, ToSchema)]
#[graphql(complex)]
pub struct Label {
    /// The label's id: a UUID.
    #[schema(value_type = String)]
    pub id: ID,
    /// 1 to 30 characters, unique among the user's labels, whatever its case.
    pub name: String,
    /// As `#rrggbb`.
    pub colour: Option<String>,
    /// The number of the write that last changed the label: for `expectedRevision`.
    pub revision: BigInt,
    /// When it was made.
    pub created_at: DateTime,
    /// When it last changed.
    pub updated_at: DateTime,
    /// What its relations are found by.
    #[graphql(skip)]
    #[serde(skip)]
    pub key: LabelId,
}

/// A label to be made.
#[derive(Clone, Debug, InputObject)]
pub struct CreateLabelInput {
    /// A UUID that the client chose: sent twice, it makes one label, which both calls answer.
    pub id: Option<ID>,
    /// 1 to 30 characters after trimming; the error `NAME_TAKEN` says that a label has this name.
    pub name: String,
    /// As `#rrggbb`.
    pub colour: Option<String>,
}

/// Changes to a label. A field that is absent stays as it is; null clears the colour.
#[derive(Clone, Debug, InputObject)]
pub struct UpdateLabelInput {
    /// Which label.
    pub id: ID,
    /// Change it only if this is still its revision; otherwise the error `CONFLICT` shows what it is now.
    pub expected_revision: Option<BigInt>,
    /// 1 to 30 characters after trimming.
    pub name: MaybeUndefined<String>,
    /// As `#rrggbb`, or null for none.
    pub colour: MaybeUndefined<String>,
}

impl From<label::Model> for Label {
    fn from(row: label::Model) -> Self {
        let label::Model { id, user_id: _, name, folded: _, colour, revision, created_at, updated_at, deleted_at: _ } =
            row;
        Self {
            id: ID(id.to_string()),
            name,
            colour,
            revision: BigInt(revision),
            created_at: created_at.into(),
            updated_at: updated_at.into(),
            key: id,
        }
    }
}

impl TryFrom<CreateLabelInput> for NewLabel {
    type Error = Error;

    fn try_from(input: CreateLabelInput) -> Result<Self, Error> {
        let mut check = Check::default();
        let id = check
            .optional("id", input.id.as_ref().map(|it| it.parse().map(LabelId).map_err(|_| ValidationError::Uuid)));
        let name = check.field("name", LabelName::parse(&input.name));
        let colour = check.optional("colour", input.colour.as_deref().map(Colour::parse));
        check.passed(name.map(|name| NewLabel { id, name, colour }))
    }
}

impl TryFrom<UpdateLabelInput> for LabelPatch {
    type Error = Error;

    fn try_from(input: UpdateLabelInput) -> Result<Self, Error> {
        let mut check = Check::default();
        let name = check.required("name", input.name.map_value(|it| LabelName::parse(&it)));
        let colour = check.clearable("colour", input.colour.map_value(|it| Colour::parse(&it)));
        check.passed(Some(LabelPatch { name, colour }))
    }
}

/// What is no id at all is the id of no label.
pub fn label_id(id: &ID) -> Result<LabelId, Error> {
    id.parse().map(LabelId).map_err(|_| Error::NotFound("label"))
}

/// As [`label_id`], for several.
pub(super) fn label_ids(ids: &[ID]) -> Result<Vec<LabelId>, Error> {
    ids.iter().map(label_id).collect()
}

/// The labels that tasks are to have or not to have, of which there are not too many to be looked for.
pub fn each_label(field: &'static str, ids: &[ID]) -> Result<Vec<LabelId>, Error> {
    if ids.len() > MAX_VALUES {
        Err(Error::invalid(field, ValidationError::TooMany(MAX_VALUES)))
    } else {
        label_ids(ids)
    }
}
