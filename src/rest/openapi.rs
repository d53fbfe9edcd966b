//! The OpenAPI document: made from the routes that serve, and from what all routes of a group have in common.

use std::{
    collections::{BTreeMap, HashSet},
    sync::OnceLock,
};

use axum::{
    Router,
    body::Bytes,
    http::{HeaderValue, header},
    middleware,
    response::{IntoResponse, Response},
    routing::get,
};
use utoipa::{
    IntoResponses, ToSchema,
    openapi::{
        ComponentsBuilder, ContentBuilder, HttpMethod, InfoBuilder, ObjectBuilder, OpenApi, OpenApiBuilder, PathItem,
        PathsBuilder, Ref, RefOr, Required, Response as OpenApiResponse, ResponseBuilder, Schema,
        path::{Operation, OperationBuilder, ParameterBuilder, ParameterIn},
        request_body::RequestBodyBuilder,
        schema::{SchemaType, Type},
        security::{Http, HttpAuthScheme, SecurityRequirement, SecurityScheme},
    },
};
use utoipa_swagger_ui::{Config, SwaggerUi};

use super::{
    auth, compat,
    errors::RestError,
    routes::{ApiRoute, Endpoint},
    shape,
};
use crate::{error::Error, view};

const JSON: &str = "application/json";
const BEARER: &str = "bearer";

/// What the document says about every route of a group.
pub(super) struct RouteGroup {
    pub(super) tag: &'static str,
    /// The name of the schema of errors.
    pub(super) error_schema: &'static str,
    /// What a request may fail with on any of the routes.
    pub(super) errors: &'static [(u16, &'static str)],
}

/// The response to a write whose `If-Match` names another version of the task.
pub(super) struct TaskChanged;

impl IntoResponses for TaskChanged {
    fn responses() -> BTreeMap<String, RefOr<OpenApiResponse>> {
        let response = error_response("The task was changed in the meantime.", "Detail");
        BTreeMap::from([("412".to_owned(), response.into())])
    }
}

fn error_response(description: &str, schema: &str) -> OpenApiResponse {
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name(schema)));
    ResponseBuilder::new().description(description).content(JSON, content.build()).build()
}

/// The document.
pub fn document() -> OpenApi {
    let info = InfoBuilder::new()
        .title("Docket")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some("The REST API of Docket, and the routes of its accounts. The GraphQL API is at /graphql."));
    let routes =
        super::described_routes().into_iter().chain(auth::described_routes()).chain(compat::described_routes());
    let mut components = ComponentsBuilder::new()
        .schemas_from_iter(schemas())
        .security_scheme(BEARER, SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer)));
    let (mut paths, mut ids) = (health_paths(), HashSet::new());
    for mut route in routes {
        route.for_each_operation(|endpoint, operation| identify(&mut ids, endpoint, operation));
        components = components.schemas_from_iter(route.schemas);
        for (path, item) in route.paths.paths {
            paths = paths.path(path, item);
        }
    }
    OpenApiBuilder::new().info(info).paths(paths).components(Some(components.build())).build()
}

/// A word at the root, the document at `/openapi.json`, and a page that shows it at `/docs`, whose files are part of the program.
pub fn router<S: Clone + Send + Sync + 'static>() -> Router<S> {
    let page: Router<S> = SwaggerUi::new("/docs").config(Config::from("/openapi.json")).into();
    Router::new()
        .route("/", get(root))
        .route("/openapi.json", get(serve_document))
        .merge(page.layer(middleware::map_response(protect_page)))
}

/// What is served here, for whoever opens the root.
async fn root() -> Response {
    axum::Json(serde_json::json!({ "name": "Docket", "status": "healthy", "docs": "/docs" })).into_response()
}

/// Made at the first request, as most instances never get one.
async fn serve_document() -> Result<Response, RestError> {
    static DOCUMENT: OnceLock<Bytes> = OnceLock::new();
    let json = match DOCUMENT.get() {
        Some(json) => json.clone(),
        None => {
            let json = serde_json::to_vec(&document()).map_err(Error::internal)?;
            DOCUMENT.get_or_init(|| json.into()).clone()
        }
    };
    Ok(shape::json_response(json))
}

