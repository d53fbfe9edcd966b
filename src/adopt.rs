//! `docket adopt`: looks at a database that others have made, says whose its tables are and what cannot be taken, and
//! takes over the accounts and tasks of a back-end of the original's family. See docs/takeover.md.
//!
//! The tables of others stay. One that has the name of a table of Docket's gets another name first, and all rows are
//! taken under ids that are derived from theirs, so that work that was cut off is gone on with by doing it again.

mod rows;
mod source;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    fmt,
};

use entity::id::UserId;
use tracing::info;

use self::{
    rows::{AdoptedTask, Row},
    source::{MOVED, Source},
};
use crate::{
    config::Config,
    db::{self, Db},
    error::Error,
    proof::{self, Unfit},
    server::base_url,
    service::{
        Services,
        auth::hash_kind,
        import::{Import, LabelImport, TaskImport},
    },
};

/// How many rows are read at a time.
const ROWS_AT_ONCE: usize = 2000;
/// How many problems are shown.
const MAX_SHOWN: usize = 50;

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
    /// There are rows that were not taken.
    #[error("{0} of the old rows are not in Docket: nothing is dropped")]
    NotTaken(u64),
}

impl From<sea_orm::DbErr> for AdoptError {
    fn from(cause: sea_orm::DbErr) -> Self {
        Self::Database(cause.into())
    }
}

/// What is in a table of others.
#[derive(Clone, Debug, Default)]
pub struct Surveyed {
    table: String,
    rows: u64,
    /// What its columns are to Docket.
    columns: Vec<String>,
    /// Columns that Docket does not know.
    others: Vec<String>,
    /// What was found of a kind, and how often.
    kinds: BTreeMap<&'static str, u64>,
    invalid: u64,
}

/// What was found in a database.
#[derive(Clone, Debug, Default)]
pub struct Survey {
    /// How the tables of a Better Auth differ from those that Docket makes, if one is there.
    better_auth: Option<String>,
    accounts: Option<Surveyed>,
    tasks: Option<Surveyed>,
    /// Tables that get another name.
    in_the_way: Vec<String>,
    /// Tables that nobody touches.
    strangers: Vec<String>,
    /// The first rows that cannot be taken.
    problems: Vec<String>,
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
    accounts: Option<Source>,
    tasks: Option<Source>,
}

/// Looks at a database, and changes nothing.
pub async fn survey(config: &Config) -> Result<Survey, AdoptError> {
    let db = db::connect(config).await?;
    let survey = Adoption::find(&db).await?.survey().await;
    db.close().await?;
    survey
}

/// Takes over what is there; rows that cannot be taken stop it unless they are to be left behind.
pub async fn apply(config: &Config, skips_invalid: bool) -> Result<Adopted, AdoptError> {
    let db = db::connect(config).await?;
    let survey = Adoption::find(&db).await?.survey().await?;
    let invalid = survey.invalid();
    if invalid > 0 && !skips_invalid {
        db.close().await?;
        return Err(AdoptError::Invalid(invalid));
    }
    for table in &survey.in_the_way {
        db.rename_table(table, &format!("{table}{MOVED}")).await?;
    }
    db.close().await?;
    // What the tables of a Better Auth are called is found out anew.
    let db = db::connect(config).await?;
    proof::prepare(&db).await?;
    let services = Services::new(db.clone(), config, &base_url(config, config.port)?)?;
    let adopted = Adoption::find(&db).await?.apply(&services).await;
    services.close().await?;
    adopted
}

/// Removes the old tables, if all of their rows that can be taken were.
pub async fn drop_old(config: &Config) -> Result<Vec<String>, AdoptError> {
    let db = db::connect(config).await?;
    proof::prepare(&db).await?;
    let services = Services::new(db.clone(), config, &base_url(config, config.port)?)?;
    let adoption = Adoption::find(&db).await?;
    let left = adoption.apply(&services).await?;
    let left = left.accounts + left.tasks + left.skipped;
    let mut dropped = Vec::new();
    if left == 0 {
        for source in [&adoption.tasks, &adoption.accounts].into_iter().flatten() {
            db.drop_table(&source.table.name).await?;
            dropped.push(source.table.name.clone());
        }
    }
    services.close().await?;
    if left == 0 { Ok(dropped) } else { Err(AdoptError::NotTaken(left)) }
}

impl<'a> Adoption<'a> {
    async fn find(db: &'a Db) -> Result<Self, AdoptError> {
        let tables = db.tables().await?;
        Ok(Self { db, accounts: Source::accounts(&tables), tasks: Source::tasks(&tables) })
    }

