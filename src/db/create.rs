//! Making tasks by one message to the database, and those that are made at the same time by one.

use std::{
    iter,
    pin::pin,
    sync::{Arc, LazyLock},
};

use entity::{
    id::{OwnerId, TaskId},
    row,
    task::{self, Column},
};
use sea_orm::{
    ActiveModelTrait, ActiveValue, ConnectionTrait, DbBackend, DbErr, IdenStatic, Iterable, Statement, Value,
};

use super::{
    Db,
    connection::{Backend, is_refused},
    monitor::StatementMonitor,
    pool::ConnectionPool,
    writer::Writer,
};
use crate::batch::{BatchPolicy, Batcher, PerSize};

/// How many tasks one statement makes at most: on SQLite, where one statement writes at a time, more of them wait.
const POSTGRES_BATCH: usize = 16;
const SQLITE_BATCH: usize = 64;

/// The columns of a task that are given, the owner first. The others come from the database.
static GIVEN: LazyLock<Vec<Column>> = LazyLock::new(|| {
    let is_made = |it: &Column| matches!(it, Column::Number | Column::Revision | Column::Position | Column::OwnerId);
    iter::once(Column::OwnerId).chain(Column::iter().filter(|it| !is_made(it))).collect()
});
/// Their names.
static GIVEN_NAMES: LazyLock<String> = LazyLock::new(|| names(GIVEN.iter().copied()));

/// Takes the owner's next number and makes the task with it: what a transaction does in four round trips. PostgreSQL
/// does it in one statement, SQLite in two that are sent together.
static POSTGRES_ONE: LazyLock<String> = LazyLock::new(|| {
    format!(
        "with taken as (\
           insert into user_revisions (owner_id, revision, purged_through) values ($1, 1, 0) \
           on conflict (owner_id) do update set revision = user_revisions.revision + 1 returning revision\
         ) {}",
        insert(&marks('$', 0), "taken")
    )
});
static SQLITE_ONE: LazyLock<String> = LazyLock::new(|| {
    format!(
        "insert into user_revisions (owner_id, revision, purged_through) values (?1, 1, 0) \
         on conflict (owner_id) do update set revision = revision + 1; {}",
        insert(&marks('?', 0), "user_revisions where owner_id = ?1")
    )
});
/// The same for so many tasks at once, on PostgreSQL: each counter goes on by as many as its owner has among them, who
/// take its numbers in their order. Rows of an owner who has no counter yet, or whose counter is held by another write,
/// make nothing: nobody is to wait for what others do.
static POSTGRES_MANY: LazyLock<PerSize<String>> = LazyLock::new(|| {
    PerSize::new(POSTGRES_BATCH, |size| {
        let given = &*GIVEN_NAMES;
        let rows: Vec<String> = (0..size).map(|row| format!("({row}, {})", marks('$', row))).collect();
        format!(
            "with given (place, {given}) as (values {}), \
             counted as (select owner_id, count(*) as many from given group by owner_id), \
             free as (select user_revisions.owner_id, many from user_revisions join counted using (owner_id) \
               for no key update of user_revisions skip locked), \
             taken as (update user_revisions set revision = revision + many from free \
               where user_revisions.owner_id = free.owner_id returning user_revisions.owner_id, revision as last), \
             numbered as (select given.*, \
                 last + 1 - row_number() over (partition by owner_id order by place desc) as revision \
               from given join taken using (owner_id)) {}",
            rows.join(", "),
            insert(given, "numbered")
        )
    })
});

/// The same on SQLite, where nobody else writes meanwhile. The owners are given before all other values.
static SQLITE_MANY: LazyLock<PerSize<String>> = LazyLock::new(|| {
    PerSize::new(SQLITE_BATCH, |size| {
        let owners: Vec<String> = (1..=size).map(|owner| format!("(?{owner})")).collect();
        let (given, others) = (&*GIVEN_NAMES, GIVEN.len() - 1);
        let rows: Vec<String> = (0..size)
            .map(|row| format!("({row}, ?{}, {})", row + 1, numbered('?', size + row * others, others)))
            .collect();
        format!(
            "insert into user_revisions (owner_id, revision, purged_through) \
             select column1, count(*), 0 from (values {}) where true group by column1 \
             on conflict (owner_id) do update set revision = revision + excluded.revision; \
             with given (place, {given}) as (values {}), \
             numbered as (select given.*, \
                 user_revisions.revision + 1 - row_number() over (partition by owner_id order by place desc) as revision \
               from given join user_revisions using (owner_id)) {}",
            owners.join(", "),
            rows.join(", "),
            insert(given, "numbered order by place")
        )
    })
});

/// The marks of a row's values, where so many rows are before it.
fn marks(mark: char, rows: usize) -> String {
    numbered(mark, rows * GIVEN.len(), GIVEN.len())
}

/// The marks of so many values, where so many are before them.
fn numbered(mark: char, before: usize, many: usize) -> String {
    let marks: Vec<String> = (1..=many).map(|value| format!("{mark}{}", before + value)).collect();
    marks.join(", ")
}

/// Makes tasks with the numbers that are found there. The place in manual order is the number in base 36, thirteen
/// digits and an `i` (`service::tasks::position`).
fn insert(values: &str, from: &str) -> String {
    let digit = |power: i64| {
        format!("substr('0123456789abcdefghijklmnopqrstuvwxyz', cast(revision / {power} % 36 as integer) + 1, 1)")
    };
    let digits: Vec<String> = (0..13).rev().map(|power| digit(36_i64.pow(power))).collect();
    format!(
        "insert into tasks ({}, revision, position) select {values}, revision, {} || 'i' from {from} returning {}",
        *GIVEN_NAMES,
        digits.join(" || "),
        names(task::columns())
    )
}

