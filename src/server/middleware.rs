//! The middleware, from the outside in: the context of a request, CORS, limits, and for both APIs
//! authentication and idempotency. Few steps, because axum copies all that is behind a step for each request.

pub(super) mod authentication;
pub(super) mod compression;
pub(super) mod cors;
pub(super) mod idempotency;
pub(super) mod identity;
pub(super) mod limits;
pub(super) mod request_context;