    async fn survey(&self) -> Result<Survey, AdoptError> {
        let tables = self.db.tables().await?;
        let own: BTreeSet<String> = proof::table_names().into_iter().collect();
        let is_source =
            |name: &str| [&self.accounts, &self.tasks].into_iter().flatten().any(|it| it.table.name == name);
        let mut survey = Survey {
            better_auth: proof::better_auth(self.db).await?,
            in_the_way: own.iter().filter(|it| is_source(it)).cloned().collect(),
            ..Survey::default()
        };
        let actual = |name: &str| self.db.auth_tables().map_or(name.to_owned(), |it| it.known(name).to_owned());
        let is_made = |name: &str| name == "seaql_migrations" || name.starts_with("tasks_search");
        let is_stranger = |name: &&String| !own.contains(&actual(name)) && !is_made(name) && !is_source(name);
        survey.strangers = tables.iter().map(|it| &it.name).filter(is_stranger).cloned().collect();
        let mut owners = HashSet::new();
        if let Some(source) = &self.accounts {
            let mut found = Surveyed::of(source);
            let mut addresses = HashSet::new();
            self.each(source, async |row| {
                found.rows += 1;
                match row.account() {
                    Ok(account) => {
                        let kind = account.password.as_deref().map_or("no password, or not active", hash_kind);
                        *found.kinds.entry(kind).or_default() += 1;
                        owners.insert(account.id);
                        if !addresses.insert(account.email.as_str().to_owned()) {
                            survey.refuse(&mut found, &row, vec!["another account has the same address".to_owned()]);
                        }
                    }
                    Err(problems) => survey.refuse(&mut found, &row, problems),
                }
                Ok(())
            })
            .await?;
            survey.accounts = Some(found);
        }
        if let Some(source) = &self.tasks {
            let mut found = Surveyed::of(source);
            self.each(source, async |row| {
                found.rows += 1;
                if row.is_deleted() {
                    *found.kinds.entry("deleted, which stay behind").or_default() += 1;
                    return Ok(());
                }
                match row.task() {
                    Ok(task) if self.accounts.is_some() && !owners.contains(&task.owner) => {
                        survey.refuse(&mut found, &row, vec!["its owner has no account that is taken".to_owned()]);
                    }
                    Ok(_) => {}
                    Err(problems) => survey.refuse(&mut found, &row, problems),
                }
                Ok(())
            })
            .await?;
            survey.tasks = Some(found);
        }
        Ok(survey)
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
                work(Row { source, values }).await?;
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
            let mut waiting = Vec::new();
            let mut last = 0;
            self.each(source, async |row| {
                if row.is_deleted() {
                    return Ok(());
                }
                match row.task() {
                    Ok(task) => waiting.push(task),
                    Err(_) => adopted.skipped += 1,
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
        let mut owners: BTreeMap<String, Vec<AdoptedTask>> = BTreeMap::new();
        for task in tasks {
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
            let done = services.adoption().tasks(&owner, import).await?;
            adopted.tasks += done.tasks as u64;
            adopted.known += count - done.tasks as u64;
        }
        Ok(last)
    }
}

impl Surveyed {
    fn of(source: &Source) -> Self {
        Self {
            table: source.table.name.clone(),
            columns: source.roles.iter().map(|(role, name)| format!("{name} ({role:?})").to_lowercase()).collect(),
            others: source.others().map(str::to_owned).collect(),
            ..Self::default()
        }
    }
}

impl Survey {
    fn refuse(&mut self, table: &mut Surveyed, row: &Row<'_>, reasons: Vec<String>) {
        table.invalid += 1;
        if self.problems.len() < MAX_SHOWN {
            let id = row.id().unwrap_or_else(|| "without an id".to_owned());
            self.problems.push(format!("{} {id}: {}", table.table, reasons.join("; ")));
        }
    }

    /// How many rows cannot be taken.
    pub fn invalid(&self) -> u64 {
        [&self.accounts, &self.tasks].into_iter().flatten().map(|it| it.invalid).sum()
    }

    /// Whether there is something to take over.
    pub fn has_source(&self) -> bool {
        self.accounts.is_some() || self.tasks.is_some()
    }
}

impl fmt::Display for Surveyed {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { table, rows, columns, others, kinds, invalid } = self;
        writeln!(formatter, "{table}: {rows} rows, of which {} can be taken", rows - invalid)?;
        writeln!(formatter, "    columns that are taken: {}", columns.join(", "))?;
        if !others.is_empty() {
            writeln!(formatter, "    other columns: {}", others.join(", "))?;
        }
        for (kind, count) in kinds {
            writeln!(formatter, "    {count} with {kind}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Survey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.better_auth {
            Some(difference) => writeln!(formatter, "Better Auth's accounts: used where they are ({difference})")?,
            None => writeln!(formatter, "Better Auth's accounts: none")?,
        }
        for (what, found) in [("Accounts of another back-end", &self.accounts), ("Its tasks", &self.tasks)] {
            match found {
                Some(found) => write!(formatter, "{what}: {found}")?,
                None => writeln!(formatter, "{what}: none")?,
            }
        }
        for table in &self.in_the_way {
            writeln!(formatter, "The table {table} is in the way of Docket's: it would be called {table}{MOVED}")?;
        }
        if !self.strangers.is_empty() {
            writeln!(formatter, "Left alone: {}", self.strangers.join(", "))?;
        }
        if !self.problems.is_empty() {
            writeln!(formatter, "Cannot be taken ({}):", self.invalid())?;
            for problem in &self.problems {
                writeln!(formatter, "    {problem}")?;
            }
        }
        Ok(())
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
