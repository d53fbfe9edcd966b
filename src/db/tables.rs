//! Tables that are not Docket's: what they are, and their rows whatever their types, as JSON. For `docket adopt`.

use std::borrow::Cow;

use sea_orm::{ConnectionTrait, DbBackend, DbErr, QueryResult, Statement, Value};
use serde_json::{Map, Value as Json};

use super::{Connection, Db, Transaction};

/// A table that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundTable {
    /// Its name.
    pub name: String,
    /// Its columns, in their order.
    pub columns: Vec<FoundColumn>,
}

/// A column that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundColumn {
    /// Its name.
    pub name: String,
    /// Its type, in small letters.
    pub kind: String,
    /// Its default, in small letters; empty without one.
    pub default: String,
}

impl FoundTable {
    /// The column of that name.
    pub fn column(&self, name: &str) -> Option<&FoundColumn> {
        self.columns.iter().find(|it| it.name == name)
    }
}

/// A name as SQL has it.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

impl Db {
    /// All tables that statements find without naming a schema.
    pub async fn tables(&self) -> Result<Vec<FoundTable>, DbErr> {
        self.found("type = 'table'", "relkind in ('r', 'p')").await
    }

    /// All views that statements find so, and on PostgreSQL tables of other servers.
    pub async fn views(&self) -> Result<Vec<FoundTable>, DbErr> {
        self.found("type = 'view'", "relkind in ('v', 'm', 'f')").await
    }

    async fn found(&self, of_sqlite: &str, of_postgres: &str) -> Result<Vec<FoundTable>, DbErr> {
        let text = match self.backend() {
            DbBackend::Sqlite => format!(
                "select m.name, c.name, lower(c.type), lower(coalesce(c.dflt_value, '')) from sqlite_master as m \
                 join pragma_table_info(m.name) as c where m.{of_sqlite} and m.name not like 'sqlite_%' \
                 order by m.name, c.cid"
            ),
            _ => format!(
                "select c.relname::text, a.attname::text, format_type(a.atttypid, null), \
                 lower(coalesce(pg_get_expr(d.adbin, d.adrelid), '')) from pg_class as c \
                 join pg_attribute as a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped \
                 left join pg_attrdef as d on d.adrelid = c.oid and d.adnum = a.attnum \
                 where c.{of_postgres} and pg_table_is_visible(c.oid) \
                 and c.relnamespace not in ('pg_catalog'::regnamespace, 'information_schema'::regnamespace) \
                 order by c.relname, a.attnum"
            ),
        };
        let mut tables: Vec<FoundTable> = Vec::new();
        for row in self.reader.query_all_raw(Statement::from_string(self.backend(), text)).await? {
            let name: String = row.try_get_by_index(0)?;
            let column = FoundColumn {
                name: row.try_get_by_index(1)?,
                kind: row.try_get_by_index(2)?,
                default: row.try_get_by_index(3)?,
            };
            match tables.last_mut().filter(|it| it.name == name) {
                Some(table) => table.columns.push(column),
                None => tables.push(FoundTable { name, columns: vec![column] }),
            }
        }
        Ok(tables)
    }

    /// The tables and views that need a table: by a foreign key, or because they select from it.
    pub async fn dependents(&self, table: &str) -> Result<Vec<String>, DbErr> {
        let text = match self.backend() {
            DbBackend::Sqlite => {
                "select m.name from sqlite_master as m where m.type = 'view' and instr(lower(m.sql), lower(?1)) > 0 \
                 union select m.name from sqlite_master as m join pragma_foreign_key_list(m.name) as f \
                 where m.type = 'table' and lower(f.\"table\") = lower(?1) order by 1"
            }
            _ => {
                "select v.relname::text from pg_depend as d join pg_rewrite as r on r.oid = d.objid \
                 join pg_class as v on v.oid = r.ev_class where d.refobjid = to_regclass(quote_ident($1)) and r.ev_class <> d.refobjid \
                 union select c.relname::text from pg_constraint join pg_class as c on c.oid = conrelid \
                 where contype = 'f' and confrelid = to_regclass(quote_ident($1)) order by 1"
            }
        };
        let statement = Statement::from_sql_and_values(self.backend(), text, [Value::from(table)]);
        self.reader.query_all_raw(statement).await?.iter().map(|row| row.try_get_by_index(0)).collect()
    }

    /// Reads all rows of a table, some at a time: on PostgreSQL as they are at one moment.
    pub async fn read_rows(&self, table: &FoundTable) -> Result<TableRows, DbErr> {
        let name = quoted(&table.name);
        let source = match self.backend() {
            DbBackend::Sqlite => RowSource::Statement {
                db: self.clone(),
                text: format!(
                    "select rowid, cast({} as blob) from {name} where rowid > ? order by rowid limit ?",
                    json_of_sqlite(table)
                ),
                after: i64::MIN,
            },
            _ => {
                let transaction = self.snapshot().await?;
                let cursor = format!(
                    "declare rows no scroll cursor for select 0::bigint, convert_to(to_jsonb(it)::text, 'UTF8') from {name} as it"
                );
                transaction.connection().execute_unprepared(&cursor).await?;
                RowSource::Cursor(transaction)
            }
        };
        Ok(TableRows(source))
    }

