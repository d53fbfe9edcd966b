//! Expressions and values that the two databases want in different forms.

use chrono::{DateTime, SecondsFormat, Utc};
use entity::{id::OwnerId, task, time::Micros};
use sea_orm::{
    ConnectionTrait, DbBackend, DbErr, QueryFilter, QueryOrder, QueryTrait, Select, Statement, Value,
    sea_query::{Alias, Expr, ExprTrait, SimpleExpr},
};

use super::Db;

/// The text that SQLite has for an instant, in the fixed forms that `entity::time` describes; nothing for what is none.
pub(super) fn instant(value: &Value) -> Option<String> {
    match value {
        Value::ChronoDateTimeUtc(Some(it)) => Some(it.to_rfc3339_opts(SecondsFormat::Micros, true)),
        Value::ChronoDateTimeWithTimeZone(Some(it)) => Some(it.to_utc().to_rfc3339_opts(SecondsFormat::Millis, true)),
        _ => None,
    }
}

impl Db {
    /// The last number that a task has had.
    pub async fn last_task_number(&self) -> Result<i64, DbErr> {
        let text = match self.backend() {
            DbBackend::Sqlite => "select coalesce((select seq from sqlite_sequence where name = 'tasks'), 0)",
            _ => {
                "select coalesce((select last_value from pg_sequences \
                 where format('%I.%I', schemaname, sequencename)::regclass \
                 = pg_get_serial_sequence('tasks', 'number')::regclass), 0)"
            }
        };
        let row = self.reader().query_one_raw(Statement::from_string(self.backend(), text)).await?;
        row.map_or(Ok(0), |row| row.try_get_by_index(0))
    }

    /// Gives no task that number or a lower one any more.
    pub async fn skip_task_numbers(&self, last: i64) -> Result<(), DbErr> {
        let statements: &[&str] = match self.backend() {
            DbBackend::Sqlite => &[
                "insert into sqlite_sequence (name, seq) select 'tasks', 0 \
                 where not exists (select 1 from sqlite_sequence where name = 'tasks')",
                "update sqlite_sequence set seq = max(seq, ?) where name = 'tasks'",
            ],
            _ => &[
                "select setval(pg_get_serial_sequence('tasks', 'number'), greatest($1, (select coalesce(max(number), 1) from tasks)))",
            ],
        };
        for text in statements {
            let values: Vec<Value> = if text.contains(['?', '$']) { vec![last.into()] } else { Vec::new() };
            self.writer().execute_raw(Statement::from_sql_and_values(self.backend(), *text, values)).await?;
        }
        Ok(())
    }

    /// Whether the text whose key the column holds contains another, which is folded as keys are.
    pub fn contains(&self, column: task::Column, needle: &str) -> SimpleExpr {
        // Nothing is left of a text of what keys are divided by.
        if needle.is_empty() {
            return Expr::value(false);
        }
        let exprs = [Expr::col(column), Expr::value(needle)];
        match self.backend() {
            DbBackend::Sqlite => Expr::cust_with_exprs("instr(replace(?, char(31), ''), ?) > 0", exprs),
            _ => Expr::cust_with_exprs("strpos(replace($1, chr(31), ''), $2) > 0", exprs),
        }
    }

    /// The time in a column, or where there is none an instant that is higher than all others, or lower.
    pub fn column_or_stand_in(&self, column: SimpleExpr, is_highest: bool) -> SimpleExpr {
        let stand_in = stand_in(is_highest);
        let template = match self.backend() {
            DbBackend::Sqlite => format!("coalesce(?, '{stand_in}')"),
            _ => format!("coalesce($1, '{stand_in}'::timestamptz)"),
        };
        Expr::cust_with_exprs(template, [column])
    }

    /// The names of a task's labels in their order, as JSON.
    pub fn label_names(&self, owner: OwnerId) -> SimpleExpr {
        let template = match self.backend() {
            DbBackend::Sqlite => {
                "(select json_group_array(labels.name order by task_labels.sort_order) \
                 from task_labels join labels on labels.owner_id = ? and labels.id = task_labels.label_id \
                 where task_labels.owner_id = ? and task_labels.task_id = tasks.id)"
            }
            _ => {
                "array_to_json(array(select labels.name \
                 from task_labels join labels on labels.owner_id = $1 and labels.id = task_labels.label_id \
                 where task_labels.owner_id = $2 and task_labels.task_id = tasks.id \
                 order by task_labels.sort_order))::text"
            }
        };
        Expr::cust_with_values(template, [owner, owner])
    }

