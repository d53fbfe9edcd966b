//! The room where every rule lives: who may do what, and what is true afterwards. Both doors lead here.

pub mod auth;
pub mod page;
pub mod tasks;

use crate::{config::Config, db::Db, error::Error};

use self::auth::{Auth, CurrentUser};

/// The way in: one per process, shared by all requests.
#[derive(Debug)]
pub struct Services {
    db: Db,
    auth: auth::Material,
}

impl Services {
    /// Gathers what the services need; `base_url` is the URL that clients see.
    pub fn new(db: Db, config: &Config, base_url: &url::Url) -> Result<Self, Error> {
        Ok(Self { db, auth: auth::Material::new(config, base_url)? })
    }

    /// Accounts, sessions and tokens.
    pub fn auth(&self) -> Auth<'_> {
        Auth::new(&self.db, &self.auth)
    }

    /// One user's tasks; there is no other way to any task.
    pub fn tasks<'a>(&'a self, owner: &'a CurrentUser) -> tasks::Tasks<'a> {
        tasks::Tasks::new(&self.db, owner)
    }

    /// Answers when the database does.
    pub async fn ready(&self) -> Result<(), Error> {
        Ok(self.db.ping().await?)
    }

    /// Lets go of the database.
    pub async fn close(&self) -> Result<(), Error> {
        Ok(self.db.close().await?)
    }
}
