//! The routes, with the middleware around them.

use std::sync::Arc;

use axum::{Router, middleware::from_fn_with_state, routing::any};
use tower::ServiceBuilder;
use tower_http::cors::CorsLayer;
use url::Url;

use super::{
    concurrency::ConcurrencyLimit,
    health, home,
    middleware::{
        authentication::{Authentication, authenticate, limit_accounts},
        compression::compression,
        limits::limit,
        request_context::{RequestContext, request_context},
    },
    pages,
    prefix::PathPrefix,
};
use crate::{app, config::Config, graphql, rest, service::Services};

/// The outer middleware, around all routes.
pub(super) struct OuterMiddleware {
    pub(super) context: RequestContext,
    pub(super) cors: CorsLayer,
    pub(super) limit: ConcurrencyLimit,
}

/// All routes.
pub(super) fn router(
    config: &Config,
    services: &Arc<Services>,
    graphql_state: graphql::GraphqlState,
    base_url: &Url,
    outer: OuterMiddleware,
) -> Router {
    let authentication = |engine: Option<&Arc<graphql::Engine>>| {
        let state = Authentication { services: Arc::clone(services), engine: engine.cloned() };
        from_fn_with_state(state, authenticate)
    };
    let (to_rest, to_graphql) = (authentication(None), authentication(Some(&graphql_state.engine)));
    let to_accounts = from_fn_with_state(Arc::clone(services), limit_accounts);
    let mut router = Router::new()
        .merge(rest::router(config).layer(to_rest).layer(compression()))
        .merge(rest::auth::router().layer(to_accounts))
        .merge(health::router(&graphql_state.closing))
        .with_state(Arc::clone(services))
        .merge(home::router(config, base_url.as_str()).layer(compression()));
    if config.docs {
        let openapi = rest::openapi::router(PathPrefix::of(base_url).as_str()).layer(compression());
        router = router.merge(openapi).merge(rest::docs::router(&pages::bar(config)));
    }
    if let Some(playground) = graphql_state.playground.clone() {
        router = router.merge(playground.router());
    }
    router = router.merge(
        Router::new()
            .route(graphql::PATH, any(graphql::serve))
            .layer(to_graphql)
            .layer(compression())
            .with_state(graphql_state),
    );
    if config.app {
        router = router.merge(app::router());
    }
    router.fallback(rest::not_found).method_not_allowed_fallback(rest::method_not_allowed).layer(
        ServiceBuilder::new()
            .layer(from_fn_with_state(outer.context, request_context))
            .layer(outer.cors)
            .layer(from_fn_with_state(outer.limit, limit)),
    )
}
