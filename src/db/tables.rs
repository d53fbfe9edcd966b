//! Tables that are not Docket's: what they are, and their rows whatever their types, as JSON. For `docket adopt`.

use sea_orm::{ConnectionTrait, DbBackend, DbErr, QueryResult, Statement, Value};
use serde_json::{Map, Value as Json};

use super::Db;

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
                "select r.ev_class::regclass::text from pg_depend as d join pg_rewrite as r on r.oid = d.objid \
                 where d.refobjid = to_regclass(quote_ident($1)) and r.ev_class <> d.refobjid \
                 union select conrelid::regclass::text from pg_constraint \
                 where contype = 'f' and confrelid = to_regclass(quote_ident($1)) order by 1"
            }
        };
        let statement = Statement::from_sql_and_values(self.backend(), text, [Value::from(table)]);
        self.reader.query_all_raw(statement).await?.iter().map(|row| row.try_get_by_index(0)).collect()
    }

    /// How many rows a table has.
    pub async fn count_rows(&self, table: &str) -> Result<u64, DbErr> {
        let text = format!("select cast(count(*) as text) from {}", quoted(table));
        let row = self.reader.query_one_raw(Statement::from_string(self.backend(), text)).await?;
        let count: Option<String> = row.map(|row| row.try_get_by_index(0)).transpose()?;
        Ok(count.and_then(|it| it.parse().ok()).unwrap_or_default())
    }

    /// The first rows of a table in the order of a column that is unique, or those behind a value of it: each column by
    /// its name, as JSON. Bytes are in hexadecimal digits.
    pub async fn json_rows(
        &self,
        table: &FoundTable,
        key: &FoundColumn,
        after: Option<&Json>,
        most: usize,
    ) -> Result<Vec<Map<String, Json>>, DbErr> {
        let (name, order) = (quoted(&table.name), quoted(&key.name));
        let row = match self.backend() {
            DbBackend::Sqlite => {
                let columns = table.columns.iter().map(|it| {
                    let column = quoted(&it.name);
                    format!(
                        "'{}', case typeof({column}) when 'blob' then hex({column}) else {column} end",
                        it.name.replace('\'', "''")
                    )
                });
                format!("json_object({})", columns.collect::<Vec<_>>().join(", "))
            }
            _ => "to_jsonb(it)::text".to_owned(),
        };
        if after.is_some_and(Json::is_null) {
            // Nothing is behind it, and PostgreSQL has such rows last.
            return Ok(Vec::new());
        }
        let (condition, values) = match (after, self.backend()) {
            (None, _) => (String::new(), Vec::new()),
            (Some(after), DbBackend::Sqlite) => (format!("where {order} > ?"), vec![bound(after)]),
            (Some(after), _) => {
                let text = after.as_str().map_or_else(|| after.to_string(), str::to_owned);
                (format!("where {order} > cast($1::text as {})", key.kind), vec![Value::from(text)])
            }
        };
        let text = format!("select {row} from {name} as it {condition} order by {order} limit {most}");
        let statement = Statement::from_sql_and_values(self.backend(), text, values);
        let read = |row: &QueryResult| {
            let text: String = row.try_get_by_index(0)?;
            serde_json::from_str(&text).map_err(|cause| DbErr::Type(cause.to_string()))
        };
        self.reader.query_all_raw(statement).await?.iter().map(read).collect()
    }

    /// Gives a table another name.
    pub async fn rename_table(&self, from: &str, to: &str) -> Result<(), DbErr> {
        self.writer
            .execute_unprepared(&format!("alter table {} rename to {}", quoted(from), quoted(to)))
            .await
            .map(drop)
    }

    /// Removes a table.
    pub async fn drop_table(&self, name: &str) -> Result<(), DbErr> {
        self.writer.execute_unprepared(&format!("drop table {}", quoted(name))).await.map(drop)
    }
}

fn bound(value: &Json) -> Value {
    match value {
        Json::Number(number) if number.is_i64() => number.as_i64().into(),
        Json::Number(number) => number.as_f64().into(),
        value => value.as_str().map(str::to_owned).into(),
    }
}
