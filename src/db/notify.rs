//! Messages between the instances on one PostgreSQL database, by LISTEN and NOTIFY. They are sent outside of the
//! transactions that write: a NOTIFY inside one takes a lock on the whole database at its commit.

use sea_orm::DbErr;
use sqlx::postgres::PgListener;
use tokio::sync::Mutex;

use super::{Db, connect::failed};

/// The channel by which all instances hear of users whose data changed.
const CHANGES: &str = "docket_changes";
/// PostgreSQL takes less than 8,000 bytes.
const MAX_PAYLOAD: usize = 7000;

/// Sends notifications to the other instances and receives theirs. On SQLite there are none.
#[derive(Debug)]
pub struct Notifier {
    db: Db,
    listener: Mutex<Option<PgListener>>,
    /// The channel that no other instance listens to.
    echo_channel: String,
}

/// What was received.
#[derive(Debug, PartialEq, Eq)]
pub enum Notification {
    /// The data of these users changed.
    Changes(Vec<String>),
    /// What this instance sent to itself, to know whether notifications arrive.
    Echo,
    /// The connection was lost, and with it what was sent meanwhile.
    Lost,
}

impl Db {
    /// A notifier of this instance.
    pub fn notifier(&self) -> Notifier {
        let echo_channel = format!("docket_echo_{:016x}", rand::random::<u64>());
        Notifier { db: self.clone(), listener: Mutex::new(None), echo_channel }
    }
}

impl Notifier {
    /// Tells all instances, this one too, that the data of these users changed.
    pub async fn send_changes(&self, users: &[String]) -> Result<(), DbErr> {
        for payload in payloads(users) {
            self.send(CHANGES, &payload).await?;
        }
        Ok(())
    }

    /// Sends something to this instance alone.
    pub async fn send_echo(&self) -> Result<(), DbErr> {
        self.send(&self.echo_channel, "").await
    }

    /// Sends to where the listeners are, which is not where statements go if there is a pooler in between.
    async fn send(&self, channel: &str, payload: &str) -> Result<(), DbErr> {
        let Some(pool) = self.db.writer().listening() else { return Ok(()) };
        let notify = sqlx::query("select pg_notify($1, $2)").bind(channel).bind(payload);
        notify.execute(pool).await.map(drop).map_err(failed)
    }

    /// Waits for the next notification of any instance.
    pub async fn receive(&self) -> Result<Notification, DbErr> {
        let Some(pool) = self.db.writer().listening() else { return std::future::pending().await };
        let mut listening = self.listener.lock().await;
        let mut listener = match listening.take() {
            Some(listener) => listener,
            None => {
                let mut listener = PgListener::connect_with(pool).await.map_err(failed)?;
                listener.listen_all([CHANGES, &self.echo_channel]).await.map_err(failed)?;
                listener
            }
        };
        let received = listener.try_recv().await.map_err(failed)?;
        *listening = Some(listener);
        Ok(match received {
            None => Notification::Lost,
            Some(it) if it.channel() == CHANGES => {
                Notification::Changes(it.payload().split('\n').map(str::to_owned).collect())
            }
            Some(_) => Notification::Echo,
        })
    }
}

/// The users, a line each, in as many payloads as they need. One with a line break is left out: no id in a token that is
/// accepted has one, and who waits for it polls.
fn payloads(users: &[String]) -> Vec<String> {
    let mut payloads: Vec<String> = Vec::new();
    for user in users.iter().filter(|user| user.len() < MAX_PAYLOAD && !user.contains('\n')) {
        match payloads.last_mut() {
            Some(last) if last.len() + user.len() < MAX_PAYLOAD => {
                last.push('\n');
                last.push_str(user);
            }
            _ => payloads.push(user.clone()),
        }
    }
    payloads
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_fill_payloads_up_to_their_limit() {
        let users: Vec<_> = (0..100).map(|number| format!("{number:0>200}")).collect();
        let payloads = payloads(&users);
        assert!(payloads.len() == 3 && payloads.iter().all(|it| it.len() < 8000));
        assert_eq!(payloads.join("\n").split('\n').count(), 100);
    }
}