    /// Gives tables other names, which get the same end, and their indexes and sequences too: names that Docket's own may
    /// have. All or nothing.
    pub async fn move_tables(&self, tables: &[String], end: &str) -> Result<(), DbErr> {
        self.transaction(async |transaction| {
            let connection = transaction.connection();
            for table in tables {
                for renaming in self.renamings(connection, table, end).await? {
                    connection.execute_unprepared(&renaming).await?;
                }
                let (old, new) = (quoted(table), quoted(&format!("{table}{end}")));
                connection.execute_unprepared(&format!("alter table {old} rename to {new}")).await?;
            }
            Ok(())
        })
        .await
    }

    /// The statements that give the indexes and sequences of a table other names, with that end.
    async fn renamings(&self, on: &Connection, table: &str, end: &str) -> Result<Vec<String>, DbErr> {
        if self.backend() == DbBackend::Sqlite {
            return index_renamings(on, table, end).await;
        }
        let text = "select format('alter %s %I rename to %I', part.kind, part.name, part.name || $2) from ( \
                    select 'index' as kind, c.relname as name from pg_index as i \
                    join pg_class as c on c.oid = i.indexrelid where i.indrelid = to_regclass(quote_ident($1)) \
                    union all select 'sequence', c.relname from pg_depend as d \
                    join pg_class as c on c.oid = d.objid and c.relkind = 'S' \
                    where d.refobjid = to_regclass(quote_ident($1)) and d.deptype in ('a', 'i')) as part";
        let statement = Statement::from_sql_and_values(self.backend(), text, [Value::from(table), Value::from(end)]);
        on.query_all_raw(statement).await?.iter().map(|row| row.try_get_by_index(0)).collect()
    }

    /// Removes a table.
    pub async fn drop_table(&self, name: &str) -> Result<(), DbErr> {
        self.writer.execute_unprepared(&format!("drop table {}", quoted(name))).await.map(drop)
    }
}

/// SQLite renames no index: it is made anew. What its text says of the table follows the table's name.
async fn index_renamings(on: &Connection, table: &str, end: &str) -> Result<Vec<String>, DbErr> {
    let text = "select name, sql from sqlite_master where type = 'index' and sql is not null and tbl_name = ?";
    let statement = Statement::from_sql_and_values(DbBackend::Sqlite, text, [Value::from(table)]);
    let mut renamings = Vec::new();
    for row in on.query_all_raw(statement).await? {
        let (name, sql): (String, String) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
        renamings.push(format!("drop index {}", quoted(&name)));
        renamings.push(sql.replacen(&name, &format!("{name}{end}"), 1));
    }
    Ok(renamings)
}

/// A row of a table as JSON, as SQLite makes it: bytes in hexadecimal digits, and numbers that JSON does not have as texts.
fn json_of_sqlite(table: &FoundTable) -> String {
    let columns = table.columns.iter().map(|it| {
        let (name, column) = (it.name.replace('\'', "''"), quoted(&it.name));
        format!(
            "'{name}', case when typeof({column}) = 'blob' then hex({column}) \
             when typeof({column}) = 'real' and abs({column}) > 1.7e308 then cast({column} as text) else {column} end"
        )
    });
    format!("json_object({})", columns.collect::<Vec<_>>().join(", "))
}

/// What a row is, and whether all of it can be read.
#[derive(Clone, Debug)]
pub struct FoundRow {
    /// Each column by its name. Bytes are in hexadecimal digits.
    pub values: Map<String, Json>,
    /// Whether its texts are UTF-8; what is not is replaced.
    pub is_text: bool,
}

/// The rows of a table, some at a time.
#[derive(Debug)]
pub struct TableRows(RowSource);

#[derive(Debug)]
enum RowSource {
    /// A cursor in a transaction of PostgreSQL's.
    Cursor(Transaction),
    /// A statement of SQLite's, for the rows behind one.
    Statement { db: Db, text: String, after: i64 },
}

impl TableRows {
    /// The next ones, at most so many; none at the end.
    pub async fn next(&mut self, most: usize) -> Result<Vec<FoundRow>, DbErr> {
        let rows = match &self.0 {
            RowSource::Cursor(transaction) => {
                let fetch = Statement::from_string(DbBackend::Postgres, format!("fetch {most} from rows"));
                transaction.connection().query_all_raw(fetch).await?
            }
            RowSource::Statement { db, text, after } => {
                let values = [Value::from(*after), Value::from(i64::try_from(most).unwrap_or(i64::MAX))];
                db.reader().query_all_raw(Statement::from_sql_and_values(DbBackend::Sqlite, text, values)).await?
            }
        };
        if let (RowSource::Statement { after, .. }, Some(last)) = (&mut self.0, rows.last()) {
            *after = last.try_get_by_index(0)?;
        }
        rows.iter().map(FoundRow::read).collect()
    }

    /// Ends the reading.
    pub async fn close(self) -> Result<(), DbErr> {
        match self.0 {
            RowSource::Cursor(transaction) => transaction.rollback().await,
            RowSource::Statement { .. } => Ok(()),
        }
    }
}

impl FoundRow {
    fn read(row: &QueryResult) -> Result<Self, DbErr> {
        let bytes: Vec<u8> = row.try_get_by_index(1)?;
        let text = String::from_utf8_lossy(&bytes);
        let values = serde_json::from_str(&text).map_err(|cause| DbErr::Type(cause.to_string()))?;
        Ok(Self { values, is_text: matches!(text, Cow::Borrowed(_)) })
    }
}