fn names(columns: impl Iterator<Item = Column>) -> String {
    columns.map(|it| it.as_str()).collect::<Vec<_>>().join(", ")
}

/// A task to be made: what is given of it.
#[derive(Debug)]
pub(super) struct Row {
    key: (OwnerId, TaskId),
    values: Vec<Value>,
}

/// What became of it.
#[derive(Debug)]
pub(super) enum Made {
    Task(Box<task::Model>),
    /// It has to be made by itself.
    Not(Row),
}

/// Tasks that are made at the same time.
pub(super) type Creates = Batcher<Row, Result<Made, DbErr>>;

/// What makes them.
#[derive(Clone, Debug)]
pub(super) enum Maker {
    Postgres(ConnectionPool),
    Sqlite(Writer),
}

/// Makes them by that, so many batches at a time on PostgreSQL.
pub(super) fn creates(maker: Maker, monitor: &Arc<StatementMonitor>, max_in_flight: usize) -> Creates {
    let monitor = Arc::clone(monitor);
    let policy = match maker {
        Maker::Postgres(_) => BatchPolicy { max_size: POSTGRES_BATCH, max_in_flight },
        Maker::Sqlite(_) => BatchPolicy { max_size: SQLITE_BATCH, max_in_flight: 1 },
    };
    Batcher::new(policy, move |rows| made(maker.clone(), Arc::clone(&monitor), rows))
}

impl Db {
    /// Makes a task whose number, revision and position are not set yet.
    pub async fn create_at_once(&self, row: task::ActiveModel) -> Result<task::Model, DbErr> {
        self.leave_replica();
        let mut row = Row::new(row)?;
        if let Backend::Postgres { creates, .. } | Backend::Writer { creates, .. } = &self.writer.backend {
            let broken = || DbErr::Custom("the making of tasks broke off".into());
            let made = pin!(async { creates.load(row).await.ok_or_else(broken)? });
            match self.writer.monitor.over(self.writer.name(), one(self.backend()), made).await? {
                Made::Task(task) => return Ok(*task),
                Made::Not(again) => row = again,
            }
        }
        let made = self.writer().query_one_raw(row.alone(self.backend())).await?;
        row::read(&made.ok_or(DbErr::RecordNotInserted)?)
    }
}

async fn made(maker: Maker, monitor: Arc<StatementMonitor>, rows: Vec<Row>) -> Vec<Result<Made, DbErr>> {
    match monitor.in_time(maker.tasks(&rows)).await {
        Ok(mut made) => rows.into_iter().map(|row| Ok(row.found(&mut made))).collect(),
        // One of them can be the cause.
        Err(cause) if is_refused(&cause) => rows.into_iter().map(|row| Ok(Made::Not(row))).collect(),
        Err(cause) => rows.iter().map(|_| Err(cause.clone())).collect(),
    }
}

impl Maker {
    /// Makes them all by one statement.
    async fn tasks(&self, rows: &[Row]) -> Result<Vec<task::Model>, DbErr> {
        let made = match self {
            Self::Postgres(statements) => statements.query(&on_postgres(rows)).await?,
            Self::Sqlite(writer) => writer.query(&on_sqlite(rows)).await?,
        };
        made.iter().map(row::read).collect()
    }
}

fn on_postgres(rows: &[Row]) -> Statement {
    let values = rows.iter().flat_map(|row| &row.values).cloned();
    Statement::from_sql_and_values(DbBackend::Postgres, of_size(&POSTGRES_MANY, rows.len()), values)
}

fn on_sqlite(rows: &[Row]) -> Statement {
    if let [row] = rows {
        return row.alone(DbBackend::Sqlite);
    }
    let owners = rows.iter().filter_map(|row| row.values.first());
    let others = rows.iter().flat_map(|row| row.values.iter().skip(1));
    Statement::from_sql_and_values(DbBackend::Sqlite, of_size(&SQLITE_MANY, rows.len()), owners.chain(others).cloned())
}

/// The text for so many tasks.
fn of_size(texts: &PerSize<String>, size: usize) -> &str {
    texts.get(size).map_or("", String::as_str)
}

/// The text that makes one by itself.
fn one(backend: DbBackend) -> &'static str {
    if backend == DbBackend::Sqlite { &SQLITE_ONE } else { &POSTGRES_ONE }
}

impl Row {
    fn new(row: task::ActiveModel) -> Result<Self, DbErr> {
        let values = GIVEN.iter().map(|column| given(row.get(*column))).collect::<Result<_, _>>()?;
        Ok(Self { key: (given(row.owner_id)?, given(row.id)?), values })
    }

    /// The statement that makes it by itself.
    fn alone(&self, backend: DbBackend) -> Statement {
        Statement::from_sql_and_values(backend, one(backend), self.values.clone())
    }

    /// The task among those that were made.
    fn found(self, made: &mut Vec<task::Model>) -> Made {
        let (owner, id) = &self.key;
        match made.iter().position(|task| task.id == *id && task.owner_id == *owner) {
            Some(place) => Made::Task(made.swap_remove(place).into()),
            None => Made::Not(self),
        }
    }
}

fn given<V: Into<Value>>(field: ActiveValue<V>) -> Result<V, DbErr> {
    match field {
        ActiveValue::Set(value) | ActiveValue::Unchanged(value) => Ok(value),
        ActiveValue::NotSet => Err(DbErr::AttrNotSet("a column of a new task".into())),
    }
}
