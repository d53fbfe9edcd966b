//! Authentication at both APIs and the account routes: one step for all that is asked before a request gets to its route.

use std::sync::Arc;

use axum::{
    extract::{MatchedPath, Request, State},
    http::{HeaderValue, header},
    middleware::Next,
    response::Response,
};

use super::{idempotency, identity::identify};
use crate::{
    error::Error,
    graphql, rest,
    server::bodies::{BodySender, receive_large_body},
    service::{
        RequestScope, Services,
        auth::{Client, Identity},
    },
};

/// What authentication needs.
#[derive(Clone, Debug)]
pub(in crate::server) struct Authentication {
    pub(in crate::server) services: Arc<Services>,
    /// What knows documents, at the GraphQL API.
    pub(in crate::server) engine: Option<Arc<graphql::Engine>>,
}

impl Authentication {
    /// An error in the format of the API.
    fn refusal(&self, error: &Error) -> Response {
        if self.engine.is_some() { graphql::rejection_response(error) } else { rest::rejection_response(error) }
    }

    /// How many bytes of a large body are received before its route sees it; none where the route receives it itself, or
    /// will not take it.
    fn max_body(&self, identity: &Identity, request: &Request) -> Option<usize> {
        let is_user = matches!(identity, Identity::User(_));
        match &self.engine {
            Some(engine) => Some(engine.most_bytes(is_user)),
            None => (is_user && !rest::is_upload(request.extensions().get())).then_some(rest::MAX_BODY),
        }
    }
}

/// Finds out who sends a request to an API, refuses with 429 what is beyond their quota, receives a large body, and does
/// what comes with an `Idempotency-Key` once.
pub(in crate::server) async fn authenticate(
    State(authentication): State<Authentication>,
    request: Request,
    next: Next,
) -> Response {
    let Authentication { services, engine } = &authentication;
    let client = request.extensions().get::<Client>().cloned().unwrap_or_default();
    let identity = identify(services, request.method(), request.headers(), &client).await;
    // A GraphQL operation of a user is counted by its cost, where that is known.
    let is_counted_by_cost = engine.is_some() && matches!(identity, Identity::User(_));
    if !is_counted_by_cost && let Err(error) = services.count_request(&identity, &client) {
        return authentication.refusal(&error);
    }
    let user = if let Identity::User(user) = &identity { Some(user.clone()) } else { None };
    let max = authentication.max_body(&identity, &request);
    let sender = BodySender { identity: &identity, client: &client };
    let (request, _permit) = match receive_large_body(request, sender, max).await {
        Ok(received) => received,
        Err(error) => return authentication.refusal(&error),
    };
    let scope = RequestScope { identity, services: Arc::clone(services), is_once: false };
    let work = idempotency::do_once(scope, engine.as_deref(), request, next);
    vary_by_user(match user {
        Some(user) => services.for_user(&user, work).await,
        None => work.await,
    })
}

/// Refuses with 429 what comes from one address too often to the account routes, and receives a large body.
pub(in crate::server) async fn limit_accounts(
    State(services): State<Arc<Services>>,
    request: Request,
    next: Next,
) -> Response {
    let (path, extensions) = (request.uri().path(), request.extensions());
    let route = extensions.get::<MatchedPath>().map(MatchedPath::as_str).filter(|it| !it.contains("{*"));
    let client = extensions.get::<Client>().cloned();
    let limited_as = route.and_then(rest::compat::limited_as);
    let rejected = |error| match limited_as {
        Some(_) => rest::rejection_response(&error),
        None => rest::auth::rejection_response(error),
    };
    if let Some(client) = &client
        && let Err(error) =
            services.auth().count_request(client, limited_as.unwrap_or(path), limited_as.or(route)).await
    {
        return rejected(error);
    }
    let client = client.unwrap_or_default();
    let max = rest::auth::max_body(path);
    let sender = BodySender { identity: &Identity::Nobody, client: &client };
    match receive_large_body(request, sender, Some(max)).await {
        Ok((request, _permit)) => vary_by_user(next.run(request).await),
        Err(error) => rejected(error),
    }
}

/// Tells caches that a response depends on who asks.
fn vary_by_user(mut response: Response) -> Response {
    response.headers_mut().append(header::VARY, HeaderValue::from_static("authorization, cookie"));
    response
}
