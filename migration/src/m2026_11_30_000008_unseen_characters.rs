//! Keys of titles, descriptions and names of labels without the characters that are not seen. Rows that are there get
//! theirs; an instance of before, which may still run for a while, does not know them.

use std::collections::HashSet;

use sea_orm_migration::{
    prelude::*,
    sea_orm::{ConnectionTrait, DbBackend, QueryResult, Statement, Value},
};

use crate::m2026_11_29_000005_text_keys::{begin, end, free_name, key_tasks, numbered};

/// Makes the keys of tasks and labels anew.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

/// The labels of how many users are read at a time.
const USERS_AT_ONCE: usize = 100;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        begin(manager).await?;
        let done = bring_over(manager.get_connection()).await;
        end(manager, done).await
    }

    async fn down(&self, _: &SchemaManager) -> Result<(), DbErr> {
        Err(DbErr::Migration("keys are never made as before by a migration".into()))
    }
}

async fn bring_over(connection: &impl ConnectionTrait) -> Result<(), DbErr> {
    key_tasks(connection).await?;
    // Until all of a user's labels have their keys, two may have the same.
    connection.execute_unprepared("drop index labels_folded").await?;
    let mut behind = String::new();
    while let Some(last) = key_labels_of_some(connection, &behind).await? {
        behind = last;
    }
    let index = "create unique index labels_folded on labels (user_id, name_key) where deleted_at is null";
    connection.execute_unprepared(index).await.map(drop)
}

/// A label of a user.
struct Label {
    user: String,
    id: uuid::Uuid,
    name: String,
    key: String,
    is_there: bool,
}

impl Label {
    fn read(row: &QueryResult) -> Result<Self, DbErr> {
        Ok(Self {
            user: row.try_get_by_index(0)?,
            id: row.try_get_by_index(1)?,
            name: row.try_get_by_index(2)?,
            key: row.try_get_by_index(3)?,
            is_there: row.try_get_by_index::<i32>(4)? == 1,
        })
    }

    /// Its key, whatever others are called.
    fn own_key(&self) -> String {
        free_name(&self.name, &HashSet::new(), false).1
    }

    /// Changes it; a new name is a change that clients hear of.
    async fn write(&self, connection: &impl ConnectionTrait, name: &str, key: &str) -> Result<(), DbErr> {
        let row_key = || -> Vec<Value> { vec![self.user.clone().into(), self.id.into()] };
        if key != self.key {
            let sql = "update labels set name_key = ? where user_id = ? and id = ?";
            query(connection, sql, [vec![key.into()], row_key()].concat()).await?;
        }
        if name != self.name {
            let sql = "update user_revisions set revision = revision + 1 where user_id = ?";
            query(connection, sql, vec![self.user.clone().into()]).await?;
            let sql = "update labels set name = ?, revision = \
                       (select revision from user_revisions where user_revisions.user_id = labels.user_id) \
                       where user_id = ? and id = ?";
            query(connection, sql, [vec![name.into()], row_key()].concat()).await?;
        }
        Ok(())
    }
}

/// Gives the labels of some users behind that one their keys, and tells which was the last of these users.
async fn key_labels_of_some(connection: &impl ConnectionTrait, behind: &str) -> Result<Option<String>, DbErr> {
    let sql = format!("select distinct user_id from labels where user_id > ? order by user_id limit {USERS_AT_ONCE}");
    let users = query(connection, &sql, vec![behind.into()]).await?;
    let Some(last) = users.last() else { return Ok(None) };
    let last: String = last.try_get_by_index(0)?;
    let sql = "select user_id, id, name, name_key, case when deleted_at is null then 1 else 0 end from labels \
               where user_id > ? and user_id <= ? order by user_id, created_at, id";
    let rows = query(connection, sql, vec![behind.into(), last.clone().into()]).await?;
    let labels = rows.iter().map(Label::read).collect::<Result<Vec<_>, _>>()?;
    for labels in labels.chunk_by(|one, other| one.user == other.user) {
        key_labels(connection, labels).await?;
    }
    Ok(Some(last))
}

/// Gives the labels of a user, oldest first, their keys. Of two that look the same from now on the newer one gets a number
/// behind its name, which no other has.
async fn key_labels(connection: &impl ConnectionTrait, labels: &[Label]) -> Result<(), DbErr> {
    let mut taken = HashSet::new();
    let mut all: HashSet<String> = labels.iter().filter(|it| it.is_there).map(Label::own_key).collect();
    for label in labels {
        let own = label.own_key();
        let (name, key) = match label.is_there && taken.contains(&own) {
            true => free_name(&label.name, &all, true),
            false => (label.name.clone(), own),
        };
        label.write(connection, &name, &key).await?;
        if label.is_there {
            all.insert(key.clone());
            taken.insert(key);
        }
    }
    Ok(())
}

async fn query(connection: &impl ConnectionTrait, sql: &str, values: Vec<Value>) -> Result<Vec<QueryResult>, DbErr> {
    let backend = connection.get_database_backend();
    let sql = if backend == DbBackend::Sqlite { sql.to_owned() } else { numbered(sql) };
    connection.query_all_raw(Statement::from_sql_and_values(backend, sql, values)).await
}
