//! What can be listened to.

use async_graphql::{Context, Subscription};
use futures_util::{Stream, stream};

use super::{failure::GraphqlError, guard::Guard};
use crate::{
    error::Error,
    service::{Services, auth::CurrentUser, changes::MAX_CHANGES, events::Listener},
    view::{BigInt, Change},
};

/// All news; every one is about the signed-in user's own data.
pub struct Subscription;

/// All news; every one is about the signed-in user's own data.
#[Subscription]
impl Subscription {
    /// What changed behind a revision, deletions included, in order, and then every change as it comes. To go on after
    /// a break, give the revision of the last change that arrived. The error `RESYNC_REQUIRED` says that the feed
    /// does not reach back so far: start again from 0.
    async fn changes(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The revision of the last change that is known; 0 at first.")] since: BigInt,
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
