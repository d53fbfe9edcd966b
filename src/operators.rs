//! Opening the database for commands of operators, which work beside running servers: nothing is made and nothing is
//! migrated, because another version of Docket may be at work.

use std::path::PathBuf;

use crate::{
    config::Config,
    db::{self, Db},
    error::Error,
    proof::{self, NotReady},
    server::base_url,
    service::{Services, operator::NamedUser},
};

/// Why a command has nothing to work on.
#[derive(Debug, thiserror::Error)]
pub enum OperatorError {
    /// The database failed.
    #[error("the database failed")]
    Database(#[from] Error),
    /// There is no database.
    #[error("{0} is not there or empty: is DATABASE_URL set as for the server, and is this its folder?")]
    Absent(PathBuf),
    /// It cannot be seen whether there is one.
    #[error("DATABASE_URL: {0}: {1}")]
    OutOfReach(PathBuf, String),
    /// Something stands in the way.
    #[error("the database cannot be used")]
    NotReady(#[from] NotReady),
    /// The schema is older than this Docket.
    #[error("the schema is older than this Docket: docket migrate brings it up to date, and so does a start")]
    Behind,
    /// There is no such user.
    #[error("no user has that e-mail address or id")]
    Nobody,
}

impl From<sea_orm::DbErr> for OperatorError {
    fn from(cause: sea_orm::DbErr) -> Self {
        Self::Database(cause.into())
    }
}

/// The services on a database that is there and has this Docket's schema. To be closed by the caller.
pub async fn open(config: &Config) -> Result<Services, OperatorError> {
    if let Some(path) = db::file::absent(config) {
        return Err(match db::file::out_of_reach(&path).filter(|_| db::file::access::is_hidden(&path)) {
            Some(why) => OperatorError::OutOfReach(path, why),
            None => OperatorError::Absent(path),
        });
    }
    let db = db::connect(config).await?;
    let services = Services::new(db.clone(), config, &base_url(config, config.port)?)?;
    match check(&db, &services).await {
        Ok(()) => Ok(services),
        Err(error) => {
            services.close().await?;
            Err(error)
        }
    }
}

async fn check(db: &Db, services: &Services) -> Result<(), OperatorError> {
    services.ready().await?;
    if proof::is_behind(db).await { Err(OperatorError::Behind) } else { Ok(()) }
}

/// The user with that e-mail address or id.
pub async fn find(services: &Services, name: &str) -> Result<NamedUser, OperatorError> {
    services.operator().find(name).await?.ok_or(OperatorError::Nobody)
}
