//! Finding sessions by token. Requests that come at the same time are answered by one statement: while one is on its
//! way, tokens gather for the next. Nothing is kept, so that a session that has ended is never found.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use entity::{session, user};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use tokio::sync::oneshot;

use super::SessionAndUser;
use crate::{db::Db, error::Error};

/// How many tokens one statement looks up: these sizes only, so that its text is one of few.
const SIZES: [usize; 4] = [1, 4, 16, 64];

/// Sessions by token.
#[derive(Clone, Debug)]
pub(super) struct Lookup {
    db: Db,
    waiting: Arc<Mutex<Waiting>>,
}

#[derive(Debug, Default)]
struct Waiting {
    asked: Vec<Asked>,
    is_working: bool,
}

#[derive(Debug)]
struct Asked {
    token: String,
    answer: oneshot::Sender<Found>,
}

type Found = Result<Option<SessionAndUser>, Arc<Error>>;

impl Lookup {
    pub(super) fn new(db: Db) -> Self {
        Self { db, waiting: Arc::default() }
    }

    /// The session of a token and its user, as they are stored, ended or not.
    pub(super) async fn find(&self, token: &str) -> Result<Option<SessionAndUser>, Error> {
        let (answer, answered) = oneshot::channel();
        let must_work = {
            let mut waiting = locked(&self.waiting);
            waiting.asked.push(Asked { token: token.to_owned(), answer });
            !std::mem::replace(&mut waiting.is_working, true)
        };
        if must_work {
            tokio::spawn(self.clone().work());
        }
        match answered.await {
            Ok(found) => found.map_err(|cause| match &*cause {
                Error::Unavailable(_) => Error::Busy,
                _ => Error::internal(cause),
            }),
            Err(_) => Err(Error::Busy),
        }
    }

    /// Answers until nobody waits.
    async fn work(self) {
        let working = Working(&self.waiting);
        while let Some(some) = working.next() {
            let found = self.found(&some).await.map_err(Arc::new);
            for Asked { token, answer } in some {
                let one = found.as_ref().map(|found| found.get(&token).cloned()).map_err(Arc::clone);
                // Somebody who has stopped waiting is not an error.
                let _ = answer.send(one);
            }
        }
    }

    async fn found(&self, some: &[Asked]) -> Result<HashMap<String, SessionAndUser>, Error> {
        let size = SIZES.into_iter().find(|size| *size >= some.len()).unwrap_or(some.len());
        let last = some.last().map(|it| it.token.clone());
        let filler = std::iter::repeat_with(|| last.clone().unwrap_or_default());
        let tokens = some.iter().map(|it| it.token.clone()).chain(filler).take(size);
        let select =
            session::Entity::find().filter(session::Column::Token.is_in(tokens)).find_both_related(user::Entity);
        let rows: Vec<SessionAndUser> = self.db.reader().rows(select).await?;
        Ok(rows.into_iter().map(|row| (row.0.token.clone(), row)).collect())
    }
}

/// The one who works. However the work ends, the next who asks can start it again, and nobody waits for ever.
struct Working<'a>(&'a Mutex<Waiting>);

impl Working<'_> {
    /// The next to be answered; nobody when nobody waits, and then the work is over.
    fn next(&self) -> Option<Vec<Asked>> {
        let mut waiting = locked(self.0);
        let most = waiting.asked.len().min(SIZES.into_iter().max().unwrap_or(1));
        let some: Vec<Asked> = waiting.asked.drain(..most).collect();
        waiting.is_working = !some.is_empty();
        Some(some).filter(|some| !some.is_empty())
    }
}

impl Drop for Working<'_> {
    fn drop(&mut self) {
        let mut waiting = locked(self.0);
        if std::thread::panicking() {
            waiting.asked.clear();
            waiting.is_working = false;
        }
    }
}

fn locked(waiting: &Mutex<Waiting>) -> MutexGuard<'_, Waiting> {
    waiting.lock().unwrap_or_else(PoisonError::into_inner)
}
