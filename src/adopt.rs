//! `docket adopt`: looks at a database that others have made, says whose its tables are and what cannot be taken, and
//! takes over the accounts and tasks of a back-end of the original's family. See docs/takeover.md.
//!
//! The tables of others stay. Those that rows are taken from get other names first, and all rows are taken under ids that
//! are derived from theirs, so that work that was cut off is gone on with by doing it again.

mod rows;
mod rules;
mod source;
mod survey;

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    fmt,
};

use entity::id::UserId;
use tracing::info;

use self::{
    rows::{AdoptedTask, Row},
    source::{MOVED, Source},
};
pub use self::{
    rules::{PriorityRule, Rules},
    survey::Survey,
};
use crate::{
    config::Config,
    db::{self, Db},
    error::Error,
    proof::{self, Unfit},
    server::base_url,
    service::{
        Services,
        import::{Import, LabelImport, TaskImport},
    },
};

/// How many rows are read at a time.
const ROWS_AT_ONCE: usize = 2000;

/// Why nothing is taken over.
#[derive(Debug, thiserror::Error)]
pub enum AdoptError {
    /// The database failed.
    #[error("the database failed")]
    Database(#[from] Error),
    /// Docket cannot work on the database.
    #[error("the database cannot be used")]
    Unfit(#[from] Unfit),
    /// Rows cannot be taken.
    #[error("{0} rows cannot be taken: mend them, or leave them behind by --skip-invalid")]
    Invalid(u64),
    /// Something must be changed there first.
    #[error("{0}")]
    InTheWay(String),
    /// Tables or views need one that would be dropped.
    #[error("{table} is needed by {others}: nothing is dropped; drop these first")]
    Needed {
        /// What would be dropped.
        table: String,
        /// What needs it.
        others: String,
    },
    /// There are rows that were not taken.
    #[error("{0} of the old rows are not in Docket: nothing is dropped")]
    NotTaken(u64),
}

impl From<sea_orm::DbErr> for AdoptError {
    fn from(cause: sea_orm::DbErr) -> Self {
        Self::Database(cause.into())
    }
}

/// What was taken over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Adopted {
    /// Accounts that were made.
    pub accounts: u64,
    /// Tasks that were made.
    pub tasks: u64,
    /// Rows that were here already.
    pub known: u64,
    /// Rows that could not be taken.
    pub skipped: u64,
}

/// A look at a database or the work on it.
struct Adoption<'a> {
    db: &'a Db,
    rules: &'a Rules,
    accounts: Option<Source>,
    tasks: Option<Source>,
}

/// Looks at a database, and changes nothing.
pub async fn survey(config: &Config, rules: &Rules) -> Result<Survey, AdoptError> {
    let db = db::connect(config).await?;
    let survey = Adoption::find(&db, rules).await?.survey().await;
    db.close().await?;
    survey
}

/// Takes over what is there; rows that cannot be taken stop it unless they are to be left behind.
pub async fn apply(config: &Config, rules: &Rules) -> Result<Adopted, AdoptError> {
    let db = db::connect(config).await?;
    let survey = Adoption::find(&db, rules).await?.survey().await?;
    let invalid = survey.invalid();
    if !survey.obstacles.is_empty() {
        db.close().await?;
        return Err(AdoptError::InTheWay(survey.obstacles.join("; ")));
    }
    if invalid > 0 && !rules.skips_invalid {
        db.close().await?;
        return Err(AdoptError::Invalid(invalid));
    }
    for table in &survey.moved {
        db.rename_table(table, &format!("{table}{MOVED}")).await?;
    }
    db.close().await?;
    // What the tables of a Better Auth are called is found out anew.
    let db = db::connect(config).await?;
    proof::prepare(&db).await?;
    let services = Services::new(db.clone(), config, &base_url(config, config.port)?)?;
    let adopted = Adoption::find(&db, rules).await?.apply(&services).await;
    services.close().await?;
    adopted
}

/// Removes the old tables, if all of their rows that can be taken were.
pub async fn drop_old(config: &Config, rules: &Rules) -> Result<Vec<String>, AdoptError> {
    let db = db::connect(config).await?;
    proof::prepare(&db).await?;
    let services = Services::new(db.clone(), config, &base_url(config, config.port)?)?;
    let adoption = Adoption::find(&db, rules).await?;
    let survey = adoption.survey().await?;
    adoption.check_needs().await?;
    let left = adoption.apply(&services).await?;
    let left = left.accounts + left.tasks + left.skipped.max(survey.invalid()) + survey.deleted;
    let mut dropped = Vec::new();
    if left == 0 {
        for source in adoption.sources() {
            db.drop_table(&source.table.name).await?;
            dropped.push(source.table.name.clone());
        }
    }
    services.close().await?;
    if left == 0 { Ok(dropped) } else { Err(AdoptError::NotTaken(left)) }
}

