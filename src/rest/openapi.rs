//! The OpenAPI document: made from the types that serve and from one row for each route.

mod rows;

use std::sync::OnceLock;

use axum::{
    Router,
    body::Bytes,
    http::{HeaderValue, header},
    middleware,
    response::Response,
    routing::get,
};
use utoipa::openapi::{
    ComponentsBuilder, ContentBuilder, HttpMethod, InfoBuilder, OpenApi, OpenApiBuilder, PathItem, PathsBuilder, Ref,
    Required, ResponseBuilder,
    path::{OperationBuilder, ParameterBuilder, ParameterIn},
    request_body::RequestBodyBuilder,
    security::{Http, HttpAuthScheme, SecurityRequirement, SecurityScheme},
};
use utoipa_swagger_ui::{Config, SwaggerUi};

use self::rows::{RequestBodyDoc, RouteDoc};
use super::{errors::RestError, shape};
use crate::error::Error;

const JSON: &str = "application/json";
const BEARER: &str = "bearer";

/// The document.
pub fn document() -> OpenApi {
    let info = InfoBuilder::new()
        .title("Docket")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some("The REST API of Docket, and the routes of its accounts. The GraphQL API is at /graphql."));
    let paths = rows::all().into_iter().fold(PathsBuilder::new(), |paths, row| {
        paths.path(row.path.clone(), PathItem::new(method(row.method), operation(&row).build()))
    });
    let components = rows::schemas()
        .into_iter()
        .fold(ComponentsBuilder::new(), |components, (name, schema)| components.schema(name, schema))
        .security_scheme(BEARER, SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer)));
    OpenApiBuilder::new().info(info).paths(paths).components(Some(components.build())).build()
}

/// The document at `/openapi.json`, and a page that shows it at `/docs`, whose files are part of the program.
pub fn router<S: Clone + Send + Sync + 'static>() -> Router<S> {
    let page: Router<S> = SwaggerUi::new("/docs").config(Config::from("/openapi.json")).into();
    Router::new().route("/openapi.json", get(answer)).merge(page.layer(middleware::map_response(guarded)))
}

/// Made when it is first asked for, as most instances never are.
async fn answer() -> Result<Response, RestError> {
    static DOCUMENT: OnceLock<Bytes> = OnceLock::new();
    let json = match DOCUMENT.get() {
        Some(json) => json.clone(),
        None => {
            let json = serde_json::to_vec(&document()).map_err(Error::internal)?;
            DOCUMENT.get_or_init(|| json.into()).clone()
        }
    };
    Ok(shape::written(json))
}

/// The page loads nothing from elsewhere, and nobody may frame it.
async fn guarded(mut response: Response) -> Response {
    const POLICY: HeaderValue = HeaderValue::from_static(
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
         connect-src 'self'; frame-ancestors 'none'; base-uri 'none'",
    );
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, POLICY);
    response
}

fn method(name: &str) -> HttpMethod {
    match name {
        "POST" => HttpMethod::Post,
        "PUT" => HttpMethod::Put,
        "PATCH" => HttpMethod::Patch,
        "DELETE" => HttpMethod::Delete,
        _ => HttpMethod::Get,
    }
}

fn operation(row: &RouteDoc) -> OperationBuilder {
    let name = format!("{} {}", row.method, row.path);
    let id: String = name.chars().map(|it| if it.is_ascii_alphanumeric() { it } else { '_' }).collect();
    let mut operation = OperationBuilder::new().operation_id(Some(id)).summary(Some(row.summary)).tag(row.tag);
    for (name, schema) in &row.path_parameters {
        operation = operation.parameter(
            ParameterBuilder::new()
                .name(*name)
                .parameter_in(ParameterIn::Path)
                .required(Required::True)
                .schema(Some(schema.clone())),
        );
    }
    for (name, is_required, schema) in &row.query_parameters {
        let required = if *is_required { Required::True } else { Required::False };
        operation = operation.parameter(
            ParameterBuilder::new()
                .name(*name)
                .parameter_in(ParameterIn::Query)
                .required(required)
                .schema(Some(schema.clone())),
        );
    }
    if let Some(RequestBodyDoc { schema, is_required }) = &row.body {
        let content = ContentBuilder::new().schema(Some(schema.clone())).build();
        let required = if *is_required { Required::True } else { Required::False };
        let body = RequestBodyBuilder::new().content(JSON, content).required(Some(required)).build();
        operation = operation.request_body(Some(body));
    }
    if row.needs_token {
        operation = operation.security(SecurityRequirement::new::<_, [&str; 0], &str>(BEARER, []));
    }
    row.answers.iter().fold(operation, |operation, answer| {
        let mut response = ResponseBuilder::new().description(answer.description);
        if let Some((media, schema)) = &answer.content {
            let mut content = ContentBuilder::new();
            if let Some(schema) = schema {
                content = content.schema(Some(Ref::from_schema_name(*schema)));
            }
            response = response.content(*media, content.build());
        }
        operation.response(answer.status.to_string(), response.build())
    })
}
