//! Making a task by one message to the database.

use std::sync::LazyLock;

use entity::{place, task};
use sea_orm::{ActiveValue, ConnectionTrait, DbBackend, DbErr, Statement, Value};

use super::Db;

/// Takes the owner's next number and makes the task with it: what a transaction does in four round trips. PostgreSQL
/// does it in one statement, SQLite in two that are sent together.
static POSTGRES: LazyLock<String> = LazyLock::new(|| {
    format!(
        "with taken as (\
           insert into owners (user_id, revision, purged) values ($1, 1, 0) \
           on conflict (user_id) do update set revision = owners.revision + 1 returning revision\
         ) {}",
        insert('$', "taken")
    )
});
static SQLITE: LazyLock<String> = LazyLock::new(|| {
    format!(
        "insert into owners (user_id, revision, purged) values (?1, 1, 0) \
         on conflict (user_id) do update set revision = revision + 1; {}",
        insert('?', "owners where user_id = ?1")
    )
});

/// Makes the task with the number that is found there. Its place in manual order is the number in base 36, thirteen
/// digits and an `i` (`service::tasks::position`).
fn insert(mark: char, from: &str) -> String {
    let digit = |power: i64| {
        format!("substr('0123456789abcdefghijklmnopqrstuvwxyz', cast(revision / {power} % 36 as integer) + 1, 1)")
    };
    let digits: Vec<String> = (0..13).rev().map(|power| digit(36_i64.pow(power))).collect();
    let values: Vec<String> = (1..=15).map(|number| format!("{mark}{number}")).collect();
    format!(
        "insert into tasks (user_id, id, parent_id, list_id, title, description, completed, completed_at, priority, \
           due_date, due_at, due_zone, created_at, updated_at, deleted_at, revision, position) \
         select {}, revision, {} || 'i' from {from} \
         returning number, id, user_id, parent_id, list_id, title, description, completed, completed_at, priority, \
           due_date, due_at, due_zone, position, revision, created_at, updated_at, deleted_at",
        values.join(", "),
        digits.join(" || ")
    )
}

impl Db {
    /// Makes a task whose number, revision and position are not set yet.
    pub async fn create_at_once(&self, row: task::ActiveModel) -> Result<task::Model, DbErr> {
        let task::ActiveModel {
            number: _,
            id,
            user_id,
            parent_id,
            list_id,
            title,
            description,
            completed,
            completed_at,
            priority,
            due_date,
            due_at,
            due_zone,
            position: _,
            revision: _,
            created_at,
            updated_at,
            deleted_at,
        } = row;
        let values = [
            value(user_id)?,
            value(id)?,
            value(parent_id)?,
            value(list_id)?,
            value(title)?,
            value(description)?,
            value(completed)?,
            value(completed_at)?,
            value(priority)?,
            value(due_date)?,
            value(due_at)?,
            value(due_zone)?,
            value(created_at)?,
            value(updated_at)?,
            value(deleted_at)?,
        ];
        let text = if self.backend() == DbBackend::Sqlite { SQLITE.as_str() } else { POSTGRES.as_str() };
        let statement = Statement::from_sql_and_values(self.backend(), text, values);
        let made = self.writer().query_one_raw(statement).await?;
        let made = made.ok_or_else(|| DbErr::RecordNotInserted)?;
        place::read(&made)
    }
}

fn value<V: Into<Value>>(field: ActiveValue<V>) -> Result<Value, DbErr> {
    match field {
        ActiveValue::Set(value) | ActiveValue::Unchanged(value) => Ok(value.into()),
        ActiveValue::NotSet => Err(DbErr::AttrNotSet("a column of a new task".into())),
    }
}
