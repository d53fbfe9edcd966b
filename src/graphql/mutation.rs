//! What can be done.

mod bulk;
mod labels;
mod lists;
mod payload;
mod push;
mod tasks;

use async_graphql::MergedObject;

use self::{bulk::BulkMutation, labels::LabelMutation, lists::ListMutation, push::PushMutation, tasks::TaskMutation};

/// Mutations. Each works on the data of the signed-in user.
#[derive(MergedObject, Default)]
pub struct Mutation(TaskMutation, BulkMutation, ListMutation, LabelMutation, PushMutation);
