//! What the catalog of a database says against working on it: tables, columns, keys, rights and settings. Nothing is
//! written.

use std::collections::BTreeMap;

use migration::{Migrator, MigratorTrait};
use sea_orm::{ConnectionTrait, DbBackend, DbErr, QueryResult, Statement};

use super::{
    objects,
    shape::{Found, FoundTable, Table, tables},
};
use crate::db::{AuthTables, Connection};

/// Since which migration Docket has tables of its own: the first makes those of Better Auth.
const FIRST_OF_OUR_OWN: usize = 1;
/// Between which migrations no table of Docket's is called `owners`, as `user_revisions` was once.
const WITHOUT_OWNERS: [usize; 2] = [6, 15];
/// How many rows of each table of SQLite's are looked at.
const SAMPLE_ROWS: u32 = 20;
const RIGHTS: [&str; 4] = ["select", "insert", "update", "delete"];

/// What is asked goes through it.
pub(super) struct Catalog<'a>(pub(super) &'a Connection);

/// What was found.
#[derive(Debug)]
pub(super) struct Look {
    /// What stands in the way, a sentence each.
    pub(super) obstacles: Vec<String>,
    /// Whether all migrations are applied.
    pub(super) is_current: bool,
    /// Whether a newer Docket has applied more.
    pub(super) is_newer: bool,
}

/// Which migrations are applied, by their names, oldest first.
struct History {
    known: Vec<(String, bool)>,
    /// Whether a newer Docket has applied more.
    has_more: bool,
}

impl History {
    fn of(applied: &[String]) -> Self {
        let names = Migrator::migrations().into_iter().map(|it| it.name().to_owned());
        let known: Vec<_> = names.map(|name| (name.clone(), applied.contains(&name))).collect();
        let has_more = applied.iter().any(|name| !known.iter().any(|it| it.0 == *name));
        Self { known, has_more }
    }

    fn is_applied(&self, place: usize) -> bool {
        self.known.get(place).is_none_or(|it| it.1)
    }

    /// Whether a table of that name, which is not as Docket's is, was made by somebody else.
    fn is_of_others(&self, table: &str) -> bool {
        let [since, until] = WITHOUT_OWNERS.map(|it| self.is_applied(it));
        !self.is_applied(FIRST_OF_OUR_OWN) || (table == "owners" && since && !until)
    }

    fn is_current(&self) -> bool {
        self.known.iter().all(|it| it.1)
    }

    /// Says so if a row is missing of a migration that was applied: to apply it once more would fail half way.
    fn lost_row(&self, backend: DbBackend, has_all_columns: bool, last_of_columns: &str) -> Option<String> {
        let last_of_columns = self.known.iter().position(|it| it.0 == last_of_columns);
        let is_lost = |place: usize| {
            let is_later_applied = self.known.iter().skip(place + 1).any(|it| it.1);
            let is_done_again = self.known.get(place).is_some_and(|it| migration::is_done_again(&it.0, backend));
            is_later_applied || (has_all_columns && Some(place) <= last_of_columns && !is_done_again)
        };
        let (_, (name, _)) = self.known.iter().enumerate().find(|(place, it)| !it.1 && is_lost(*place))?;
        let advice = "put that row back, or restore a backup";
        Some(format!("the table seaql_migrations lacks the row of {name}, whose changes are there: {advice}"))
    }
}

