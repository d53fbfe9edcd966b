//! `docket adopt`: looks at a database that others have made, says whose its tables are and what cannot be taken, and
//! takes over the accounts and tasks of a back-end of the original's family. See docs/takeover.md.
//!
//! The tables of others stay. Those that rows are taken from get other names first, and all rows are taken under ids that
//! are derived from theirs, so that work that was cut off is gone on with by doing it again.

mod classify;
mod record;
mod rows;
mod rules;
mod source;
mod survey;
mod tags;

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
    path::PathBuf,
};

use entity::id::UserId;
use tracing::info;

use self::{
    classify::Outcome,
    record::Record,
    rows::{AdoptedTask, Row},
    source::{MOVED, Source},
};
pub use self::{
    rules::{PriorityRule, Rules, StatusRule},
    survey::Survey,
};
use crate::{
    config::Config,
    db::{self, Db, FoundTable},
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
    /// There is nothing to look at.
    #[error("{0} is not there or empty")]
    Absent(PathBuf),
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
    /// All tables that there are.
    tables: Vec<FoundTable>,
    accounts: Option<Source>,
    tasks: Option<Source>,
}

/// Looks at a database, and changes nothing.
pub async fn survey(config: &Config, rules: &Rules) -> Result<Survey, AdoptError> {
    let db = open(config).await?;
    let survey = Adoption::find(&db, rules).await?.survey().await;
    db.close().await?;
    survey
}

/// Opens a database that is there.
async fn open(config: &Config) -> Result<Db, AdoptError> {
    match db::file::absent(config) {
        Some(path) => Err(AdoptError::Absent(path)),
        None => Ok(db::connect(config).await?),
    }
}

/// Takes over what a survey has found; rows that cannot be taken stop it unless they are to be left behind.
pub async fn apply(config: &Config, rules: &Rules, survey: &Survey) -> Result<Adopted, AdoptError> {
    survey.check(rules)?;
    let db = open(config).await?;
    db.move_tables(&survey.moved, MOVED).await?;
    db.close().await?;
    // What the tables of a Better Auth are called is found out anew.
    let db = db::connect(config).await?;
    proof::prepare(&db).await?;
    record::make(&db).await?;
    let services = Services::new(db.clone(), config, &base_url(config, config.port)?)?;
    // Before the first of them: a start behind a work that was cut off looks at it.
    services.adoption().skip_task_numbers(survey.last_number).await?;
    let adopted = Adoption::find(&db, rules).await?.apply(&services).await;
    services.close().await?;
    adopted
}

/// Removes the old tables, if all of their rows were taken, and what is known of them.
pub async fn drop_old(config: &Config, rules: &Rules) -> Result<Vec<String>, AdoptError> {
    let db = open(config).await?;
    let dropped = Adoption::find(&db, rules).await?.drop_old().await;
    db.close().await?;
    dropped
}

impl<'a> Adoption<'a> {
    async fn find(db: &'a Db, rules: &'a Rules) -> Result<Self, AdoptError> {
        let tables = db.tables().await?;
        let (accounts, tasks) = (Source::accounts(&tables), Source::tasks(&tables));
        Ok(Self { db, rules, tables, accounts, tasks })
    }

    /// The tables that rows are taken from, those first that need the others.
    fn sources(&self) -> impl Iterator<Item = &Source> {
        [&self.tasks, &self.accounts].into_iter().flatten()
    }

    /// What needs an old table, but for the other one.
    async fn needed_by(&self, source: &Source) -> Result<Vec<String>, AdoptError> {
        let mut others = self.db.dependents(&source.table.name).await?;
        others.retain(|it| !self.sources().any(|source| source.table.name == *it));
        Ok(others)
    }

    /// Fails if anything but the old tables themselves needs one of them.
    async fn check_needs(&self) -> Result<(), AdoptError> {
        for source in self.sources() {
            let others = self.needed_by(source).await?;
            if !others.is_empty() {
                return Err(AdoptError::Needed { table: source.table.name.clone(), others: others.join(", ") });
            }
        }
        Ok(())
    }

