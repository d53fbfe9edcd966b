//! A route of the REST API: the handlers of a path, and what the OpenAPI document says about them. Method, path and text
//! stand on the handler (`#[utoipa::path]`), so that the router, the document and the tests read one list.

use std::sync::Arc;

use axum::routing::MethodRouter;
use utoipa::openapi::{Paths, RefOr, Schema, path::Operation};
use utoipa_axum::router::UtoipaMethodRouter;

use crate::service::Services;

/// A method and a path that this API serves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// The method, in capitals.
    pub method: &'static str,
    /// The path, with its parameters in braces.
    pub path: String,
}

/// The handlers of one path, and their part of the document.
pub(super) struct ApiRoute {
    pub(super) handlers: MethodRouter<Arc<Services>>,
    pub(super) schemas: Vec<(String, RefOr<Schema>)>,
    pub(super) paths: Paths,
    /// What they may fail with beside what the document says of their whole group.
    pub(super) fails_with: &'static [u16],
}

impl ApiRoute {
    /// Takes what `routes!` made of handlers that share one path.
    pub(super) fn new((schemas, paths, handlers): UtoipaMethodRouter<Arc<Services>>) -> Self {
        Self { handlers, schemas, paths, fails_with: &[] }
    }

    /// Adds a handler of POST that the document does not mention.
    pub(super) fn with_unlisted_post(mut self, handler: MethodRouter<Arc<Services>>) -> Self {
        self.handlers = self.handlers.merge(handler);
        self
    }

    /// The path that the handlers share.
    pub(super) fn path(&self) -> &str {
        self.paths.paths.keys().next().map_or("", String::as_str)
    }

    /// The methods of the document, each on its path.
    pub(super) fn endpoints(mut self) -> Vec<Endpoint> {
        let mut endpoints = Vec::new();
        self.for_each_operation(|endpoint, _| endpoints.push(endpoint.clone()));
        endpoints
    }

    /// Completes what the document says about each method.
    pub(super) fn for_each_operation(&mut self, mut complete: impl FnMut(&Endpoint, &mut Operation)) {
        for (path, item) in &mut self.paths.paths {
            let operations = [
                ("GET", &mut item.get),
                ("POST", &mut item.post),
                ("PUT", &mut item.put),
                ("PATCH", &mut item.patch),
                ("DELETE", &mut item.delete),
            ];
            for (method, operation) in operations {
                if let Some(operation) = operation {
                    complete(&Endpoint { method, path: path.clone() }, operation);
                }
            }
        }
    }
}
