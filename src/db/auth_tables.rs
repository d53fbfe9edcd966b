//! Better Auth's tables where they are not as Docket makes them: other names of tables and columns (`usePlural`,
//! snake_case), and on SQLite times as numbers. What statements call them is fitted to that on its way to the database,
//! so that both servers read and write the same rows.
//! See docs/contracts/better-auth.md#tables.

mod times;

use std::collections::{BTreeMap, BTreeSet};

use entity::{account, jwks, rate_limit, session, user, verification};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DbBackend, DbErr, EntityTrait, IdenStatic, Iterable, Statement, Value,
    sea_query::ColumnType,
};

use self::times::Times;
use super::{Db, FoundColumn, FoundTable};

/// Columns, in [`plain`] form, of tables of accounts that have the passwords with them: those are somebody else's.
const HASHES: [&str; 3] = ["hashedpassword", "passwordhash", "hash"];
/// How many rows of each column are looked at.
const SAMPLE_ROWS: u32 = 20;

/// How the tables differ from those that Docket makes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct AuthTables {
    /// What tables and columns are called here, by the names that Docket gives them.
    names: BTreeMap<&'static str, String>,
    times: Times,
    /// What statements cannot be fitted to, a sentence each.
    pub(crate) conflicts: Vec<String>,
}

/// A table as Docket knows it.
struct Model {
    table: &'static str,
    columns: Vec<Column>,
    /// Columns, in [`plain`] form, by which it is known to be Better Auth's.
    marks: &'static [&'static str],
}

/// A column as Docket knows it.
struct Column {
    name: &'static str,
    is_time: bool,
    may_be_null: bool,
}

fn models() -> [Model; 6] {
    [
        model::<user::Entity>(&["email", "emailverified"]),
        model::<session::Entity>(&["token", "userid", "expiresat", "ipaddress", "useragent"]),
        model::<account::Entity>(&["accountid", "providerid", "userid", "accesstoken"]),
        model::<verification::Entity>(&["identifier", "value", "expiresat"]),
        model::<jwks::Entity>(&["publickey", "privatekey"]),
        model::<rate_limit::Entity>(&["key", "count", "lastrequest"]),
    ]
}

fn model<E: EntityTrait>(marks: &'static [&'static str]) -> Model {
    let column = |it: E::Column| {
        let definition = it.def();
        let is_time = matches!(definition.get_column_type(), ColumnType::TimestampWithTimeZone);
        Column { name: it.as_str(), is_time, may_be_null: definition.is_null() }
    };
    Model { table: E::default().table_name(), columns: E::Column::iter().map(column).collect(), marks }
}

/// A name without what tells camelCase and snake_case apart.
pub(crate) fn plain(name: &str) -> String {
    name.replace('_', "").to_ascii_lowercase()
}

impl AuthTables {
    /// What a table or column is called here.
    pub(crate) fn actual<'a>(&'a self, name: &'a str) -> &'a str {
        self.names.get(name).map_or(name, String::as_str)
    }

    /// What Docket calls a table.
    pub(crate) fn known<'a>(&'a self, actual: &'a str) -> &'a str {
        self.names.iter().find(|(_, it)| *it == actual).map_or(actual, |(known, _)| known)
    }

    /// What Docket calls a column of a table, which it calls so.
    pub(crate) fn known_column<'a>(&'a self, table: &str, actual: &'a str) -> &'a str {
        let is_of_these = models().iter().any(|it| it.table == table);
        if is_of_these { self.known(actual) } else { actual }
    }

    /// How they differ, a sentence; nothing if they do not.
    pub(crate) fn difference(&self) -> Option<String> {
        let names = self.names.iter().map(|(known, actual)| format!("{known} is {actual}"));
        let times = Some(self.times).filter(|it| *it != Times::Text).map(|it| format!("times are {}", it.name()));
        let all: Vec<String> = names.chain(times).collect();
        (!all.is_empty()).then(|| all.join(", "))
    }

    /// Whether their times are numbers.
    pub(crate) fn has_numbers(&self) -> bool {
        self.times != Times::Text
    }

    /// A text of statements for these tables. What a statement returns keeps the names that Docket gives it.
    pub(crate) fn fit_text(&self, sql: &str) -> String {
        let (mut fitted, mut rest) = (String::with_capacity(sql.len()), sql);
        let mut is_returned = false;
        while let Some(at) = rest.find(['"', '\'']) {
            let (before, quoted) = rest.split_at(at);
            is_returned = returns(before).unwrap_or(is_returned);
            let (quote, inside) = quoted.split_at(1);
            let Some((name, after)) = inside.split_once(quote) else { break };
            rest = after;
            let actual = if quote == "'" { name } else { self.actual(name) };
            fitted.extend([before, quote, actual, quote]);
            let is_whole = after.is_empty() || after.starts_with(", ") || after.starts_with(" FROM ");
            if is_returned && actual != name && is_whole {
                fitted.extend([" AS \"", name, "\""]);
            }
        }
        fitted + rest
    }

