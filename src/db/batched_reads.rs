//! Reading on PostgreSQL. Statements of the same text that are asked for at the same time are sent as one, if they are
//! quick: all of a batch wait for the slowest.

use std::{fmt::Write, iter, sync::Arc};

use entity::row::RowColumns;
use quick_cache::sync::Cache;
use sea_orm::{DbBackend, DbErr, QueryResult, Statement, Values};
use sqlx::Row;

use super::{
    connection::{is_refused, values},
    monitor::StatementMonitor,
    pool::ConnectionPool,
};
use crate::batch::{BatchPolicy, Batcher, PerSize};

/// How many texts are remembered, each of which every connection prepares in every size; sqlx keeps a hundred.
const TEXTS: usize = 12;
/// How many statements are sent as one at most.
const MAX_BATCH: usize = 16;

/// What reads on PostgreSQL.
#[derive(Clone, Debug)]
pub(super) struct BatchedReads {
    statements: ConnectionPool,
    monitor: Arc<StatementMonitor>,
    texts: Arc<Cache<String, Reading>>,
    /// None where each is sent by itself.
    policy: Option<BatchPolicy>,
}

/// Answers statements of one text. None when one has to be sent by itself.
type Reading = Batcher<Values, Result<Option<Vec<QueryResult>>, DbErr>>;

impl BatchedReads {
    /// Reads over those connections, so many batches of each text at a time; without a number each statement is sent by
    /// itself, which a database wants that is distributed by owner.
    pub(super) fn new(
        statements: ConnectionPool,
        monitor: Arc<StatementMonitor>,
        max_in_flight: Option<usize>,
    ) -> Self {
        let policy = max_in_flight.map(|max_in_flight| BatchPolicy { max_size: MAX_BATCH, max_in_flight });
        Self { statements, monitor, texts: Arc::new(Cache::new(TEXTS)), policy }
    }

    /// Its connections.
    pub(super) fn statements(&self) -> &ConnectionPool {
        &self.statements
    }

    /// The rows of a quick statement.
    pub(super) async fn quick(&self, statement: &Statement) -> Result<Vec<QueryResult>, DbErr> {
        let Some(policy) = self.policy else { return self.statements.read(statement).await };
        let reading = match self.texts.get(statement.sql.as_str()) {
            Some(reading) => reading,
            None => {
                let reading = self.reading(statement.sql.clone(), policy);
                self.texts.insert(statement.sql.clone(), reading.clone());
                reading
            }
        };
        match reading.load(values(statement).0).await.transpose()?.flatten() {
            Some(rows) => Ok(rows),
            None => self.statements.read(statement).await,
        }
    }

    fn reading(&self, text: String, policy: BatchPolicy) -> Reading {
        let (statements, monitor) = (self.statements.clone(), Arc::clone(&self.monitor));
        let texts = Arc::new(PerSize::new(MAX_BATCH, |size| batched(&text, size)));
        Batcher::new(policy, move |asked: Vec<Values>| {
            let (statements, monitor, texts) = (statements.clone(), Arc::clone(&monitor), Arc::clone(&texts));
            async move {
                let text = texts.get(asked.len()).map_or("", String::as_str);
                let read = monitor.in_time(read(&statements, text, &asked)).await;
                shared(read, asked.len())
            }
        })
    }
}

/// The rows of each of them, by one statement.
async fn read(statements: &ConnectionPool, text: &str, asked: &[Values]) -> Result<Vec<Vec<QueryResult>>, DbErr> {
    let values = asked.iter().flat_map(|it| &it.0).cloned();
    let statement = Statement::from_sql_and_values(DbBackend::Postgres, text, values);
    let rows = statements.read(&statement).await?;
    if asked.len() == 1 {
        return Ok(vec![rows]);
    }
    let mut found: Vec<Vec<QueryResult>> = asked.iter().map(|_| Vec::new()).collect();
    for row in rows {
        if let Some(whose) = whose(&row)?.and_then(|whose| found.get_mut(whose)) {
            whose.push(row);
        }
    }
    Ok(found)
}

/// To whom the row belongs, which its last column says.
fn whose(row: &QueryResult) -> Result<Option<usize>, DbErr> {
    let Some(row) = row.try_as_pg_row() else { return Ok(None) };
    let number: i32 = row.at(row.len() - 1)?;
    Ok(usize::try_from(number).ok())
}

/// The answer for each of so many.
fn shared<T>(read: Result<Vec<T>, DbErr>, many: usize) -> Vec<Result<Option<T>, DbErr>> {
    match read {
        Ok(found) => found.into_iter().map(|it| Ok(Some(it))).collect(),
        // One of them can be the cause.
        Err(cause) if many > 1 && is_refused(&cause) => iter::repeat_with(|| Ok(None)).take(many).collect(),
        Err(cause) => iter::repeat_with(|| Err(cause.clone())).take(many).collect(),
    }
}

/// So many statements of this text as one, whose last column is the number of the statement; one is itself.
fn batched(text: &str, size: usize) -> String {
    if size == 1 {
        return text.to_owned();
    }
    let values = shifted(text, 0).1;
    let one = |number| format!("select of{number}.*, {number} from ({}) of{number}", shifted(text, number * values).0);
    (0..size).map(one).collect::<Vec<_>>().join(" union all ")
}

/// The text with values that are so many places further, and how many values it has.
fn shifted(text: &str, by: usize) -> (String, usize) {
    let (mut shifted, mut values) = (String::with_capacity(text.len() + 16), 0);
    // Every second part is a literal: quotes inside of it are doubled.
    for (number, part) in text.split('\'').enumerate() {
        if number > 0 {
            shifted.push('\'');
        }
        if number % 2 == 1 {
            shifted.push_str(part);
            continue;
        }
        let mut between = part.split('$');
        shifted.push_str(between.next().unwrap_or_default());
        for behind in between {
            let digits = behind.len() - behind.trim_start_matches(|it: char| it.is_ascii_digit()).len();
            let (value, rest) = behind.split_at(digits);
            let value: usize = value.parse().unwrap_or_default();
            values = values.max(value);
            let _ = write!(shifted, "${}{rest}", value + by);
        }
    }
    (shifted, values)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_are_numbered_and_their_values_apart() {
        let text = "select a, 'it''s $1' from t where b = $1 and (c = $2 or d = $12) and e = '$'";
        let other = "select a, 'it''s $1' from t where b = $13 and (c = $14 or d = $24) and e = '$'";
        let expected = format!("select of0.*, 0 from ({text}) of0 union all select of1.*, 1 from ({other}) of1");
        assert_eq!(batched(text, 2), expected);
    }
}
