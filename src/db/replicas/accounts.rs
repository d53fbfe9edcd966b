//! Reading accounts and sessions while the primary is away.

use std::time::Duration;

use entity::row::{self, FromRow};
use sea_orm::{ConnectionTrait, DbErr, QueryTrait, Statement, sea_query::SelectStatement};

use super::{
    super::{Connection, Db, connect::failed},
    ReplicaState, Replicas, SHORT_LOOKUP_TIMEOUT, in_time, is_gone,
};

/// What was found of an account or a session.
#[derive(Debug)]
pub struct AccountRow<T> {
    /// Its row, if it is there.
    pub row: Option<T>,
    /// Whether it was read at a replica because the primary is away: what was written in the last moments before may be
    /// missing.
    pub is_of_replica: bool,
}

impl Db {
    /// The first of what is selected of accounts and sessions by a statement that is quick: at the primary or, while that is
    /// away, at a replica that has all that the primary was seen to have.
    pub async fn account_row<T: FromRow>(
        &self,
        select: impl QueryTrait<QueryStatement = SelectStatement> + Clone,
    ) -> Result<AccountRow<T>, DbErr> {
        match &self.replicas {
            None => Ok(AccountRow { row: self.reader.quick_row(select).await?, is_of_replica: false }),
            // Boxed as what most have no need of.
            Some(replicas) => Box::pin(replicas.row_of_account(&self.reader, select)).await,
        }
    }
}

impl Replicas {
    /// What the primary has or, while that is away, a replica.
    async fn row_of_account<T: FromRow>(
        &self,
        reader: &Connection,
        select: impl QueryTrait<QueryStatement = SelectStatement> + Clone,
    ) -> Result<AccountRow<T>, DbErr> {
        // Also one that was away a moment ago is asked: it may be back.
        let is_away = self.is_primary_away();
        let at_primary = reader.quick_row(select.clone());
        let found = if is_away {
            in_time(SHORT_LOOKUP_TIMEOUT, at_primary).await
        } else {
            tokio::select! {
                found = at_primary => found,
                // It may be silent for as long as a statement may take.
                true = self.finds_primary_away() => Err(failed(sqlx::Error::PoolTimedOut)),
            }
        };
        match found {
            Ok(row) => Ok(AccountRow { row, is_of_replica: false }),
            Err(cause) if is_gone(&cause) && (is_away || self.finds_primary_away().await) => {
                let row = self.replica_row(reader, &select).await.ok_or(cause)?;
                Ok(AccountRow { row, is_of_replica: true })
            }
            Err(cause) => Err(cause),
        }
    }

    /// What a replica has that lacks nothing, if there is one.
    async fn replica_row<T: FromRow>(
        &self,
        reader: &Connection,
        select: &impl QueryTrait<QueryStatement = SelectStatement>,
    ) -> Option<Option<T>> {
        let lacks_nothing = |state: ReplicaState| state.is_in_use && state.lag == Duration::ZERO;
        let replica = self.each.iter().find(|it| lacks_nothing(*it.state()))?;
        let statement: Statement = reader.fitted(reader.get_database_backend().build(select.as_query()));
        let rows =
            replica.rows(&reader.monitor, &statement).await.inspect_err(|cause| replica.note_failure(cause)).ok()?;
        rows.first().map(row::read).transpose().ok()
    }
}
