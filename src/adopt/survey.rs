//! What is in a database that others have made, and what of it can be taken over.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
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
    service::{adoption, auth::hash_kind},
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
    /// What must be changed there first, a sentence each.
    pub(super) obstacles: Vec<String>,
    /// Tables that nobody touches.
    strangers: Vec<String>,
    /// The first rows that cannot be taken.
    problems: Vec<String>,
    /// What would make them be taken.
    remedies: BTreeSet<&'static str>,
    /// How many tasks have a mark of deletion.
    pub(super) deleted: u64,
}

impl Adoption<'_> {
    pub(super) async fn survey(&self) -> Result<Survey, AdoptError> {
        let tables = self.db.tables().await?;
        let own: BTreeSet<String> = proof::table_names().into_iter().collect();
        let is_source = |name: &str| self.sources().any(|it| it.table.name == name);
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
            obstacles: self.obstacles(&tables, &own, is_source).chain(self.unread(&tables).await?).collect(),
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
    ) -> impl Iterator<Item = String> {
        let is_migrated = tables.iter().any(|it| it.name == "seaql_migrations");
        let has_better_auth = self.db.auth_tables().is_some() || tables.iter().any(is_better_auth);
        // Of a Better Auth there may be some tables, and the others are made.
        let may_be_there = move |name: &str| has_better_auth && AUTH_TABLES.contains(&name);
        let is_obstacle = move |it: &&FoundTable| {
            !is_migrated
                && own.contains(self.known(&it.name))
                && !is_source(&it.name)
                && !may_be_there(self.known(&it.name))
        };
        let names = tables.iter().filter(is_obstacle).map(|it| &it.name);
        names.map(|it| format!("{it}: in the way of Docket's tables, and nothing is taken from there; rename it first"))
    }

    /// What looks like accounts or tasks, and is not read.
    async fn unread(&self, tables: &[FoundTable]) -> Result<Vec<String>, AdoptError> {
        let views = self.db.views().await?;
        let accounts = || Source::accounts(&views).filter(|_| self.accounts.is_none());
        let tasks = || Source::tasks(&views).filter(|_| self.tasks.is_none());
        let views = accounts().into_iter().chain(tasks()).map(|it| it.table.name);
        let mut unread: Vec<_> = views.map(|it| format!("{it}: a view is not read; make a table of it")).collect();
        if self.accounts.is_none()
            && let Some(source) = Source::accounts_without_address(tables)
        {
            let name = source.table.name;
            unread.push(format!("{name}: accounts are known by e-mail addresses; give it a column email"));
        }
        Ok(unread)
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
        let (mut found, mut ids, mut addresses) = (Surveyed::of(source), HashSet::new(), HashMap::new());
        self.each(source, async |row| {
            found.rows += 1;
            match row.account() {
                Ok(account) if addresses.contains_key(account.email.as_str()) => {
                    survey.refuse(&mut found, &row, vec!["another account has the same address".to_owned()]);
                }
                Ok(account) => {
                    let kind = account.password.as_deref().map_or("no password, or not active", hash_kind);
                    *found.kinds.entry(kind).or_default() += 1;
                    addresses.insert(account.email.as_str().to_owned(), account.id.clone());
                    ids.insert(account.id);
                }
                Err(problems) => survey.refuse(&mut found, &row, problems),
            }
            Ok(())
        })
        .await?;
        if self.has_users().await? {
            let accounts = addresses.iter().map(|(address, id)| (address.clone(), id.clone()));
            for address in adoption::taken_addresses(self.db, accounts).await? {
                ids.remove(&addresses[&address]);
                let problem = format!("{} {}: an account of Docket has its address", found.table, addresses[&address]);
                survey.refuse_one(&mut found, problem);
            }
        }
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
        let (mut found, mut keys) = (Surveyed::of(source), HashMap::new());
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
                Ok(task) if keys.insert(task.task.id, task.task.number).is_some() => {
                    survey.refuse(&mut found, &row, vec!["another task has the same id".to_owned()]);
                }
                Ok(_) => {}
                Err(problems) => survey.refuse(&mut found, &row, problems),
            }
            Ok(())
        })
        .await?;
        if self.has_tasks().await? {
            let keys = keys.into_iter().map(|(id, number)| (number, id));
            for number in adoption::taken_numbers(self.db, keys).await? {
                let problem = format!("{} {number}: a task of Docket has its number", found.table);
                survey.refuse_one(&mut found, problem);
            }
        }
        self.count_unread(source, &mut found, survey).await?;
        survey.tasks = Some(found);
        Ok(())
    }

    /// Whether there are accounts already, of Docket or a Better Auth.
    async fn has_users(&self) -> Result<bool, AdoptError> {
        let is_there =
            |it: &FoundTable| self.known(&it.name) == "user" && (self.db.auth_tables().is_some() || is_better_auth(it));
        Ok(self.db.tables().await?.iter().any(is_there))
    }

    /// Whether Docket has made its tables.
    async fn has_tasks(&self) -> Result<bool, AdoptError> {
        Ok(self.db.tables().await?.iter().any(|it| it.name == "tasks" && Source::is_own(it)))
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
            others: source.others().map(|it| it.name.clone()).collect(),
            ..Self::default()
        }
    }
}

impl Survey {
    fn refuse(&mut self, table: &mut Surveyed, row: &Row<'_>, reasons: Vec<String>) {
        self.remedies.extend(row.remedies(&reasons));
        let id = row.id().unwrap_or_else(|| "without an id".to_owned());
        let problem = format!("{} {id}: {}", table.table, reasons.join("; "));
        self.refuse_one(table, problem);
    }

    fn refuse_one(&mut self, table: &mut Surveyed, problem: String) {
        table.invalid += 1;
        if self.problems.len() < MAX_SHOWN {
            self.problems.push(problem);
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
        for obstacle in &self.obstacles {
            writeln!(formatter, "To be changed first: {obstacle}")?;
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
        for remedy in &self.remedies {
            writeln!(formatter, "Helps: {remedy}")?;
        }
        Ok(())
    }
}
