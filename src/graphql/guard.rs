//! Who asks: the first line of every resolver.

use std::sync::Arc;

use async_graphql::Context;

use super::{errors::GraphqlError, loaders::Loaders};
use crate::service::{
    Services,
    auth::{CurrentUser, Identity},
    changes::Changes,
    labels::Labels,
    lists::Lists,
    push::Push,
    tasks::Tasks,
    trash::Trash,
};

/// What a resolver may use, once it is known who asks.
pub(super) trait Guard {
    /// The user who asks.
    fn current_user(&self) -> Result<&CurrentUser, GraphqlError>;
    /// That user's tasks.
    fn tasks(&self) -> Result<Tasks<'_>, GraphqlError>;
    /// That user's lists.
    fn lists(&self) -> Result<Lists<'_>, GraphqlError>;
    /// That user's labels.
    fn labels(&self) -> Result<Labels<'_>, GraphqlError>;
    /// What that user has deleted and can restore.
    fn trash(&self) -> Result<Trash<'_>, GraphqlError>;
    /// The feed of that user's changes.
    fn changes(&self) -> Result<Changes<'_>, GraphqlError>;
    /// Pushing so many rows of that user's data, which count in the user's quota.
    fn push(&self, rows: usize) -> Result<Push<'_>, GraphqlError>;
    /// That user's data by key, in batches.
    fn loaders(&self) -> Result<&Loaders, GraphqlError>;
    /// All services, for a known user.
    fn services(&self, user: &CurrentUser) -> &Arc<Services>;
}

impl Guard for Context<'_> {
    fn current_user(&self) -> Result<&CurrentUser, GraphqlError> {
        Ok(self.data_opt().unwrap_or(&Identity::Nobody).user()?)
    }

    fn tasks(&self) -> Result<Tasks<'_>, GraphqlError> {
        let user = self.current_user()?;
        Ok(self.services(user).tasks(user))
    }

    fn lists(&self) -> Result<Lists<'_>, GraphqlError> {
        let user = self.current_user()?;
        Ok(self.services(user).lists(user))
    }

    fn labels(&self) -> Result<Labels<'_>, GraphqlError> {
        let user = self.current_user()?;
        Ok(self.services(user).labels(user))
    }

    fn trash(&self) -> Result<Trash<'_>, GraphqlError> {
        let user = self.current_user()?;
        Ok(self.services(user).trash(user))
    }

    fn changes(&self) -> Result<Changes<'_>, GraphqlError> {
        let user = self.current_user()?;
        Ok(self.services(user).changes(user))
    }

    fn push(&self, rows: usize) -> Result<Push<'_>, GraphqlError> {
        let user = self.current_user()?;
        self.services(user).count_rows(user, rows)?;
        Ok(self.services(user).push(user))
    }

    fn loaders(&self) -> Result<&Loaders, GraphqlError> {
        self.current_user()?;
        Ok(self.data_unchecked())
    }

    fn services(&self, _: &CurrentUser) -> &Arc<Services> {
        self.data_unchecked()
    }
}
