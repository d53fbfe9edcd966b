//! Short messages between the instances on one PostgreSQL database, by LISTEN and NOTIFY, outside of transactions
//! that write: a NOTIFY inside one takes a lock of the whole database at its commit.

use sea_orm::{ConnectionTrait, DbBackend, DbErr, Statement};
use sqlx::postgres::PgListener;
use tokio::sync::Mutex;

use super::{Db, connect::failed};

const CHANNEL: &str = "docket_changes";
/// PostgreSQL takes less than 8,000 bytes.
const MAX_PAYLOAD: usize = 7000;

/// The way to the other instances; on SQLite there are none.
#[derive(Debug)]
pub struct Hints {
    db: Db,
    listener: Mutex<Option<PgListener>>,
}

impl Db {
    /// The way to the other instances.
    pub fn hints(&self) -> Hints {
        Hints { db: self.clone(), listener: Mutex::new(None) }
    }
}

impl Hints {
    /// Sends words to all instances, this one too.
    pub async fn send(&self, words: &[String]) -> Result<(), DbErr> {
        if self.db.backend() == DbBackend::Sqlite {
            return Ok(());
        }
        for payload in payloads(words) {
            let values = [CHANNEL.into(), payload.into()];
            let statement = Statement::from_sql_and_values(DbBackend::Postgres, "select pg_notify($1, $2)", values);
            self.db.writer().query_one_raw(statement).await?;
        }
        Ok(())
    }

    /// Waits for words of any instance.
    pub async fn receive(&self) -> Result<Vec<String>, DbErr> {
        let Some(pool) = self.db.writer().postgres_pool() else { return std::future::pending().await };
        let mut kept = self.listener.lock().await;
        if kept.is_none() {
            let mut listener = PgListener::connect_with(pool).await.map_err(failed)?;
            listener.listen(CHANNEL).await.map_err(failed)?;
            *kept = Some(listener);
        }
        let received = match kept.as_mut() {
            Some(listener) => listener.recv().await.map_err(failed),
            None => return Ok(Vec::new()),
        };
        match received {
            Ok(notification) => Ok(notification.payload().split('\n').map(str::to_owned).collect()),
            Err(cause) => {
                *kept = None;
                Err(cause)
            }
        }
    }
}

/// The words, a line each, in as many messages as they need. A word with a line break is left out: no id of a token
/// that we believe has one, and whoever waits for it looks by itself soon.
fn payloads(words: &[String]) -> Vec<String> {
    let mut payloads: Vec<String> = Vec::new();
    for word in words.iter().filter(|word| word.len() < MAX_PAYLOAD && !word.contains('\n')) {
        match payloads.last_mut() {
            Some(last) if last.len() + word.len() < MAX_PAYLOAD => {
                last.push('\n');
                last.push_str(word);
            }
            _ => payloads.push(word.clone()),
        }
    }
    payloads
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_fill_messages_up_to_their_limit() {
        let words: Vec<_> = (0..100).map(|number| format!("{number:0>200}")).collect();
        let payloads = payloads(&words);
        assert!(payloads.len() == 3 && payloads.iter().all(|it| it.len() < 8000));
        assert_eq!(payloads.join("\n").split('\n').count(), 100);
    }
}
