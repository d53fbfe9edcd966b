//! What is in a database that others have made, and what of it can be taken over.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use super::{
    AdoptError, Adoption, Rules,
    classify::{Classifier, Outcome},
    record,
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
    /// How many were taken already.
    taken: u64,
    /// Whether other columns are kept.
    keeps_others: bool,
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
    /// Tables that refer to those that rows are taken from, and are not read.
    links: Vec<String>,
    /// How many rows can be taken and are not yet.
    new: u64,
    /// The highest number of a task among them.
    pub(super) last_number: i64,
}

impl Adoption<'_> {
    pub(super) async fn survey(&self) -> Result<Survey, AdoptError> {
        let tables = &self.tables;
        let own: BTreeSet<String> = proof::table_names().into_iter().collect();
        let is_source = |name: &str| self.sources().any(|it| it.table.name == name);
        let is_made =
            |name: &str| name == "seaql_migrations" || name == record::TABLE || name.starts_with("tasks_search");
        let is_stranger = |name: &&String| !own.contains(self.known(name)) && !is_made(name) && !is_source(name);
        let mut survey = Survey {
            better_auth: proof::better_auth(self.db).await?,
            moved: tables
                .iter()
                .map(|it| &it.name)
                .filter(|it| is_source(it) && !it.ends_with(MOVED))
                .cloned()
                .collect(),
            obstacles: self.obstacles(&own, is_source).chain(self.unread().await?).collect(),
            links: self.links().await?,
            strangers: tables.iter().map(|it| &it.name).filter(is_stranger).cloned().collect(),
            ..Survey::default()
        };
        survey.accounts = self.accounts.as_ref().map(Surveyed::of);
        survey.tasks = self.tasks.as_ref().map(Surveyed::of);
        self.each(async |source, rows| {
            for (row, outcome) in rows {
                survey.count(source, &row, outcome);
            }
            Ok(())
        })
        .await?;
        Ok(survey)
    }

    /// Tables and views that need those that rows are taken from.
    async fn links(&self) -> Result<Vec<String>, AdoptError> {
        let mut links = BTreeSet::new();
        for source in self.sources() {
            links.extend(self.needed_by(source).await?);
        }
        Ok(links.into_iter().collect())
    }

    /// What Docket calls the table of that name.
    fn known<'n>(&'n self, name: &'n str) -> &'n str {
        self.db.auth_tables().map_or(name, |it| it.known(name))
    }

    /// The tables that are in the way before Docket has made its own, and that nothing is taken from.
    fn obstacles(&self, own: &BTreeSet<String>, is_source: impl Fn(&str) -> bool) -> impl Iterator<Item = String> {
        let tables = &self.tables;
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
        let in_the_way = names
            .map(|it| format!("{it}: in the way of Docket's tables, and nothing is taken from there; rename it first"));
        let is_there = |name: &str| tables.iter().any(|it| it.name == name);
        let again = self.sources().map(|it| it.table.name.as_str());
        let again = again.filter(move |it| !it.ends_with(MOVED) && is_there(&format!("{it}{MOVED}"))).map(|it| {
            format!("{it}{MOVED}: there already, from before; has another program made {it} since? stop it, and remove one of both")
        });
        in_the_way.chain(again)
    }

    /// What looks like accounts or tasks, and is not read.
    async fn unread(&self) -> Result<Vec<String>, AdoptError> {
        let views = self.db.views().await?;
        let accounts = || Source::accounts(&views).filter(|_| self.accounts.is_none());
        let tasks = || Source::tasks(&views).filter(|_| self.tasks.is_none());
        let views = accounts().into_iter().chain(tasks()).map(|it| it.table.name);
        let mut unread: Vec<_> = views.map(|it| format!("{it}: a view is not read; make a table of it")).collect();
        if self.accounts.is_none()
            && let Some(source) = Source::accounts_without_address(&self.tables)
        {
            let name = source.table.name;
            unread.push(format!("{name}: accounts are known by e-mail addresses; give it a column email"));
        }
        Ok(unread)
    }

    /// What rows are classified by.
    pub(super) async fn classifier(&self) -> Result<Classifier<'_>, AdoptError> {
        let is_of_users =
            |it: &FoundTable| self.known(&it.name) == "user" && (self.db.auth_tables().is_some() || is_better_auth(it));
        let mut classifier = Classifier::new(self.db);
        classifier.has_record = self.tables.iter().any(|it| it.name == record::TABLE);
        classifier.has_users = self.tables.iter().any(is_of_users);
        classifier.has_tasks = self.tables.iter().any(|it| it.name == "tasks" && Source::is_own(it));
        classifier.has_accounts = self.accounts.is_some();
        Ok(classifier)
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
            keeps_others: source.is_of_tasks(),
            ..Self::default()
        }
    }
}