impl<'a> Adoption<'a> {
    async fn find(db: &'a Db, rules: &'a Rules) -> Result<Self, AdoptError> {
        let tables = db.tables().await?;
        Ok(Self { db, rules, accounts: Source::accounts(&tables), tasks: Source::tasks(&tables) })
    }

    /// The tables that rows are taken from, those first that need the others.
    fn sources(&self) -> impl Iterator<Item = &Source> {
        [&self.tasks, &self.accounts].into_iter().flatten()
    }

    /// Fails if anything but the old tables themselves needs one of them.
    async fn check_needs(&self) -> Result<(), AdoptError> {
        for source in self.sources() {
            let mut others = self.db.dependents(&source.table.name).await?;
            others.retain(|it| !self.sources().any(|source| source.table.name == *it));
            if !others.is_empty() {
                return Err(AdoptError::Needed { table: source.table.name.clone(), others: others.join(", ") });
            }
        }
        Ok(())
    }

    /// Does something with each row of a table.
    async fn each(
        &self,
        source: &Source,
        mut work: impl AsyncFnMut(Row<'_>) -> Result<(), AdoptError>,
    ) -> Result<(), AdoptError> {
        let Some(key) = source.key() else { return Ok(()) };
        let mut after = None;
        loop {
            let rows = self.db.json_rows(&source.table, key, after.as_ref(), ROWS_AT_ONCE).await?;
            let Some(last) = rows.last() else { return Ok(()) };
            after = last.get(&key.name).cloned();
            for values in rows {
                work(Row { source, rules: self.rules, values }).await?;
            }
        }
    }

    async fn apply(&self, services: &Services) -> Result<Adopted, AdoptError> {
        let mut adopted = Adopted::default();
        if let Some(source) = &self.accounts {
            self.each(source, async |row| {
                match row.account() {
                    Ok(account) => match services.adoption().account(account).await {
                        Ok(true) => adopted.accounts += 1,
                        Ok(false) => adopted.known += 1,
                        Err(Error::Auth(_)) => adopted.skipped += 1,
                        Err(error) => return Err(error.into()),
                    },
                    Err(_) => adopted.skipped += 1,
                }
                Ok(())
            })
            .await?;
        }
        if let Some(source) = &self.tasks {
            let (mut waiting, mut ids) = (Vec::new(), HashSet::new());
            let mut last = 0;
            self.each(source, async |row| {
                if row.is_deleted() {
                    return Ok(());
                }
                match row.task() {
                    Ok(task) if ids.insert(task.task.id) => waiting.push(task),
                    _ => adopted.skipped += 1,
                }
                if waiting.len() == ROWS_AT_ONCE {
                    last = last.max(self.take(services, std::mem::take(&mut waiting), &mut adopted).await?);
                    info!(tasks = adopted.tasks, known = adopted.known, "taken over");
                }
                Ok(())
            })
            .await?;
            last = last.max(self.take(services, waiting, &mut adopted).await?);
            services.adoption().skip_task_numbers(last).await?;
        }
        Ok(adopted)
    }

    /// Brings tasks of several owners; the highest of their numbers.
    async fn take(
        &self,
        services: &Services,
        tasks: Vec<AdoptedTask>,
        adopted: &mut Adopted,
    ) -> Result<i64, AdoptError> {
        let last = tasks.iter().filter_map(|it| it.task.number).max().unwrap_or_default();
        let taken = services.adoption().taken_numbers(tasks.iter().map(AdoptedTask::key)).await?;
        let mut owners: BTreeMap<String, Vec<AdoptedTask>> = BTreeMap::new();
        for task in tasks {
            if task.task.number.is_some_and(|it| taken.contains(&it)) {
                adopted.skipped += 1;
                continue;
            }
            owners.entry(task.owner.0.clone()).or_default().push(task);
        }
        let ids: Vec<UserId> = owners.keys().cloned().map(UserId).collect();
        let known: HashSet<UserId> = services.adoption().known_users(&ids).await?.into_iter().collect();
        for (owner, tasks) in owners {
            let owner = UserId(owner);
            if self.accounts.is_some() && !known.contains(&owner) {
                adopted.skipped += tasks.len() as u64;
                continue;
            }
            let mut labels: HashMap<_, LabelImport> = HashMap::new();
            let mut import = Import::default();
            let count = tasks.len() as u64;
            for AdoptedTask { task, labels: its, .. } in tasks {
                labels.extend(its.into_iter().map(|it| (it.id, it)));
                import.tasks.push(TaskImport { place: import.tasks.len(), ..task });
            }
            import.labels = labels.into_values().collect();
            let done = services.adoption().data(&owner).import(import, false).await?;
            adopted.tasks += done.tasks as u64;
            adopted.known += count - done.tasks as u64;
        }
        Ok(last)
    }
}

impl fmt::Display for Adopted {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { accounts, tasks, known, skipped } = self;
        write!(formatter, "{accounts} accounts and {tasks} tasks were taken over, {known} rows were here already")?;
        if *skipped > 0 {
            write!(formatter, ", and {skipped} were left behind")?;
        }
        Ok(())
    }
}
