//! What can be done.

mod bulk;
mod labels;
mod lists;
mod payload;
mod tasks;

use async_graphql::MergedObject;

use self::{bulk::BulkMutation, labels::LabelMutation, lists::ListMutation, tasks::TaskMutation};

/// Mutations. Each works on the data of the signed-in user.
#[derive(MergedObject, Default)]
pub struct Mutation(TaskMutation, BulkMutation, ListMutation, LabelMutation);
