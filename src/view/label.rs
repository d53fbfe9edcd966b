//! A label, and what clients send about labels.

use async_graphql::{ID, InputObject, MaybeUndefined, SimpleObject};
use entity::{id::LabelId, label};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    BigInt, DateTime,
    check::Check,
    json::{self, WriteField},
};
use crate::{
    error::{Error, Thing, ValidationError},
    service::{
        labels::{LabelPatch, NewLabel},
        tasks::MAX_VALUES,
        values::{Color, LabelName},
    },
};

/// A label. A task has up to 10.
#[derive(Clone, Debug, SimpleObject, Serialize, ToSchema)]
#[graphql(complex)]
#[schema(examples(json!({ "id": "01989b2a-7c1e-7d3f-8a4b-5c6d7e8f9a0b", "name": "home", "color": "#a0b1c2", "revision": 3,
    "created_at": "2030-01-01T08:00:00Z", "updated_at": "2030-01-01T08:00:00Z" })))]
pub struct Label {
    /// UUID of the label. It never changes.
    #[schema(value_type = String)]
    pub id: ID,
    /// Name, 1 to 30 characters, unique among the user's labels whatever its case.
    pub name: String,
    /// Color as `#rrggbb`.
    #[schema(required)]
    pub color: Option<String>,
    /// Revision of the label: changes with every write, and is what `expectedRevision` takes.
    pub revision: BigInt,
    /// When it was created.
    pub created_at: DateTime,
    /// When it was last changed.
    pub updated_at: DateTime,
    /// When it was deleted; null unless it is in the trash.
    #[serde(skip)]
    pub deleted_at: Option<DateTime>,
    /// Ids by which its relations are loaded.
    #[graphql(skip)]
    #[serde(skip)]
    pub key: LabelId,
}

/// Input of `createLabel`.
#[derive(Clone, Debug, InputObject)]
pub struct CreateLabelInput {
    /// UUID chosen by the client. A repeated call creates nothing and returns the label of the first; one with other
    /// content, or with the id of a deleted label, fails with `CONFLICT`.
    pub id: Option<ID>,
    /// Name, 1 to 30 characters after trimming. Fails with `NAME_TAKEN` if a label has this name.
    pub name: String,
    /// Color as `#rrggbb`.
    pub color: Option<String>,
}

/// Input of `updateLabel`. Fields left out stay unchanged; null clears the color.
#[derive(Clone, Debug, InputObject)]
pub struct UpdateLabelInput {
    /// Id of the label.
    pub id: ID,
    /// Fail with `CONFLICT`, which carries the current state, unless this is the current revision.
    pub expected_revision: Option<BigInt>,
    /// Name, 1 to 30 characters after trimming.
    pub name: MaybeUndefined<String>,
    /// Color as `#rrggbb`, or null for none.
    pub color: MaybeUndefined<String>,
}

impl From<label::Model> for Label {
    fn from(row: label::Model) -> Self {
        let label::Model { id, owner_id: _, name, name_key: _, color, revision, created_at, updated_at, deleted_at } =
            row;
        Self {
            id: ID(id.to_string()),
            name,
            color,
            revision: BigInt(revision),
            created_at: created_at.into(),
            updated_at: updated_at.into(),
            deleted_at: deleted_at.map(Into::into),
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
        let color = check.optional("color", input.color.as_deref().map(Color::parse));
        check.passed(name.map(|name| NewLabel { id, name, color }))
    }
}

impl TryFrom<UpdateLabelInput> for LabelPatch {
    type Error = Error;

    fn try_from(input: UpdateLabelInput) -> Result<Self, Error> {
        let mut check = Check::default();
        let name = check.required("name", input.name.map_value(|it| LabelName::parse(&it)));
        let color = check.clearable("color", input.color.map_value(|it| Color::parse(&it)));
        check.passed(Some(LabelPatch { name, color }))
    }
}

/// What is no id at all is the id of no label.
pub fn label_id(id: &ID) -> Result<LabelId, Error> {
    id.parse().map(LabelId).map_err(|_| Error::NotFound(Thing::Label))
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

impl WriteField for label::Model {
    const TYPE: &'static str = "Label";
    const FIELDS: &'static [&'static str] = &["id", "name", "color", "revision", "createdAt", "updatedAt", "deletedAt"];

    fn write(&self, field: &str, into: &mut Vec<u8>) -> bool {
        match field {
            "id" => json::id(self.id.0, into),
            "name" => json::text(&self.name, into),
            "color" => json::text_if_any(self.color.as_deref(), into),
            "revision" => json::json(BigInt(self.revision), into),
            "createdAt" => json::instant(self.created_at, into),
            "updatedAt" => json::instant(self.updated_at, into),
            "deletedAt" => json::instant_if_any(self.deleted_at, into),
            _ => false,
        }
    }
}
