//! What can be listened to.

use std::{sync::Arc, vec};

use async_graphql::{Context, Subscription};
use futures_util::{Stream, stream};

use super::{errors::GraphqlError, guard::Guard, query::feed_request};
use crate::{
    error::Error,
    service::{
        Services,
        auth::CurrentUser,
        changes::{FeedRequest, MAX_CHANGES},
        events::Listener,
    },
    view::{Change, ChangeKind, Task},
};

/// Subscriptions. Each follows the data of the signed-in user.
pub struct Subscription;

/// Subscriptions. Each follows the data of the signed-in user.
#[Subscription]
impl Subscription {
    /// Changes after a sync token, in order, deletions included, and then every new change as it happens; without a
    /// token, from now on. To continue after an interruption, give the `syncToken` of the last change received. Fails
    /// with `RESYNC_REQUIRED` as the query `changes` does.
    async fn changes(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Sync token of the last change received; null for now.")] after: Option<String>,
        #[graphql(desc = "Kinds of objects to follow; null for all kinds.")] kinds: Option<Vec<ChangeKind>>,
    ) -> Result<impl Stream<Item = Result<Change, GraphqlError>> + use<>, GraphqlError> {
        let user = ctx.current_user()?;
        let services = Arc::clone(ctx.services(user));
        let mut request = feed_request(user, after.as_deref(), kinds, MAX_CHANGES)?;
        let listener = services.changes(user).listen();
        if request.after.is_none() {
            request.after = Some(services.changes(user).token().await?);
        }
        let tail = Tail { services, user: user.clone(), listener, request, ready: Vec::new().into_iter() };
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
    services: Arc<Services>,
    user: CurrentUser,
    listener: Listener,
    request: FeedRequest,
    ready: vec::IntoIter<Change>,
}

impl Tail {
    async fn next(&mut self) -> Result<Change, Error> {
        loop {
            if let Some(change) = self.ready.next() {
                return Ok(change);
            }
            let page = self.services.changes(&self.user).page(&self.request);
            let feed = self.services.read_for(&self.user, page).await?;
            self.ready = Change::all(&feed, Task::from).into_iter();
            self.request.after = Some(feed.token());
            if self.ready.len() == 0 {
                self.listener.changed().await;
            }
        }
    }
}
