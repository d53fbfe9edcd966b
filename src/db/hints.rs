//! Short messages between the instances on one PostgreSQL database, by LISTEN and NOTIFY, outside of transactions
//! that write: a NOTIFY inside one takes a lock of the whole database at its commit.

use sea_orm::DbErr;
use sqlx::postgres::PgListener;
use tokio::sync::Mutex;

use super::{Db, connect::failed};

/// What a message is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Channel {
    /// Users whose data changed.
    Changes,
    /// What was taken out of whose quota.
    Quota,
    /// What this instance says to itself, to know that it is heard.
    Echo,
}

const ALL: [Channel; 3] = [Channel::Changes, Channel::Quota, Channel::Echo];
/// PostgreSQL takes less than 8,000 bytes.
const MAX_PAYLOAD: usize = 7000;

/// The way to the other instances; on SQLite there are none.
#[derive(Debug)]
pub struct Hints {
    db: Db,
    listener: Mutex<Option<PgListener>>,
    /// The channel that no other instance listens to.
    echo: String,
}

impl Db {
    /// The way to the other instances.
    pub fn hints(&self) -> Hints {
        Hints {
            db: self.clone(),
            listener: Mutex::new(None),
            echo: format!("docket_echo_{:016x}", rand::random::<u64>()),
        }
    }
}

impl Hints {
    /// Sends words to all instances that listen to the channel, this one too. They go where the listeners are, which is
    /// not where statements go if a pooler is in between.
    pub async fn send(&self, channel: Channel, words: &[String]) -> Result<(), DbErr> {
        let Some(pool) = self.db.writer().listening() else { return Ok(()) };
        for payload in payloads(words) {
            let notify = sqlx::query("select pg_notify($1, $2)").bind(self.name(channel)).bind(payload);
            notify.execute(pool).await.map_err(failed)?;
        }
        Ok(())
    }

    /// Says something to this instance alone, which [`Hints::receive`] gives if hints arrive at all.
    pub async fn send_echo(&self) -> Result<(), DbErr> {
        self.send(Channel::Echo, &["heard".to_owned()]).await
    }

    fn name(&self, channel: Channel) -> &str {
        match channel {
            Channel::Changes => "docket_changes",
            Channel::Quota => "docket_quota",
            Channel::Echo => &self.echo,
        }
    }

    /// Waits for words of any instance; nothing when the connection was lost, and with it what was said meanwhile.
    pub async fn receive(&self) -> Result<Option<(Channel, Vec<String>)>, DbErr> {
        let Some(pool) = self.db.writer().listening() else { return std::future::pending().await };
        let mut kept = self.listener.lock().await;
        if kept.is_none() {
            let mut listener = PgListener::connect_with(pool).await.map_err(failed)?;
            listener.listen_all(ALL.map(|channel| self.name(channel))).await.map_err(failed)?;
            *kept = Some(listener);
        }
        let Some(listener) = kept.as_mut() else { return Ok(None) };
        match listener.try_recv().await.map_err(failed) {
            Ok(None) => Ok(None),
            Ok(Some(notification)) => {
                let channel = ALL.into_iter().find(|it| self.name(*it) == notification.channel());
                let words = notification.payload().split('\n').map(str::to_owned).collect();
                Ok(Some((channel.unwrap_or(Channel::Changes), words)))
            }
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
