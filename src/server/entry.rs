//! The way to both doors and to the accounts: one step for all that is asked before a request is let in, because each
//! step of axum's copies all that are behind it.

use std::sync::Arc;

use axum::{
    extract::{MatchedPath, Request, State},
    http::{HeaderValue, header},
    middleware::Next,
    response::Response,
};

use super::{
    bodies::{Received, left, received},
    identify::identify,
    once::once,
};
use crate::{
    error::Error,
    graphql, rest,
    service::{
        Services,
        auth::{Client, Identity},
    },
};

/// What the way to both doors needs.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) services: Arc<Services>,
    /// What knows GraphQL's documents, on the way to that.
    pub(super) engine: Option<Arc<graphql::Engine>>,
}

/// Lets requests to the doors in: finds out who sends them, refuses with 429 what is beyond their quota, and does what
/// comes with an `Idempotency-Key` once.
pub(super) async fn tasks(State(entry): State<Entry>, request: Request, next: Next) -> Response {
    let Entry { services, engine } = &entry;
    let is_graphql = engine.is_some();
    let refused = |error: Error| if is_graphql { graphql::refused(&error) } else { rest::refused(&error) };
    let client = request.extensions().get::<Client>().cloned().unwrap_or_default();
    let identity = identify(services, (request.method(), request.headers()), &client).await;
    // A GraphQL operation of a user is counted by its cost, where that is known.
    let is_counted_by_cost = is_graphql && matches!(identity, Identity::User(_));
    if !is_counted_by_cost && let Err(error) = services.count_request(&identity, &client) {
        return refused(error);
    }
    let user = if let Identity::User(user) = &identity { Some(user.clone()) } else { None };
    let received = match most_bytes(&entry, &identity, &request) {
        Some(most) => received(request, (&identity, &client), most).await,
        None => Ok((left(request), Received::default())),
    };
    let (mut request, _received) = match received {
        Ok(received) => received,
        Err(error) => return refused(error),
    };
    request.extensions_mut().insert(identity);
    let work = once(services, engine.as_deref(), request, next);
    personal(match user {
        Some(user) => services.for_user(&user, work).await,
        None => work.await,
    })
}

/// Says of an answer that it is for whoever asked, to all that keep answers.
fn personal(mut answer: Response) -> Response {
    answer.headers_mut().append(header::VARY, HeaderValue::from_static("authorization, cookie"));
    answer
}

/// How many bytes of a large body are received before its route sees it; none where the route receives it itself, or
/// will not take it.
fn most_bytes(entry: &Entry, identity: &Identity, request: &Request) -> Option<usize> {
    let is_user = matches!(identity, Identity::User(_));
    match &entry.engine {
        Some(engine) => Some(engine.most_bytes(is_user)),
        None => (is_user && !rest::is_upload(request.extensions().get())).then_some(rest::MAX_BODY),
    }
}

/// Lets requests to the accounts in, and refuses with 429 what comes from one address too often.
pub(super) async fn accounts(State(services): State<Arc<Services>>, request: Request, next: Next) -> Response {
    let (path, extensions) = (request.uri().path(), request.extensions());
    let route = extensions.get::<MatchedPath>().map(MatchedPath::as_str).filter(|it| !it.contains("{*"));
    let client = extensions.get::<Client>().cloned();
    if let Some(client) = &client
        && let Err(error) = services.auth().count_request(client, path, route).await
    {
        return rest::auth::refused(error);
    }
    let client = client.unwrap_or_default();
    match received(request, (&Identity::Nobody, &client), rest::auth::MAX_BODY).await {
        Ok((request, _received)) => personal(next.run(request).await),
        Err(error) => rest::auth::refused(error),
    }
}
