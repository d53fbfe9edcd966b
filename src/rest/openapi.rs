//! The OpenAPI document: made from the routes that serve, and from what all routes of a group have in common.

mod examples;
mod health;
mod operations;

use std::{
    collections::HashSet,
    sync::{Arc, OnceLock},
};

use axum::{Router, body::Bytes, response::Response, routing::get};
use serde_json::json;
use utoipa::{
    ToSchema,
    openapi::{
        ComponentsBuilder, Content, InfoBuilder, LicenseBuilder, ObjectBuilder, OpenApi, OpenApiBuilder, RefOr, Schema,
        path::Operation,
        schema::Type,
        security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme},
        server::Server,
        tag::TagBuilder,
    },
};

use self::operations::{BEARER, COOKIE};
pub(super) use self::operations::{BodyField, ErrorBodies, ErrorDoc, Operations, RouteGroup, header_parameter};
use super::{
    auth, compat,
    cookie::SESSION_COOKIE,
    errors::{RestError, ValidationErrors},
    pydantic::PydanticError,
    routes::Endpoint,
    shape,
};
use crate::{error::Error, view};

/// The groups in the order in which they are shown, and what each is.
const TAGS: [(&str, &str); 4] = [
    ("tasks", "The tasks of a user, what is counted of them, their changes, and all of a user's data as a file."),
    ("compat", "Accounts as front-ends of the original back-ends use them: a token for an address and a password."),
    ("auth", "Accounts as Better Auth's client uses them: sessions in cookies, mailed links, access tokens."),
    ("health", "Probes of the server."),
];
const ABOUT: &str = "The REST API of Docket, and the routes of its accounts. The GraphQL API is at `/graphql`.\n\n\
    Every path works with a slash at its end, and the paths of a user's data also without the user, below `/api/v1`, \
    and with `todos` for `tasks`. Every response has an `X-Request-Id`.\n\n\
    Tasks have the shapes that are described here, unless the server has settings for other ones. With \
    `Accept: application/json; list=array; case=snake; delete=empty; status=off` they always have these.";
const ABOUT_COOKIE: &str = "The session cookie, which is named `__Secure-better-auth.session_token` behind https. With it a \
    write needs the `Origin` of a trusted page, or a header `X-Requested-With`.";
const ABOUT_BEARER: &str = "An access token, or the token of a session.";

/// The document.
pub fn document() -> OpenApi {
    let licence = LicenseBuilder::new().name("MIT").identifier(Some("MIT")).build();
    let info = InfoBuilder::new().title("Docket").version(env!("CARGO_PKG_VERSION")).license(Some(licence));
    let routes =
        super::described_routes().into_iter().chain(auth::described_routes()).chain(compat::described_routes());
    let cookie = ApiKey::Cookie(ApiKeyValue::with_description(SESSION_COOKIE, ABOUT_COOKIE));
    let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some(ABOUT_BEARER)).build();
    let mut components = ComponentsBuilder::new()
        .schemas_from_iter(schemas())
        .security_scheme(BEARER, SecurityScheme::Http(bearer))
        .security_scheme(COOKIE, SecurityScheme::ApiKey(cookie));
    let (mut paths, mut ids) = (health::paths(), HashSet::new());
    for mut route in routes {
        route.for_each_operation(|endpoint, operation| {
            identify(&mut ids, endpoint, operation);
            if let Some(RefOr::T(body)) = &mut operation.request_body {
                body.content.values_mut().for_each(leave_out_null);
            }
        });
        components = components.schemas_from_iter(route.schemas);
        for (path, item) in route.paths.paths {
            paths = paths.path(path, item);
        }
    }
    let tags = TAGS.map(|(name, description)| TagBuilder::new().name(name).description(Some(description)).build());
    let document = OpenApiBuilder::new().info(info.description(Some(ABOUT))).tags(Some(tags)).paths(paths);
    let mut document = document.components(Some(components.build())).build();
    examples::add_examples(&mut document);
    document
}

/// The document at `/openapi.json`, for clients who see the server below `prefix`, which may be empty.
pub fn router<S: Clone + Send + Sync + 'static>(prefix: &str) -> Router<S> {
    let document = Arc::new(ServedDocument { prefix: prefix.to_owned(), json: OnceLock::new() });
    Router::new().route("/openapi.json", get(async move || document.response()))
}

/// The document as clients get it.
struct ServedDocument {
    prefix: String,
    json: OnceLock<Bytes>,
}

impl ServedDocument {
    /// Made at the first request, as most instances never get one.
    fn response(&self) -> Result<Response, RestError> {
        let json = match self.json.get() {
            Some(json) => json.clone(),
            None => {
                let mut document = document();
                if !self.prefix.is_empty() {
                    document.servers = Some(vec![Server::new(self.prefix.clone())]);
                }
                let json = serde_json::to_vec(&document).map_err(Error::internal)?;
                self.json.get_or_init(|| json.into()).clone()
            }
        };
        Ok(shape::json_response(json))
    }
}

/// Gives the second of two methods that share a handler an id of its own: generated clients call operations by their ids.
fn identify(ids: &mut HashSet<String>, Endpoint { method, .. }: &Endpoint, operation: &mut Operation) {
    let id = operation.operation_id.get_or_insert_default();
    if !ids.insert(id.clone()) {
        id.push_str(&format!("By{}{}", &method[..1], method[1..].to_ascii_lowercase()));
    }
}

/// A body that may be left out is taken as null too, which generated clients make two ways of.
fn leave_out_null(content: &mut RefOr<Content>) {
    let RefOr::T(Content { schema: schema @ Some(RefOr::T(Schema::OneOf(_))), .. }) = content else { return };
    if let Some(RefOr::T(Schema::OneOf(one_of))) = schema.take() {
        *schema = one_of.items.into_iter().find(|it| matches!(it, RefOr::Ref(_)));
    }
}

/// The schemas of errors, and of what responses contain without naming it.
fn schemas() -> Vec<(String, RefOr<Schema>)> {
    let text = |description: &str| text_schema().description(Some(description));
    let detail = ObjectBuilder::new()
        .description(Some("Why the request failed."))
        .property("detail", text("A sentence for people."))
        .required("detail")
        .examples([json!({ "detail": "Not authenticated" })]);
    let auth_error = ObjectBuilder::new()
        .description(Some("Why the request failed, in the words of Better Auth."))
        .property("message", text("A sentence for people."))
        .property("code", text("A word for programs, which some errors lack."))
        .required("message")
        .examples([json!({ "message": "Unauthorized", "code": "UNAUTHORIZED" })]);
    let mut schemas = vec![named::<view::TaskList>(), named::<view::Label>(), named::<view::ChangeKind>()];
    schemas.extend([named::<view::User>(), named::<view::Session>(), named::<view::Account>()]);
    schemas.extend([named::<ValidationErrors>(), named::<PydanticError>()]);
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