    /// Classifies all rows, accounts first, and does something with some at a time.
    async fn each(
        &self,
        mut work: impl AsyncFnMut(&Source, Vec<(Row<'_>, Outcome)>) -> Result<(), AdoptError>,
    ) -> Result<(), AdoptError> {
        let mut classifier = self.classifier().await?;
        for source in [&self.accounts, &self.tasks].into_iter().flatten() {
            let mut rows = self.db.read_rows(&source.table).await?;
            loop {
                let some = rows.next(ROWS_AT_ONCE).await?;
                if some.is_empty() {
                    break;
                }
                let some: Vec<_> = some.into_iter().map(|found| Row::new(source, self.rules, found)).collect();
                let outcomes = match source.is_of_tasks() {
                    true => classifier.tasks(source, &some).await?,
                    false => classifier.accounts(source, &some).await?,
                };
                work(source, some.into_iter().zip(outcomes).collect()).await?;
            }
            rows.close().await?;
        }
        Ok(())
    }

    async fn apply(&self, services: &Services) -> Result<Adopted, AdoptError> {
        let mut adopted = Adopted::default();
        let work = async |source: &Source, rows: Vec<(Row<'_>, Outcome)>| {
            let (mut accounts, mut tasks, mut new, mut here) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
            for (row, outcome) in rows {
                match outcome {
                    Outcome::Taken => adopted.known += 1,
                    Outcome::Refused(_) => adopted.skipped += 1,
                    Outcome::Deleted => {}
                    Outcome::Here => {
                        adopted.known += 1;
                        here.extend(row.key);
                    }
                    Outcome::Account(account) => {
                        accounts.push((row.key.clone(), account));
                        new.extend(row.key);
                    }
                    Outcome::Task(task) => {
                        tasks.push(*task);
                        new.extend(row.key);
                    }
                }
            }
            let record = Record { db: self.db, source: source.name() };
            record.finish(&here).await?;
            record.begin(&new).await?;
            for (key, account) in accounts {
                let is_new = services.adoption().account(account).await?;
                *(if is_new { &mut adopted.accounts } else { &mut adopted.known }) += 1;
                record.finish(key.as_slice()).await?;
            }
            self.take(services, tasks, &mut adopted).await?;
            record.finish(&new).await?;
            info!(accounts = adopted.accounts, tasks = adopted.tasks, "taken over");
            Ok(())
        };
        self.each(work).await?;
        Ok(adopted)
    }

    /// Brings tasks of several owners.
    async fn take(
        &self,
        services: &Services,
        tasks: Vec<AdoptedTask>,
        adopted: &mut Adopted,
    ) -> Result<(), AdoptError> {
        let mut owners: BTreeMap<(String, bool), Vec<AdoptedTask>> = BTreeMap::new();
        for task in tasks {
            // One statement has numbers for all of its rows, or for none.
            owners.entry((task.owner.0.clone(), task.task.number.is_some())).or_default().push(task);
        }
        for ((owner, _), tasks) in owners {
            let mut labels: HashMap<_, LabelImport> = HashMap::new();
            let mut import = Import::default();
            let count = tasks.len() as u64;
            for AdoptedTask { task, labels: its, .. } in tasks {
                labels.extend(its.into_iter().map(|it| (it.id, it)));
                import.tasks.push(TaskImport { place: import.tasks.len(), ..task });
            }
            import.labels = labels.into_values().collect();
            let done = services.adoption().data(&UserId(owner)).await?.import(import, false).await?;
            adopted.tasks += done.tasks as u64;
            adopted.known += count - done.tasks as u64;
        }
        Ok(())
    }

    async fn drop_old(&self) -> Result<Vec<String>, AdoptError> {
        if let Some(source) = self.sources().find(|it| !it.table.name.ends_with(MOVED)) {
            let name = &source.table.name;
            return Err(AdoptError::InTheWay(format!(
                "{name}: not taken over by docket adopt --apply; nothing is dropped"
            )));
        }
        self.check_needs().await?;
        let mut left = 0;
        self.each(async |_, rows| {
            left +=
                rows.iter().filter(|(_, outcome)| !matches!(outcome, Outcome::Taken | Outcome::Here)).count() as u64;
            Ok(())
        })
        .await?;
        if left > 0 {
            return Err(AdoptError::NotTaken(left));
        }
        let mut dropped = Vec::new();
        for source in self.sources() {
            self.db.drop_table(&source.table.name).await?;
            dropped.push(source.table.name.clone());
        }
        if !dropped.is_empty() && self.tables.iter().any(|it| it.name == record::TABLE) {
            self.db.drop_table(record::TABLE).await?;
        }
        Ok(dropped)
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