impl Survey {
    fn count(&mut self, source: &Source, row: &Row<'_>, outcome: Outcome) {
        let found = if source.is_of_tasks() { &mut self.tasks } else { &mut self.accounts };
        let Some(found) = found else { return };
        found.rows += 1;
        match outcome {
            Outcome::Taken | Outcome::Here => found.taken += 1,
            Outcome::Deleted => *found.kinds.entry("a mark of deletion, which stay behind").or_default() += 1,
            Outcome::Account(account) => {
                self.new += 1;
                let kind = account.password.as_deref().map_or("no password, or not active", hash_kind);
                *found.kinds.entry(kind).or_default() += 1;
            }
            Outcome::Task(task) => {
                self.new += 1;
                self.last_number = self.last_number.max(task.task.number.unwrap_or_default());
            }
            Outcome::Refused(reasons) => {
                found.invalid += 1;
                self.remedies.extend(row.remedies(&reasons));
                if self.problems.len() < MAX_SHOWN {
                    let id = row.bare_id().unwrap_or_else(|| "without an id".to_owned());
                    self.problems.push(format!("{} {id}: {}", found.table, reasons.join("; ")));
                }
            }
        }
    }

    /// What is to be done next, for whoever has only looked.
    pub fn outlook(&self) -> &'static str {
        match (self.has_source(), self.obstacles.is_empty(), self.invalid(), self.new) {
            (false, true, ..) => "There is nothing to take over.",
            (_, false, ..) => "Nothing was changed, and nothing can be before that is changed.",
            (_, _, 0, 0) => "Nothing was changed. All of it is in Docket; docket adopt --drop removes the old tables.",
            (_, _, 0, _) => "Nothing was changed. docket adopt --apply takes it over.",
            (_, _, _, 0) => "Nothing was changed. What can be taken is in Docket.",
            _ => "Nothing was changed. docket adopt --apply --skip-invalid takes over what can be taken.",
        }
    }

    /// Fails if something must be changed or decided before anything is taken.
    pub(super) fn check(&self, rules: &Rules) -> Result<(), AdoptError> {
        match self.invalid() {
            _ if !self.obstacles.is_empty() => Err(AdoptError::InTheWay(self.obstacles.join("; "))),
            invalid if invalid > 0 && !rules.skips_invalid => Err(AdoptError::Invalid(invalid)),
            _ => Ok(()),
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
        let Self { table, rows, columns, others, kinds, invalid, taken, keeps_others } = self;
        write!(formatter, "{table}: {rows} rows, of which {} can be taken", rows - invalid)?;
        writeln!(formatter, "{}", if *taken > 0 { format!(", and {taken} are here already") } else { String::new() })?;
        writeln!(formatter, "    columns that are taken: {}", columns.join(", "))?;
        if !others.is_empty() {
            let fate =
                if *keeps_others { "kept as unknown fields" } else { "read where they bar an account, not taken" };
            writeln!(formatter, "    other columns, {fate}: {}", others.join(", "))?;
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
        if !self.links.is_empty() {
            writeln!(formatter, "Not taken, though they refer to these tables: {}", self.links.join(", "))?;
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