    /// A statement for these tables.
    pub(super) fn fit(&self, mut statement: Statement) -> Statement {
        if !self.names.is_empty() {
            statement.sql = self.fit_text(&statement.sql);
        }
        if self.has_numbers() && statement.db_backend == DbBackend::Sqlite {
            for value in statement.values.iter_mut().flat_map(|it| &mut it.0) {
                if let Value::ChronoDateTimeWithTimeZone(Some(time)) = value {
                    *value = self.times.number(time.timestamp_millis());
                }
            }
        }
        statement
    }

    /// The statements that add the columns which an older Better Auth has not made and which may be null.
    pub(super) async fn additions(&self, db: &Db) -> Result<Vec<String>, DbErr> {
        let tables = db.tables().await?;
        let mut additions = Vec::new();
        for model in models() {
            let Some(table) = model.table_in(&tables) else { continue };
            let time = model.times().find_map(|it| column_in(table, it)).map_or("text", |it| it.kind.as_str());
            let is_missing = |it: &&Column| it.may_be_null && column_in(table, it.name).is_none();
            additions.extend(model.columns.iter().filter(is_missing).map(|it| {
                let kind = if it.is_time { time } else { "text" };
                format!(r#"alter table "{}" add column "{}" {kind}"#, table.name, self.actual(it.name))
            }));
        }
        Ok(additions)
    }

    /// Finds out how the tables of a database differ.
    pub(super) async fn detect(db: &Db) -> Result<Self, DbErr> {
        let tables = db.tables().await?;
        let mut here = Self::default();
        // Tables that only look like the others are somebody else's where there are no accounts of a Better Auth.
        if !models().iter().any(|it| it.table == "user" && it.table_in(&tables).is_some()) {
            return Ok(here);
        }
        let mut chosen = Vec::new();
        for model in models() {
            let Some(table) = model.table_in(&tables) else { continue };
            here.name(model.table, &table.name);
            for column in &model.columns {
                if let Some(actual) = column_in(table, column.name) {
                    here.name(column.name, &actual.name);
                }
            }
            let times = model.times().filter_map(|it| column_in(table, it));
            chosen.extend(times.map(|column| TimeColumn { table: &table.name, column }));
        }
        here.names.retain(|known, actual| *known != actual.as_str());
        if db.backend() == DbBackend::Sqlite {
            here.detect_times(db, &chosen).await?;
        }
        Ok(here)
    }

    fn name(&mut self, known: &'static str, actual: &str) {
        let before = self.names.entry(known).or_insert_with(|| actual.to_owned());
        if before != actual {
            let sentence = format!(
                "Better Auth's tables call {known} {before} in one place and {actual} in another: rename one of the columns"
            );
            self.conflicts.push(sentence);
        }
    }

    async fn detect_times(&mut self, db: &Db, columns: &[TimeColumn<'_>]) -> Result<(), DbErr> {
        let looks: Vec<String> = columns.iter().map(TimeColumn::look).collect();
        if looks.is_empty() {
            return Ok(());
        }
        let text = format!("select kind, cast(most as real) from ({})", looks.join(" union all "));
        let rows = db.reader.query_all_raw(Statement::from_string(DbBackend::Sqlite, text)).await?;
        let mut forms = BTreeSet::new();
        for row in &rows {
            forms.extend(Times::of(&row.try_get_by_index::<String>(0)?, row.try_get_by_index(1)?));
        }
        if forms.is_empty() {
            forms = columns.iter().map(|it| Times::declared(&it.column.kind, &it.column.default)).collect();
        }
        self.times = forms.first().copied().unwrap_or_default();
        // Texts among numbers are found when the columns are looked at.
        if forms.len() > 1 && self.has_numbers() {
            let names: Vec<&str> = forms.iter().map(|it| it.name()).collect();
            let names = names.join(" and ");
            self.conflicts.push(format!("the times of Better Auth's tables are {names}: they must be of one kind"));
        }
        Ok(())
    }
}

impl Model {
    fn times(&self) -> impl Iterator<Item = &'static str> {
        self.columns.iter().filter(|it| it.is_time).map(|it| it.name)
    }

    /// The table of it, if it is there: under its own name, or in the plural or another case.
    fn table_in<'a>(&self, tables: &'a [FoundTable]) -> Option<&'a FoundTable> {
        let is_name = |it: &&FoundTable| {
            let (it, own) = (plain(&it.name), plain(self.table));
            it == own || it == format!("{own}s")
        };
        let has_marks = |table: &&FoundTable| {
            let has = |column: &&str| column_in(table, column).is_some();
            self.marks.iter().all(has) && !HASHES.iter().any(has)
        };
        let all = || tables.iter().filter(is_name).filter(has_marks);
        all().find(|it| it.name == self.table).or_else(|| all().next())
    }
}