impl Catalog<'_> {
    /// What can be seen without writing.
    pub(super) async fn look(&self) -> Result<Look, DbErr> {
        let backend = self.0.get_database_backend();
        let is_sqlite = backend == DbBackend::Sqlite;
        let mut obstacles = if is_sqlite { Vec::new() } else { self.settings().await? };
        obstacles.extend(self.0.auth_tables().into_iter().flat_map(|it| it.conflicts.clone()));
        let found = self.found().await?;
        let history = History::of(&self.applied(&found).await?);
        let differences = |table: &Table| match found.get(&table.name) {
            Some(found) => table.differences(backend, found, history.is_current()),
            None => vec![format!("the table {} is missing", table.name)],
        };
        let differences: Vec<(Table, Vec<String>)> =
            tables().into_iter().map(|it| (it.clone(), differences(&it))).collect();
        let has_all_columns = differences.iter().all(|(_, it)| it.is_empty());
        obstacles.extend(history.lost_row(backend, has_all_columns, objects::last_of_columns(backend)));
        for (table, differences) in differences {
            let is_there = found.contains_key(&table.name);
            if history.is_current() || (!table.is_own && is_there) {
                obstacles.extend(differences);
            } else if !differences.is_empty() && is_there && history.is_of_others(&table.name) {
                // Otherwise it may be an older one, which migrations bring up to date.
                obstacles.push(format!(
                    "the table {} is there already and not Docket's: docket adopt says what can be \
                     taken over; or give Docket a database of its own in DATABASE_URL, or rename that table",
                    table.name
                ));
            }
        }
        if obstacles.is_empty() {
            obstacles = self.missing(&found, &history).await?;
            obstacles.extend(if is_sqlite { self.forms(&found).await? } else { self.rights(&found).await? });
        }
        if obstacles.is_empty() && history.is_current() {
            obstacles = self.contents(backend).await?;
        }
        Ok(Look { obstacles, is_current: history.is_current(), is_newer: history.has_more })
    }

    /// What is another text after each change of the schema that may keep rows from being written.
    pub(super) async fn schema(&self) -> Result<String, DbErr> {
        let names = self.rows_of(tables().into_iter().map(|it| it.name));
        let text = match self.0.get_database_backend() {
            DbBackend::Sqlite => "select cast(schema_version as text) from pragma_schema_version".to_owned(),
            _ => format!(
                "with these as (select to_regclass(quote_ident(name))::oid as id from (values {names}) as t (name)), \
                 marks (mark) as ( \
                   select concat('table', oid, relrowsecurity, relforcerowsecurity, relhasrules, relowner, relacl) \
                     from pg_class where oid in (select id from these) \
                   union all select concat('column', attrelid, '.', attnum, '.', xmin) \
                     from pg_attribute where attrelid in (select id from these) \
                   union all select concat('constraint', oid, '.', xmin) \
                     from pg_constraint where conrelid in (select id from these) \
                   union all select concat('index', indexrelid, '.', xmin) \
                     from pg_index where indrelid in (select id from these) \
                   union all select concat('policy', oid, '.', xmin) \
                     from pg_policy where polrelid in (select id from these) \
                   union all select concat('trigger', t.oid, '.', t.xmin, '.', p.xmin) \
                     from pg_trigger as t join pg_proc as p on p.oid = t.tgfoid \
                     where tgrelid in (select id from these)) \
                 select md5(string_agg(mark, ' ' order by mark)) from marks"
            ),
        };
        let row = self.ask(text).await?;
        row.first().map_or(Ok(None), |row| row.try_get_by_index::<Option<String>>(0)).map(Option::unwrap_or_default)
    }

    async fn applied(&self, found: &BTreeMap<String, FoundTable>) -> Result<Vec<String>, DbErr> {
        if !found.contains_key("seaql_migrations") {
            return Ok(Vec::new());
        }
        let rows = self.ask("select version from seaql_migrations".to_owned()).await?;
        rows.iter().map(|row| row.try_get_by_index(0)).collect()
    }

    /// What Docket's role may not do with the tables.
    async fn rights(&self, found: &BTreeMap<String, FoundTable>) -> Result<Vec<String>, DbErr> {
        let names = tables().into_iter().filter(|it| found.contains_key(&it.name)).map(|it| it.name);
        let (names, rights) = (self.rows_of(names), rows_of(RIGHTS.into_iter().map(str::to_owned)));
        if names.is_empty() {
            return Ok(Vec::new());
        }
        let rows = self
            .ask(format!(
                "select name, privilege from (values {names}) as t (name), (values {rights}) as r (privilege) \
                 where not has_table_privilege(to_regclass(quote_ident(name))::oid, privilege)"
            ))
            .await?;
        let missing = |row: &QueryResult| {
            let (name, right): (String, String) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
            Ok(format!("Docket's role has no right to {right} in the table {name}"))
        };
        rows.iter().map(missing).collect()
    }

    /// What statements rely on beside columns, and is not there.
    async fn missing(&self, found: &BTreeMap<String, FoundTable>, history: &History) -> Result<Vec<String>, DbErr> {
        if history.has_more {
            // What a newer Docket has made instead is for that one to know.
            return Ok(Vec::new());
        }
        let is_looked_at = |name: &str| {
            let is_own = || tables().iter().any(|it| it.is_own && it.name == name);
            found.contains_key(name) && (history.is_current() || !is_own())
        };
        Ok(objects::obstacles(self.0.get_database_backend(), &self.objects().await?, is_looked_at))
    }

    /// What does not keep Docket from working, and should be looked at.
    pub(super) async fn warnings(&self) -> Result<Vec<String>, DbErr> {
        let history = History::of(&self.applied(&self.found().await?).await?);
        if history.has_more || !history.is_current() {
            return Ok(Vec::new());
        }
        Ok(objects::warnings(self.0.get_database_backend(), &self.objects().await?))
    }

    /// Instants in SQLite's tables that are in another form than the others.
    async fn forms(&self, found: &BTreeMap<String, FoundTable>) -> Result<Vec<String>, DbErr> {
        let has_numbers = self.0.auth_tables().is_some_and(AuthTables::has_numbers);
        let (strange, wanted) = match has_numbers {
            true => ("'text'", "numbers, as most are"),
            false => ("'integer', 'real'", "ISO 8601 texts"),
        };
        let mut looks = Vec::new();
        for table in tables().iter().filter(|it| !it.is_own && found.contains_key(&it.name)) {
            let name = &table.name;
            looks.extend(table.instants().map(|column| {
                format!(
                    "select '{name}', '{column}', kind from (select typeof(\"{column}\") as kind from \"{name}\" \
                     order by rowid desc limit {SAMPLE_ROWS}) where kind in ({strange})"
                )
            }));
        }
        if looks.is_empty() {
            return Ok(Vec::new());
        }
        let wrong = |row: &QueryResult| {
            let (table, column, kind): (String, String, String) =
                (row.try_get_by_index(0)?, row.try_get_by_index(1)?, row.try_get_by_index(2)?);
            Ok(format!("the column {column} of the table {table} has times as {kind}; they must be {wanted}"))
        };
        self.ask(looks.join(" union ")).await?.iter().map(wrong).collect()
    }

    /// The tables that there are, as statements find them.
    async fn found(&self) -> Result<BTreeMap<String, FoundTable>, DbErr> {
        let names = tables().into_iter().map(|it| it.name).chain(["seaql_migrations".to_owned()]);
        let names = self.rows_of(names);
        let text = match self.0.get_database_backend() {
            DbBackend::Sqlite => format!(
                "select t.column1, c.name, c.type, not c.\"notnull\" and not c.pk, \
                 c.dflt_value is not null or c.hidden > 1, cast(null as integer) \
                 from (values {names}) as t join pragma_table_xinfo(t.column1) as c"
            ),
            _ => format!(
                "select t.name, a.attname::text, format_type(a.atttypid, null), not a.attnotnull, \
                 a.atthasdef or a.attidentity <> '', \
                 case when a.atttypid in (1042, 1043) and a.atttypmod > 4 then a.atttypmod - 4 end \
                 from (values {names}) as t (name) join pg_attribute as a \
                 on a.attrelid = to_regclass(quote_ident(t.name)) and a.attnum > 0 and not a.attisdropped"
            ),
        };
        let mut found: BTreeMap<String, FoundTable> = BTreeMap::new();
        for row in self.ask(text).await? {
            let (table, column): (String, String) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
            let table = self.known(&table);
            let name = self.0.auth_tables().map_or(column.as_str(), |it| it.known_column(table, &column)).to_owned();
            let column = Found {
                kind: row.try_get_by_index(2)?,
                may_be_null: row.try_get_by_index(3)?,
                has_default: row.try_get_by_index(4)?,
                length: row.try_get_by_index(5)?,
            };
            found.entry(table.to_owned()).or_default().insert(name, column);
        }
        Ok(found)
    }

    /// What Docket calls a table that was found.
    pub(super) fn known<'a>(&'a self, actual: &'a str) -> &'a str {
        self.0.auth_tables().map_or(actual, |it| it.known(actual))
    }

    /// Names of tables, as they are here, as the rows of a `values`.
    pub(super) fn rows_of(&self, names: impl Iterator<Item = String>) -> String {
        rows_of(names.map(|name| self.0.auth_tables().map_or(name.clone(), |it| it.actual(&name).to_owned())))
    }

    pub(super) async fn ask(&self, text: String) -> Result<Vec<QueryResult>, DbErr> {
        self.0.query_all_raw(Statement::from_string(self.0.get_database_backend(), text)).await
    }
}

/// Names as the rows of a `values`.
fn rows_of(names: impl Iterator<Item = String>) -> String {
    names.map(|name| format!("('{name}')")).collect::<Vec<_>>().join(", ")
}
