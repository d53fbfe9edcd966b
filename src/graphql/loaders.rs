//! DataLoaders: made for one request and one user, so that what one user loads no other can see.

use std::{collections::HashMap, sync::Arc};

use dataloader::{BatchFn, non_cached::Loader};
use entity::{id::TaskId, task};

use crate::{
    error::Error,
    service::{Services, auth::CurrentUser},
};

/// Loads tasks by id, all that a document asks for in one statement.
pub(super) type TaskLoader = Loader<TaskId, Loaded, TaskBatch>;

/// A task, or none; the error of a batch belongs to each of its keys.
type Loaded = Result<Option<task::Model>, Arc<Error>>;

/// The statement behind [`TaskLoader`].
pub(super) struct TaskBatch {
    services: Arc<Services>,
    user: CurrentUser,
}

/// A loader of this user's tasks.
pub(super) fn tasks(services: Arc<Services>, user: CurrentUser) -> TaskLoader {
    Loader::new(TaskBatch { services, user })
}

impl BatchFn<TaskId, Loaded> for TaskBatch {
    async fn load(&mut self, ids: &[TaskId]) -> HashMap<TaskId, Loaded> {
        match self.services.tasks(&self.user).find_many(ids).await {
            Ok(rows) => {
                let mut found: HashMap<_, _> = ids.iter().map(|id| (*id, Ok(None))).collect();
                found.extend(rows.into_iter().map(|row| (row.id, Ok(Some(row)))));
                found
            }
            Err(error) => {
                let error = Arc::new(error);
                ids.iter().map(|id| (*id, Err(Arc::clone(&error)))).collect()
            }
        }
    }
}
