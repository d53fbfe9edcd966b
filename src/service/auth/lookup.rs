//! Finding sessions by token. Those that are asked for at the same time are found by one statement. Nothing is kept, so
//! that a session that has ended is never found.

use std::{collections::HashMap, sync::Arc};

use entity::{session, user};
use sea_orm::{ColumnTrait, DbErr, EntityTrait, QueryFilter};

use super::SessionAndUser;
use crate::{
    db::{Db, Together},
    error::Error,
};

/// How many tokens one statement looks up: these sizes only, so that its text is one of few.
const SIZES: [usize; 4] = [1, 4, 16, 64];

/// Sessions by token.
#[derive(Clone, Debug)]
pub(super) struct Lookup(Together<String, Found>);

type Found = Result<Option<SessionAndUser>, DbErr>;

impl Lookup {
    pub(super) fn new(db: Db) -> Self {
        let db = Arc::new(db);
        let [.., most] = SIZES;
        Self(Together::new(most, move |tokens| answers(Arc::clone(&db), tokens)))
    }

    /// The session of a token and its user, as they are stored, ended or not.
    pub(super) async fn find(&self, token: &str) -> Result<Option<SessionAndUser>, Error> {
        Ok(self.0.ask(token.to_owned()).await.ok_or(Error::Busy)??)
    }
}

async fn answers(db: Arc<Db>, tokens: Vec<String>) -> Vec<Found> {
    let found = found(&db, &tokens).await;
    let answer = |token| found.as_ref().map(|found| found.get(&token).cloned()).map_err(Clone::clone);
    tokens.into_iter().map(answer).collect()
}

async fn found(db: &Db, tokens: &[String]) -> Result<HashMap<String, SessionAndUser>, DbErr> {
    let size = SIZES.into_iter().find(|size| *size >= tokens.len()).unwrap_or(tokens.len());
    let filler = std::iter::repeat_with(|| tokens.last().cloned().unwrap_or_default());
    let tokens = tokens.iter().cloned().chain(filler).take(size);
    let select = session::Entity::find().filter(session::Column::Token.is_in(tokens)).find_both_related(user::Entity);
    let rows: Vec<SessionAndUser> = db.reader().rows(select).await?;
    Ok(rows.into_iter().map(|row| (row.0.token.clone(), row)).collect())
}