    /// Whether a task has each of the phrases of one of these readings, the last word of which may go on.
    pub fn has_phrases(&self, owner: OwnerId, readings: &[Vec<Vec<String>>]) -> SimpleExpr {
        match self.backend() {
            DbBackend::Sqlite => Expr::cust_with_exprs(
                "? in (select rowid from tasks_search where tasks_search match ?)",
                [Expr::col((task::Entity, task::Column::Number)), Expr::value(match_pattern(owner, readings))],
            ),
            _ => Expr::cust_with_values("tasks.search @@ cast($1 as tsquery)", [ts_query(readings)]),
        }
    }

    /// Those of the tasks that have each of the phrases of one of these readings, best first: the title counts more.
    pub fn best(
        &self,
        mut tasks: Select<task::Entity>,
        owner: OwnerId,
        readings: &[Vec<Vec<String>>],
    ) -> Select<task::Entity> {
        let rank = match self.backend() {
            DbBackend::Sqlite => {
                let index = Alias::new("tasks_search");
                let is_its =
                    Expr::col((index.clone(), Alias::new("rowid"))).equals((task::Entity, task::Column::Number));
                QueryTrait::query(&mut tasks).inner_join(index, is_its);
                let pattern = match_pattern(owner, readings);
                tasks = tasks.filter(Expr::cust_with_values("tasks_search match ?", [pattern]));
                Expr::cust("-bm25(tasks_search, 0, 2, 1)")
            }
            _ => {
                tasks = tasks.filter(self.has_phrases(owner, readings));
                Expr::cust_with_values("ts_rank(tasks.search, cast($1 as tsquery))", [ts_query(readings)])
            }
        };
        tasks.order_by_desc(rank).order_by_desc(task::Column::Number)
    }
}

/// An FTS5 expression. Words have no quotes in them.
fn match_pattern(owner: OwnerId, readings: &[Vec<Vec<String>>]) -> String {
    let phrase = |words: &Vec<String>| format!("\"{}\"*", words.join(" "));
    let phrases = format!("{{title_key description_key}} : ({})", joined(readings, phrase, [" AND ", " OR "]));
    format!("owner_id : \"{owner}\" AND {phrases}")
}

fn ts_query(readings: &[Vec<Vec<String>>]) -> String {
    joined(readings, |words| format!("('{}':*)", words.join("' <-> '")), [" & ", " | "])
}

/// The phrases of each reading with one operator between them, and the readings with another.
fn joined(readings: &[Vec<Vec<String>>], phrase: impl Fn(&Vec<String>) -> String, [and, or]: [&str; 2]) -> String {
    let reading =
        |phrases: &Vec<Vec<String>>| format!("({})", phrases.iter().map(&phrase).collect::<Vec<_>>().join(and));
    readings.iter().map(reading).collect::<Vec<_>>().join(or)
}

/// The value that [`Db::column_or_stand_in`] has for a time.
pub fn time_or_stand_in(time: Option<Micros>, is_highest: bool) -> Option<Micros> {
    time.or_else(|| stand_in(is_highest).parse::<DateTime<Utc>>().ok().map(Micros::from))
}

/// The instant that stands for none, as the indexes have it.
fn stand_in(is_highest: bool) -> &'static str {
    if is_highest { "9999-12-31T23:59:59.999999Z" } else { "0001-01-01T00:00:00.000000Z" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phrases_are_written_as_each_database_reads_them() {
        let phrases =
            [vec![vec!["water".to_owned()], vec!["東".to_owned(), "京".to_owned()]], vec![vec!["a".to_owned()]]];
        assert_eq!(ts_query(&phrases), "(('water':*) & ('東' <-> '京':*)) | (('a':*))");
        let pattern = match_pattern(OwnerId(7), &phrases);
        assert_eq!(pattern, r#"owner_id : "7" AND {title_key description_key} : (("water"* AND "東 京"*) OR ("a"*))"#);
    }
}
