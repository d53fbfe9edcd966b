//! What can be done.

mod bulk;
mod labels;
mod lists;
mod tasks;

use async_graphql::MergedObject;

use self::{bulk::BulkMutation, labels::LabelMutation, lists::ListMutation, tasks::TaskMutation};

/// All deeds; every one is done to the signed-in user's own data.
#[derive(MergedObject, Default)]
pub struct Mutation(TaskMutation, BulkMutation, ListMutation, LabelMutation);
