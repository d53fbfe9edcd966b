//! Pushing what an offline client has changed.

use async_graphql::{Context, Enum, ID, InputObject, Object, SimpleObject};

use super::payload::Payload;
use crate::{
    graphql::{
        error_code::ErrorCode,
        errors::{GraphqlError, Problem, row_code, row_problems},
        guard::Guard,
    },
    service::push::PushOutcome,
    view::{BigInt, ChangedNode, PushedChangeInput},
};

/// Mutation of everything.
#[derive(Default)]
pub struct PushMutation;

/// Input of `pushChanges`.
#[derive(InputObject)]
pub(super) struct PushChangesInput {
    /// Rows to push, at most 500, each object once.
    changes: Vec<PushedChangeInput>,
}

/// Result of `pushChanges`.
#[derive(SimpleObject)]
pub(super) struct PushChangesPayload {
    /// What became of each row, in the order of the input.
    results: Vec<PushResult>,
}

/// What became of a row that was pushed.
#[derive(SimpleObject)]
pub(super) struct PushResult {
    /// Id of the object.
    id: ID,
    /// Whether the row was applied.
    status: PushStatus,
    /// Current revision of the object, of a deleted one too: what `expectedRevision` takes next time. Null if there is
    /// none.
    revision: Option<BigInt>,
    /// Whether the object is deleted, or was never there.
    deleted: bool,
    /// Current state of the object; null if it is deleted.
    current: Option<ChangedNode>,
    /// What is wrong with the row, if its status is `INVALID`.
    problems: Vec<Problem>,
    /// Code of the error, if its status is `INVALID`: `BAD_USER_INPUT`, `NOT_FOUND` or `NAME_TAKEN`.
    code: Option<ErrorCode>,
    /// Id of the label that has the name, if the code is `NAME_TAKEN`: use that label instead, or another name.
    name_taken_by: Option<ID>,
}

/// Whether a row was applied.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
pub(super) enum PushStatus {
    /// The object is as the row says, by this call or before.
    Applied,
    /// The object has another revision than the row expects, or is not there. Nothing was changed: merge with `current`,
    /// and push again with its revision.
    Conflict,
    /// The row breaks a rule, which `problems` names. Nothing was changed.
    Invalid,
}

impl PushResult {
    fn new(id: ID, PushOutcome { is_applied, current, name_taken_by }: PushOutcome) -> Self {
        let status = match is_applied {
            Ok(true) => PushStatus::Applied,
            Ok(false) => PushStatus::Conflict,
            Err(_) => PushStatus::Invalid,
        };
        Self {
            id,
            status,
            revision: current.as_ref().map(|it| BigInt(it.revision())),
            deleted: current.as_ref().is_none_or(|it| it.is_deleted()),
            current: current.filter(|it| !it.is_deleted()).map(ChangedNode::from),
            code: is_applied.as_ref().err().map(row_code),
            name_taken_by: name_taken_by.map(|id| ID(id.to_string())),
            problems: is_applied.err().map(|error| row_problems(&error)).unwrap_or_default(),
        }
    }
}

/// Mutation of everything.
#[Object]
impl PushMutation {
    /// Pushes the changes of an offline client: tasks, lists and labels, each with its full state or as deleted, up to
    /// 500 rows in one call. It is also the way to change many tasks in different ways at once.
    ///
    /// Each row is applied for itself: what is wrong with one, or in conflict, is its result and not an error, and the
    /// others are applied. A row whose `expectedRevision` is not the revision of the object before the call is a
    /// conflict, unless the object is already as the row says: the same call can be repeated. A new row expects no
    /// revision. Lists are applied first, then labels, then tasks, parents before subtasks, and deletions before other
    /// rows of their kind. Labels can take the names of each other.
    async fn push_changes(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Rows to push.")] input: PushChangesInput,
    ) -> Result<Payload<PushChangesPayload>, GraphqlError> {
        let push = ctx.push(input.changes.len())?;
        let ids: Vec<ID> = input.changes.iter().map(PushedChangeInput::shown_id).collect();
        let changes = input.changes.into_iter().map(|it| it.checked(push.max_description())).collect();
        // Other mutations would have a future of its size.
        let outcomes = Box::pin(push.push(changes)).await?;
        let results = ids.into_iter().zip(outcomes).map(|(id, outcome)| PushResult::new(id, outcome)).collect();
        Ok(Payload(PushChangesPayload { results }))
    }
}
