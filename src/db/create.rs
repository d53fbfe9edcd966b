//! Making a task in one statement, where the database can.

use std::sync::LazyLock;

use entity::task::{self, ByPlace};
use sea_orm::{ActiveValue, ConnectionTrait, DbBackend, DbErr, FromQueryResult, Statement, Value};

use super::Db;

/// Takes the owner's next number and makes the task with it: what a transaction does in four round trips. The place in
/// manual order is the number in base 36, thirteen digits and an `i` (`service::tasks::position`).
static CREATE: LazyLock<String> = LazyLock::new(|| {
    let digit =
        |power| format!("substr('0123456789abcdefghijklmnopqrstuvwxyz', (revision / {power} % 36)::int + 1, 1)");
    let digits: Vec<String> = (0..13).rev().map(|power| digit(36_i64.pow(power))).collect();
    format!(
        "with taken as (\
           insert into owners (user_id, revision, purged) values ($1, 1, 0) \
           on conflict (user_id) do update set revision = owners.revision + 1 returning revision\
         ) insert into tasks (user_id, id, parent_id, list_id, title, description, completed, completed_at, priority, \
           due_date, due_at, due_zone, created_at, updated_at, deleted_at, revision, position) \
         select $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, revision, {} || 'i' from taken \
         returning number, id, user_id, parent_id, list_id, title, description, completed, completed_at, priority, \
           due_date, due_at, due_zone, position, revision, created_at, updated_at, deleted_at",
        digits.join(" || ")
    )
});

impl Db {
    /// Whether a task can be made in one statement; SQLite writes in no subquery.
    pub fn creates_at_once(&self) -> bool {
        self.backend() == DbBackend::Postgres
    }

    /// Makes a task whose number, revision and position are not set yet, where that can be done.
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
        let statement = Statement::from_sql_and_values(DbBackend::Postgres, CREATE.as_str(), values);
        let made = self.writer().query_one_raw(statement).await?;
        let made = made.ok_or_else(|| DbErr::RecordNotInserted)?;
        Ok(ByPlace::from_query_result(&made, "")?.0)
    }
}

fn value<V: Into<Value>>(field: ActiveValue<V>) -> Result<Value, DbErr> {
    match field {
        ActiveValue::Set(value) | ActiveValue::Unchanged(value) => Ok(value.into()),
        ActiveValue::NotSet => Err(DbErr::AttrNotSet("a column of a new task".into())),
    }
}
