//! Expressions and values that the two databases want in different forms.

use chrono::SecondsFormat;
use entity::{task, time::Micros};
use sea_orm::{
    ColumnTrait, DbBackend, Order, Statement, Value,
    sea_query::{Expr, ExprTrait, SimpleExpr},
};

/// Timestamps become text on SQLite, in the fixed forms that `entity::time` describes.
pub(super) fn adapted(mut statement: Statement) -> Statement {
    if statement.db_backend == DbBackend::Sqlite
        && let Some(values) = &mut statement.values
    {
        for value in &mut values.0 {
            let text = match value {
                Value::ChronoDateTimeUtc(Some(it)) => it.to_rfc3339_opts(SecondsFormat::Micros, true),
                Value::ChronoDateTimeWithTimeZone(Some(it)) => {
                    it.to_utc().to_rfc3339_opts(SecondsFormat::Millis, true)
                }
                _ => continue,
            };
            *value = Value::String(Some(text));
        }
    }
    statement
}

/// Whether the column contains the text, whatever the case of its letters; `%`, `_`, `*` and `\` are plain text.
pub fn contains(backend: DbBackend, column: task::Column, text: &str) -> SimpleExpr {
    match backend {
        // `like` of SQLite ignores the case of ASCII only, so each letter becomes a class of its cases.
        DbBackend::Sqlite => Expr::cust_with_exprs("? GLOB ?", [column.into_expr().into(), glob(text).into()]),
        _ => Expr::cust_with_exprs(
            "lower($1) LIKE lower($2) ESCAPE '\\'",
            [column.into_expr().into(), like(text).into()],
        ),
    }
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

/// What titles are ordered by: without regard to case, and the same on every server (no locale).
pub fn title_key(backend: DbBackend, title: SimpleExpr) -> SimpleExpr {
    match backend {
        DbBackend::Sqlite => Expr::cust_with_exprs("lower(?)", [title]),
        _ => Expr::cust_with_exprs("(lower($1) collate \"C\")", [title]),
    }
}

/// What due dates are ordered by: tasks without one come last, in both directions.
pub fn due_key(backend: DbBackend, order: &Order) -> SimpleExpr {
    let last = match order {
        Order::Desc => "0001-01-01T00:00:00.000000Z",
        _ => "9999-12-31T23:59:59.999999Z",
    };
    let template = match backend {
        DbBackend::Sqlite => format!("coalesce(?, '{last}')"),
        _ => format!("coalesce($1, '{last}'::timestamptz)"),
    };
    Expr::cust_with_exprs(template, [task::Column::Due.into_expr().into()])
}

/// The value that [`due_key`] gives a task.
pub fn due_value(due: Option<Micros>, order: &Order) -> Option<Micros> {
    let last = match order {
        Order::Desc => "0001-01-01T00:00:00Z",
        _ => "9999-12-31T23:59:59.999999Z",
    };
    due.or_else(|| last.parse::<chrono::DateTime<chrono::Utc>>().ok().map(Micros::from))
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
