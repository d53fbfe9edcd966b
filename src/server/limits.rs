//! How many requests are worked on at a time, how often one address may call the auth routes, and how much one user or
//! address is answered; the counting is the service's.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};

use tokio::sync::Semaphore;

use crate::{
    error::Error,
    graphql, rest,
    service::{
        Services,
        auth::{Client, Identity},
    },
};

/// How many requests of one kind are worked on or wait for the database at a time. What is more would only wait longer
/// than its client does.
const AT_ONCE: usize = 256;

/// Room for the requests of one kind.
#[derive(Clone)]
pub(super) struct Room(Arc<Semaphore>);

impl Default for Room {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(AT_ONCE)))
    }
}

/// Refuses at once, with 503, what there is no room for. Streams and WebSockets take room only until they are open.
pub(super) async fn admit(State(Room(room)): State<Room>, request: Request, next: Next) -> Response {
    match room.try_acquire() {
        Ok(_place) => next.run(request).await,
        Err(_) if request.uri().path() == graphql::PATH => graphql::refused(&Error::Busy),
        Err(_) if request.uri().path().starts_with("/api/auth/") => rest::auth::refused(Error::Busy),
        Err(_) => rest::refused(&Error::Busy),
    }
}

/// Refuses with 429 what comes too often.
pub(super) async fn limit(State(services): State<Arc<Services>>, request: Request, next: Next) -> Response {
    if let Some(client) = request.extensions().get::<Client>()
        && let Err(error) = services.auth().count_request(client, request.uri().path()).await
    {
        return rest::auth::refused(error);
    }
    next.run(request).await
}

/// Refuses with 429 what a user or an address sends beyond its quota. A GraphQL operation of a user is counted by its
/// cost, where that is known.
pub(super) async fn quota(State(services): State<Arc<Services>>, request: Request, next: Next) -> Response {
    let is_graphql = request.uri().path() == graphql::PATH;
    let identity = request.extensions().get::<Identity>().unwrap_or(&Identity::Nobody);
    let client = request.extensions().get::<Client>();
    let is_counted_by_cost = is_graphql && matches!(identity, Identity::User(_));
    if let Some(client) = client.filter(|_| !is_counted_by_cost)
        && let Err(error) = services.count_request(identity, client)
    {
        return if is_graphql { graphql::refused(&error) } else { rest::refused(&error) };
    }
    next.run(request).await
}
