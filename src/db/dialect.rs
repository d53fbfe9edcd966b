//! Expressions and values that the two databases want in different forms.

use chrono::{DateTime, SecondsFormat, Utc};
use entity::{id::UserId, task, time::Micros};
use sea_orm::{
    DbBackend, QueryFilter, QueryOrder, QueryTrait, Select, Value,
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
    /// Whether the column contains the text, whatever the case of its letters; `%`, `_`, `*` and `\` are plain text.
    pub fn contains(&self, column: task::Column, text: &str) -> SimpleExpr {
        match self.backend() {
            // `like` of SQLite ignores the case of ASCII only, so each letter becomes a class of its cases.
            DbBackend::Sqlite => Expr::cust_with_exprs("? GLOB ?", [Expr::col(column), Expr::value(glob(text))]),
            // The collation names the rules of Unicode, whatever locale the database was made with.
            _ => Expr::cust_with_exprs(
                "lower($1 collate \"und-x-icu\") LIKE lower($2 collate \"und-x-icu\") ESCAPE '\\'",
                [Expr::col(column), Expr::value(like(text))],
            ),
        }
    }

    /// What titles are ordered by: without regard to case, and the same on every server (no locale).
    pub fn title_key(&self, title: SimpleExpr) -> SimpleExpr {
        match self.backend() {
            DbBackend::Sqlite => Expr::cust_with_exprs("lower(?)", [title]),
            _ => Expr::cust_with_exprs("(lower($1) collate \"C\")", [title]),
        }
    }

    /// What due dates are ordered by: tasks without one come last, in both directions.
    pub fn due_key(&self, descending: bool) -> SimpleExpr {
        let last = stand_in(descending);
        let template = match self.backend() {
            DbBackend::Sqlite => format!("coalesce(?, '{last}')"),
            _ => format!("coalesce($1, '{last}'::timestamptz)"),
        };
        Expr::cust_with_exprs(template, [Expr::col((task::Entity, Alias::new("due_order")))])
    }

    /// The names of a task's labels in their order, as JSON.
    pub fn label_names(&self) -> SimpleExpr {
        const MARKED: &str = "from task_labels join labels \
            on labels.user_id = task_labels.user_id and labels.id = task_labels.label_id \
            where task_labels.user_id = tasks.user_id and task_labels.task_id = tasks.id";
        Expr::cust(match self.backend() {
            DbBackend::Sqlite => format!("(select json_group_array(labels.name order by task_labels.place) {MARKED})"),
            _ => format!("array_to_json(array(select labels.name {MARKED} order by task_labels.place))::text"),
        })
    }

    /// Whether a task has words that begin with each of these; they are letters and digits only.
    pub fn has_words(&self, owner: &UserId, words: &[String]) -> SimpleExpr {
        match self.backend() {
            DbBackend::Sqlite => Expr::cust_with_exprs(
                "? in (select rowid from tasks_search where tasks_search match ?)",
                [Expr::col((task::Entity, task::Column::Number)), Expr::value(match_pattern(owner, words))],
            ),
            _ => Expr::cust_with_values("tasks.search @@ to_tsquery('simple', $1)", [ts_query(words)]),
        }
    }

    /// Those of the tasks that have words that begin with each of these, best first: the title counts more.
    pub fn best(&self, mut tasks: Select<task::Entity>, owner: &UserId, words: &[String]) -> Select<task::Entity> {
        let rank = match self.backend() {
            DbBackend::Sqlite => {
                let index = Alias::new("tasks_search");
                let is_its =
                    Expr::col((index.clone(), Alias::new("rowid"))).equals((task::Entity, task::Column::Number));
                QueryTrait::query(&mut tasks).inner_join(index, is_its);
                let pattern = match_pattern(owner, words);
                tasks = tasks.filter(Expr::cust_with_values("tasks_search match ?", [pattern]));
                Expr::cust("-bm25(tasks_search, 0, 2, 1)")
            }
            _ => {
                tasks = tasks.filter(self.has_words(owner, words));
                Expr::cust_with_values("ts_rank(tasks.search, to_tsquery('simple', $1))", [ts_query(words)])
            }
        };
        tasks.order_by_desc(rank).order_by_desc(task::Column::Number)
    }
}

/// An FTS5 expression. The owner only narrows: its words are not exact.
fn match_pattern(owner: &UserId, words: &[String]) -> String {
    let words: Vec<String> = words.iter().map(|word| format!("\"{word}\"*")).collect();
    let words = format!("{{title description}} : ({})", words.join(" AND "));
    if owner.0.contains(char::is_alphanumeric) {
        format!("user_id : \"{}\" AND {words}", owner.0.replace('"', "\"\""))
    } else {
        words
    }
}

fn ts_query(words: &[String]) -> String {
    words.iter().map(|word| format!("'{word}':*")).collect::<Vec<_>>().join(" & ")
}

fn glob(text: &str) -> String {
    let mut pattern = String::from("*");
    for letter in text.chars() {
        let lower = letter.to_lowercase().collect::<String>();
        let upper = letter.to_uppercase().collect::<String>();
        match letter {
            '*' | '?' | '[' => pattern.extend(['[', letter, ']']),
            // Cases of more than one character (ß, SS) are not the same letter.
            _ if lower != upper && lower.chars().count() == 1 && upper.chars().count() == 1 => {
                pattern.extend(["[", &lower, &upper, "]"]);
            }
            _ => pattern.push(letter),
        }
    }
    pattern.push('*');
    pattern
}

fn like(text: &str) -> String {
    let mut pattern = String::from("%");
    for letter in text.chars() {
        if matches!(letter, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(letter);
    }
    pattern.push('%');
    pattern
}

/// The value that [`Db::due_key`] gives a task.
pub fn due_value(due: Option<Micros>, descending: bool) -> Option<Micros> {
    due.or_else(|| stand_in(descending).parse::<DateTime<Utc>>().ok().map(Micros::from))
}

/// The instant that stands for none, as the indexes have it.
fn stand_in(descending: bool) -> &'static str {
    if descending { "0001-01-01T00:00:00.000000Z" } else { "9999-12-31T23:59:59.999999Z" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_hold_no_wildcards_of_the_text() {
        assert_eq!(like(r"100%_\"), r"%100\%\_\\%");
        assert_eq!(glob("a*É["), "*[aA][*][éÉ][[]*");
    }
}
