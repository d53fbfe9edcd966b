//! What is in a database that others have made, and what of it can be taken over.

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    fmt,
};

use entity::id::UserId;

use super::{
    AdoptError, Adoption,
    rows::Row,
    source::{MOVED, Source},
};
use crate::{
    db::{FoundTable, plain},
    proof,
    service::auth::hash_kind,
};

/// The tables of a Better Auth, of which an older one has some only.
const AUTH_TABLES: [&str; 6] = ["user", "session", "account", "verification", "jwks", "rateLimit"];
/// How many problems are shown.
const MAX_SHOWN: usize = 50;

/// What is in a table of others.
#[derive(Clone, Debug, Default)]
struct Surveyed {
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
    pub(super) moved: Vec<String>,
    /// Tables that have the names of Docket's and are somebody else's.
    pub(super) obstacles: Vec<String>,
    /// Tables that nobody touches.
    strangers: Vec<String>,
    /// The first rows that cannot be taken.
    problems: Vec<String>,
    /// How many tasks have a mark of deletion.
    pub(super) deleted: u64,
}

impl Adoption<'_> {
    pub(super) async fn survey(&self) -> Result<Survey, AdoptError> {
        let tables = self.db.tables().await?;
        let own: BTreeSet<String> = proof::table_names().into_iter().collect();
        let is_source =
            |name: &str| [&self.accounts, &self.tasks].into_iter().flatten().any(|it| it.table.name == name);
        let is_made = |name: &str| name == "seaql_migrations" || name.starts_with("tasks_search");
        let is_stranger = |name: &&String| !own.contains(self.known(name)) && !is_made(name) && !is_source(name);
        let mut survey = Survey {
            better_auth: proof::better_auth(self.db).await?,
            moved: tables
                .iter()
                .map(|it| &it.name)
                .filter(|it| is_source(it) && !it.ends_with(MOVED))
                .cloned()
                .collect(),
            obstacles: self.obstacles(&tables, &own, is_source),
            strangers: tables.iter().map(|it| &it.name).filter(is_stranger).cloned().collect(),
            ..Survey::default()
        };
        let mut owners = None;
        if let Some(source) = &self.accounts {
            owners = Some(self.survey_accounts(source, &mut survey).await?);
        }
        if let Some(source) = &self.tasks {
            self.survey_tasks(source, owners.as_ref(), &mut survey).await?;
        }
        Ok(survey)
    }

    /// What Docket calls the table of that name.
    fn known<'n>(&'n self, name: &'n str) -> &'n str {
        self.db.auth_tables().map_or(name, |it| it.known(name))
    }

    /// The tables that are in the way before Docket has made its own, and that nothing is taken from.
    fn obstacles(
        &self,
        tables: &[FoundTable],
        own: &BTreeSet<String>,
        is_source: impl Fn(&str) -> bool,
    ) -> Vec<String> {
        if tables.iter().any(|it| it.name == "seaql_migrations") {
            return Vec::new();
        }
        let has_better_auth = self.db.auth_tables().is_some() || tables.iter().any(is_better_auth);
        // Of a Better Auth there may be some tables, and the others are made.
        let may_be_there = |name: &str| has_better_auth && AUTH_TABLES.contains(&name);
        let is_obstacle = |it: &&FoundTable| {
            own.contains(self.known(&it.name)) && !is_source(&it.name) && !may_be_there(self.known(&it.name))
        };
        tables.iter().filter(is_obstacle).map(|it| it.name.clone()).collect()
    }

    /// Counts rows that share the key of the last row of a page, which are not read.
    async fn count_unread(&self, source: &Source, found: &mut Surveyed, survey: &mut Survey) -> Result<(), AdoptError> {
        let unread = self.db.count_rows(&source.table.name).await?.saturating_sub(found.rows);
        if unread > 0 {
            found.rows += unread;
            found.invalid += unread;
            survey.problems.push(format!("{}: {unread} rows have no id, or that of another row", found.table));
        }
        Ok(())
    }

    /// Looks at the accounts; the ids of those that can be taken.
    async fn survey_accounts(&self, source: &Source, survey: &mut Survey) -> Result<HashSet<UserId>, AdoptError> {
        let (mut found, mut ids, mut addresses) = (Surveyed::of(source), HashSet::new(), HashSet::new());
        self.each(source, async |row| {
            found.rows += 1;
            match row.account() {
                Ok(account) if !addresses.insert(account.email.as_str().to_owned()) => {
                    survey.refuse(&mut found, &row, vec!["another account has the same address".to_owned()]);
                }
                Ok(account) => {
                    let kind = account.password.as_deref().map_or("no password, or not active", hash_kind);
                    *found.kinds.entry(kind).or_default() += 1;
                    ids.insert(account.id);
                }
                Err(problems) => survey.refuse(&mut found, &row, problems),
            }
            Ok(())
        })
        .await?;
        self.count_unread(source, &mut found, survey).await?;
        survey.accounts = Some(found);
        Ok(ids)
    }

    /// Looks at the tasks, whose owners must be among those if they have accounts here.
    async fn survey_tasks(
        &self,
        source: &Source,
        owners: Option<&HashSet<UserId>>,
        survey: &mut Survey,
    ) -> Result<(), AdoptError> {
        let (mut found, mut ids) = (Surveyed::of(source), HashSet::new());
        self.each(source, async |row| {
            found.rows += 1;
            if row.is_deleted() {
                *found.kinds.entry("a mark of deletion, which stay behind").or_default() += 1;
                survey.deleted += 1;
                return Ok(());
            }
            match row.task() {
                Ok(task) if owners.is_some_and(|it| !it.contains(&task.owner)) => {
                    survey.refuse(&mut found, &row, vec!["its owner has no account that is taken".to_owned()]);
                }
                Ok(task) if !ids.insert(task.task.id) => {
                    survey.refuse(&mut found, &row, vec!["another task has the same id".to_owned()]);
                }
                Ok(_) => {}
                Err(problems) => survey.refuse(&mut found, &row, problems),
            }
            Ok(())
        })
        .await?;
        self.count_unread(source, &mut found, survey).await?;
        survey.tasks = Some(found);
        Ok(())
    }
}

/// Whether it is a Better Auth's table of accounts.
fn is_better_auth(table: &FoundTable) -> bool {
    table.name == "user" && table.columns.iter().any(|it| plain(&it.name) == "emailverified")
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
        for table in &self.moved {
            writeln!(formatter, "The table {table} would be called {table}{MOVED}")?;
        }
        for table in &self.obstacles {
            writeln!(formatter, "The table {table} is in the way of Docket's and not understood: rename it first")?;
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
