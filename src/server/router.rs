//! The routes, with the middleware around them.

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    http::{HeaderName, HeaderValue, Method, header, request::Parts},
    middleware::from_fn_with_state,
    routing::{any, get},
};
use tower::ServiceBuilder;
use tower_http::cors::{AllowOrigin, CorsLayer};

use super::{
    concurrency::ConcurrencyLimit,
    health,
    middleware::{
        authentication::{Authentication, authenticate, limit_accounts},
        limits::limit,
        request_context::{RequestContext, request_context},
    },
};
use crate::{
    config::Config,
    graphql, rest,
    service::{Services, auth::Origins},
};

/// How long a browser remembers what it may send.
const PREFLIGHT_AGE: Duration = Duration::from_secs(600);
/// The methods that front-ends may use.
const METHODS: [Method; 7] =
    [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::OPTIONS];
/// The headers that front-ends may send.
const REQUEST_HEADERS: [HeaderName; 9] = [
    header::ACCEPT,
    header::AUTHORIZATION,
    header::CONTENT_TYPE,
    header::IF_MATCH,
    header::IF_NONE_MATCH,
    HeaderName::from_static("apollo-require-preflight"),
    HeaderName::from_static("graphql-require-preflight"),
    HeaderName::from_static("idempotency-key"),
    HeaderName::from_static("x-requested-with"),
];
/// The headers that front-ends may read.
const RESPONSE_HEADERS: [HeaderName; 6] = [
    header::ETAG,
    header::RETRY_AFTER,
    HeaderName::from_static("set-auth-jwt"),
    HeaderName::from_static("set-auth-token"),
    HeaderName::from_static("x-request-id"),
    HeaderName::from_static("x-total-count"),
];

/// The outer middleware, around all routes.
pub(super) struct OuterMiddleware {
    pub(super) context: RequestContext,
    pub(super) limit: ConcurrencyLimit,
}

/// All routes.
pub(super) fn router(
    config: &Config,
    services: &Arc<Services>,
    graphql_state: graphql::GraphqlState,
    outer: OuterMiddleware,
) -> Router {
    let authentication = |engine: Option<&Arc<graphql::Engine>>| {
        let state = Authentication { services: Arc::clone(services), engine: engine.cloned() };
        from_fn_with_state(state, authenticate)
    };
    let (to_rest, to_graphql) = (authentication(None), authentication(Some(&graphql_state.engine)));
    let to_accounts = from_fn_with_state(Arc::clone(services), limit_accounts);
    let mut router = Router::new()
        .merge(rest::router(config).layer(to_rest))
        .merge(rest::auth::router().layer(to_accounts))
        .merge(health::router(&graphql_state.closing))
        .merge(rest::openapi::router())
        .with_state(Arc::clone(services))
        .merge(Router::new().route(graphql::PATH, any(graphql::serve)).layer(to_graphql).with_state(graphql_state));
    if config.playground {
        router = router
            .route("/graphiql", get(graphql::page))
            .route("/graphiql/boot.js", get(graphql::boot))
            .route("/graphiql/files/{*name}", get(graphql::file));
    }
    router.fallback(rest::not_found).method_not_allowed_fallback(rest::method_not_allowed).layer(
        ServiceBuilder::new()
            .layer(from_fn_with_state(outer.context, request_context))
            .layer(cors(services.auth().origins()))
            .layer(from_fn_with_state(outer.limit, limit)),
    )
}

/// Which origins may read responses, and what they may send.
pub(super) fn cors(origins: &Origins) -> CorsLayer {
    let origins = origins.clone();
    let may_read = move |origin: &HeaderValue, _: &Parts| origin.to_str().is_ok_and(|origin| origins.may_read(origin));
    CorsLayer::new()
        .allow_origin(AllowOrigin::predicate(may_read))
        .allow_credentials(true)
        .allow_methods(METHODS)
        .allow_headers(REQUEST_HEADERS)
        .expose_headers(RESPONSE_HEADERS)
        .max_age(PREFLIGHT_AGE)
}
