//! What can be listened to.

use async_graphql::{Context, Subscription};
use futures_util::{Stream, stream};

use super::{errors::GraphqlError, guard::Guard};
use crate::{
    error::Error,
    service::{Services, auth::CurrentUser, changes::MAX_CHANGES, events::Listener},
    view::{BigInt, Change},
};

/// Subscriptions. Each follows the data of the signed-in user.
pub struct Subscription;

/// Subscriptions. Each follows the data of the signed-in user.
#[Subscription]
impl Subscription {
    /// Changes after a revision, in order, deletions included, and then every new change as it happens. To continue
    /// after an interruption, give the revision of the last change received. Fails with `RESYNC_REQUIRED` if the feed
    /// does not reach back that far: start again from 0.
    async fn changes(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Revision of the last change received; 0 at first.")] since: BigInt,
    ) -> Result<impl Stream<Item = Result<Change, GraphqlError>> + use<>, GraphqlError> {
        let user = ctx.current_user()?;
        let services = std::sync::Arc::clone(ctx.services(user));
        let listener = services.changes(user).listen();
        let tail = Tail { services, user: user.clone(), listener, since: since.0, ready: Vec::new().into_iter() };
        Ok(stream::unfold(Some(tail), |tail| async {
            let mut tail = tail?;
            match tail.next().await {
                Ok(change) => Some((Ok(change), Some(tail))),
                Err(error) => Some((Err(error.into()), None)),
            }
        }))
    }
}

/// A reader that has come so far and goes on.
struct Tail {
    services: std::sync::Arc<Services>,
    user: CurrentUser,
    listener: Listener,
    since: i64,
    ready: std::vec::IntoIter<Change>,
}

impl Tail {
    async fn next(&mut self) -> Result<Change, Error> {
        loop {
            if let Some(change) = self.ready.next() {
                return Ok(change);
            }
            let feed = self.services.changes(&self.user).since(self.since, MAX_CHANGES).await?;
            self.since = feed.revision;
            if feed.changes.is_empty() {
                self.listener.changed().await;
            }
            self.ready = feed.changes.into_iter().map(Change::from).collect::<Vec<_>>().into_iter();
        }
    }
}