/// The page loads nothing from elsewhere, and nobody may frame it.
async fn protect_page(mut response: Response) -> Response {
    const POLICY: HeaderValue = HeaderValue::from_static(
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
         connect-src 'self'; frame-ancestors 'none'; base-uri 'none'",
    );
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, POLICY);
    response
}

impl ApiRoute {
    /// Adds what all routes of the group have in common.
    pub(super) fn describe(&mut self, group: &RouteGroup) {
        self.for_each_operation(|_, operation| {
            operation.tags = Some(vec![group.tag.to_owned()]);
            for (status, description) in group.errors {
                let response = || error_response(description, group.error_schema).into();
                operation.responses.responses.entry(status.to_string()).or_insert_with(response);
            }
        });
    }

    /// Adds a body that is an object of texts, all of which may be absent: a route says itself what it lacks.
    pub(super) fn with_body_fields(mut self, names: &[&str]) -> Self {
        let object = names.iter().fold(ObjectBuilder::new(), |object, name| object.property(*name, text_schema()));
        let content = ContentBuilder::new().schema(Some(object)).build();
        let body = RequestBodyBuilder::new().content(JSON, content).required(Some(Required::False)).build();
        self.for_each_operation(|_, operation| operation.request_body = Some(body.clone().into()));
        self
    }

    /// Adds that the routes are about one user's data, for which they need a token. A request that is not HTTP gets its 400
    /// before any route, and without a body.
    pub(super) fn describe_owner(&mut self) {
        let user = ParameterBuilder::new()
            .name("user_id")
            .parameter_in(ParameterIn::Path)
            .required(Required::True)
            .description(Some("The user of the token."))
            .schema(Some(text_schema().min_length(Some(1))))
            .build();
        self.for_each_operation(|_, operation| {
            let unreadable = ResponseBuilder::new().description("The request cannot be read.").build();
            operation.responses.responses.insert("400".to_owned(), unreadable.into());
            operation.parameters.get_or_insert_default().insert(0, user.clone().into());
            operation.security = Some(vec![SecurityRequirement::new::<_, [&str; 0], &str>(BEARER, [])]);
        });
    }
}

/// Gives the second of two methods that share a handler an id of its own: generated clients call operations by their ids.
fn identify(ids: &mut HashSet<String>, Endpoint { method, .. }: &Endpoint, operation: &mut Operation) {
    let id = operation.operation_id.get_or_insert_default();
    if !ids.insert(id.clone()) {
        id.push_str(&format!("By{}{}", &method[..1], method[1..].to_ascii_lowercase()));
    }
}

/// The probes of the server, which are no part of this API.
fn health_paths() -> PathsBuilder {
    let probe = |id: &'static str, summary: &'static str, statuses: &[(u16, &'static str)]| {
        let mut operation = OperationBuilder::new().operation_id(Some(id)).summary(Some(summary)).tag("health");
        for (status, description) in statuses {
            let response =
                ResponseBuilder::new().description(*description).content(JSON, ContentBuilder::new().build());
            operation = operation.response(status.to_string(), response);
        }
        PathItem::new(HttpMethod::Get, operation.build())
    };
    let live = |id| probe(id, "Check that the process is alive.", &[(200, "The process is alive.")]);
    let ready = [(200, "The server can serve requests."), (503, "The server cannot serve requests now.")];
    PathsBuilder::new()
        .path("/health", live("checkAlive"))
        .path("/api/health", live("checkApiAlive"))
        .path("/health/ready", probe("checkReady", "Check that the server can serve requests.", &ready))
}

/// The schemas of errors, and of what responses contain without naming it.
fn schemas() -> Vec<(String, RefOr<Schema>)> {
    let any = ObjectBuilder::new().schema_type(SchemaType::AnyValue);
    let detail = ObjectBuilder::new().property("detail", any).required("detail");
    let auth_error =
        ObjectBuilder::new().property("message", text_schema()).property("code", text_schema()).required("message");
    let mut schemas = vec![named::<view::TaskList>(), named::<view::Label>()];
    schemas.extend([named::<view::User>(), named::<view::Session>(), named::<view::Account>()]);
    schemas.push(("Detail".to_owned(), detail.into()));
    schemas.push(("AuthError".to_owned(), auth_error.into()));
    schemas
}

fn named<T: ToSchema>() -> (String, RefOr<Schema>) {
    (T::name().into_owned(), T::schema())
}

/// The schema of a text.
pub(super) fn text_schema() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String)
}