/// A column of a table, as it is here.
fn column_in<'a>(table: &'a FoundTable, column: &str) -> Option<&'a FoundColumn> {
    table.column(column).or_else(|| table.columns.iter().find(|it| plain(&it.name) == plain(column)))
}

/// A column of SQLite's with times.
struct TimeColumn<'a> {
    table: &'a str,
    column: &'a FoundColumn,
}

impl TimeColumn<'_> {
    /// The statement that looks at some of its values.
    fn look(&self) -> String {
        let Self { table, column } = self;
        format!(
            "select typeof(it) as kind, max(abs(it)) as most from (select \"{}\" as it from \"{table}\" \
             where it is not null order by rowid desc limit {SAMPLE_ROWS}) group by kind",
            column.name
        )
    }
}

/// Whether columns that a statement returns follow this part of it, if that says so.
fn returns(part: &str) -> Option<bool> {
    let words = [("SELECT ", true), ("RETURNING ", true), (" FROM ", false)];
    let last = words.into_iter().filter_map(|(word, returns)| Some((part.rfind(word)?, returns))).max();
    last.map(|(_, returns)| returns)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn snake() -> AuthTables {
        let names = [("user", "users"), ("emailVerified", "email_verified")];
        AuthTables { names: names.map(|(known, it)| (known, it.to_owned())).into(), ..AuthTables::default() }
    }

    #[test]
    fn names_are_fitted_and_texts_are_not() {
        let sql = r#"select "user"."emailVerified", '"user"', "labels"."user_id" from "user" where x = 'it''s "user"'"#;
        let fitted =
            r#"select "users"."email_verified", '"user"', "labels"."user_id" from "users" where x = 'it''s "user"'"#;
        assert_eq!(snake().fit_text(sql), fitted);
    }

    #[test]
    fn what_is_returned_keeps_its_name() {
        for (sql, fitted) in [
            (
                r#"SELECT "user"."id", "user"."emailVerified" FROM "user" WHERE "user"."emailVerified" = $1"#,
                r#"SELECT "users"."id", "users"."email_verified" AS "emailVerified" FROM "users" WHERE "users"."email_verified" = $1"#,
            ),
            (
                r#"INSERT INTO "user" ("id", "emailVerified") VALUES ($1, $2) RETURNING "emailVerified", "id""#,
                r#"INSERT INTO "users" ("id", "email_verified") VALUES ($1, $2) RETURNING "email_verified" AS "emailVerified", "id""#,
            ),
            (
                r#"UPDATE "user" SET "emailVerified" = $1 RETURNING "id", "emailVerified""#,
                r#"UPDATE "users" SET "email_verified" = $1 RETURNING "id", "email_verified" AS "emailVerified""#,
            ),
            (
                r#"SELECT COUNT("user"."emailVerified") FROM "user" ORDER BY "emailVerified", "id""#,
                r#"SELECT COUNT("users"."email_verified") FROM "users" ORDER BY "email_verified", "id""#,
            ),
        ] {
            assert_eq!(snake().fit_text(sql), fitted);
        }
    }

    #[test]
    fn times_are_written_as_they_are_held() {
        let time = chrono::DateTime::from_timestamp_millis(1_700_000_000_500).unwrap().fixed_offset();
        let fitted = |times| {
            let statement = Statement::from_sql_and_values(DbBackend::Sqlite, "select ?", [time.into()]);
            AuthTables { times, ..AuthTables::default() }.fit(statement).values.unwrap().0.remove(0)
        };
        assert_eq!(fitted(Times::Text), Value::from(time));
        assert_eq!(fitted(Times::Seconds), Value::from(1_700_000_000_i64));
        assert_eq!(fitted(Times::Millis), Value::from(1_700_000_000_500_i64));
        assert_eq!(fitted(Times::RealSeconds), Value::from(1_700_000_000.5));
    }
}
