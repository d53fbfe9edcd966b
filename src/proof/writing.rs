//! Writes, changes and removes rows as Docket does, in a transaction that is given up.

use std::{collections::BTreeSet, time::Duration};

use sea_orm::{DbErr, Statement};
use tokio::time;

use super::{
    Extent,
    rows::{self, Delete, Rows},
};
use crate::db::{Db, Trial, is_held_up, objection};

/// How long it may take to write a row, and rows of all tables: what takes longer waits for others, and is known no
/// better than before.
const QUICK_TIMEOUT: Duration = Duration::from_millis(300);
const WHOLE_TIMEOUT: Duration = Duration::from_secs(10);
const SAVEPOINT: &str = "savepoint table_of_proof";
const UNDO: &str = "rollback to savepoint table_of_proof";

/// What the database says against writing into its tables, if they are there; none if others held it up.
pub(super) async fn obstacles(db: &Db, extent: Option<Extent>) -> Result<Option<Vec<String>>, DbErr> {
    let (rows, limit) = match extent {
        None => (Vec::new(), QUICK_TIMEOUT),
        Some(Extent::Quick) => (rows::few(db), QUICK_TIMEOUT),
        Some(Extent::Whole) => (rows::all(db), WHOLE_TIMEOUT),
    };
    match time::timeout(limit, write(db, &rows)).await {
        Ok(Err(error)) if !is_held_up(&error) => match objection(&error) {
            Some(objection) => Ok(Some(vec![format!("nothing can be written: {objection}")])),
            None => Err(error),
        },
        Ok(Ok(obstacles)) => Ok(Some(obstacles)),
        Ok(Err(_)) | Err(_) => Ok(None),
    }
}

async fn write(db: &Db, rows: &[Rows]) -> Result<Vec<String>, DbErr> {
    let mut attempt = Attempt { trial: db.trial().await?, obstacles: Vec::new(), without: BTreeSet::new() };
    let done = attempt.all(rows).await;
    attempt.trial.end().await;
    match done {
        Err(error) if attempt.obstacles.is_empty() => Err(error),
        _ => Ok(attempt.obstacles),
    }
}

/// Something that is tried with a row: what it is called, and how it shows that it was not done without an error.
struct Step {
    what: &'static str,
    silence: &'static str,
}

const INSERT: Step = Step { what: "inserted into", silence: "is not there: a trigger or policy drops it" };
const UPDATE: Step = Step { what: "updated in", silence: "is as it was: a trigger or policy drops the change" };
const SEARCH: Step =
    Step { what: "written to", silence: "is not found by its words: the full-text index is not as migrations make it" };
const DELETE: Step = Step { what: "deleted from", silence: "is still there: a trigger or policy keeps it" };

/// What was tried so far.
struct Attempt<'a> {
    trial: Trial,
    obstacles: Vec<String>,
    /// Tables whose rows could not be made.
    without: BTreeSet<&'a str>,
}

impl<'a> Attempt<'a> {
    async fn all(&mut self, rows: &'a [Rows]) -> Result<(), DbErr> {
        for some in rows {
            if some.needs.iter().any(|it| self.without.contains(it)) {
                self.without.insert(&some.table);
                continue;
            }
            let is_made = self.one(&INSERT, some, &some.insert, some.count).await?
                && self.one(&UPDATE, some, &some.update, 1).await?;
            if !is_made {
                self.without.insert(&some.table);
            } else if let Some(search) = &some.search {
                self.one(&SEARCH, some, search, 1).await?;
            }
        }
        for some in rows.iter().rev().filter(|it| !self.without.contains(it.table.as_str())).collect::<Vec<_>>() {
            for Delete { statement, count } in &some.deletes {
                self.one(&DELETE, some, statement, *count).await?;
            }
        }
        Ok(())
    }

    /// Whether a statement does what it should with so many rows. One that fails has done nothing.
    async fn one(&mut self, step: &Step, rows: &Rows, statement: &Statement, count: usize) -> Result<bool, DbErr> {
        let control = |text| Statement::from_string(statement.db_backend, text);
        self.trial.query(&control(SAVEPOINT)).await?;
        let (Step { what, silence }, table) = (step, &rows.table);
        let obstacle = match self.trial.query(statement).await {
            Ok(found) if found.len() == count => return Ok(true),
            Ok(_) => format!("a row that was {what} the table {table} {silence}"),
            Err(error) if is_held_up(&error) => return Err(error),
            Err(error) => {
                let objection = objection(&error).ok_or(error)?;
                self.trial.query(&control(UNDO)).await?;
                format!("a row cannot be {what} the table {table}: {objection}")
            }
        };
        self.obstacles.push(obstacle);
        Ok(false)
    }
}
