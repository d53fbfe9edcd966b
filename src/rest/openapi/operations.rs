//! What the document says about the operations of a group beside their own text: errors with their headers, and what shows
//! who sends a request.

use serde_json::json;
use utoipa::openapi::{
    ContentBuilder, Header, HeaderBuilder, Object, ObjectBuilder, Ref, RefOr, Required, Response, ResponseBuilder,
    Schema,
    path::{Operation, Parameter, ParameterBuilder, ParameterIn},
    request_body::RequestBodyBuilder,
    schema::Type,
    security::SecurityRequirement,
};

use super::text_schema;
use crate::rest::routes::ApiRoute;

pub(super) const JSON: &str = "application/json";
/// The names of the two ways to show who sends a request.
pub(super) const BEARER: &str = "bearer";
pub(super) const COOKIE: &str = "session";

/// What the document says about every route of a group.
pub(in crate::rest) struct RouteGroup {
    pub(in crate::rest) tag: &'static str,
    pub(in crate::rest) bodies: ErrorBodies,
    /// What a request may fail with, and where.
    pub(in crate::rest) errors: &'static [ErrorDoc],
}

/// What the bodies of errors are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::rest) enum ErrorBodies {
    /// FastAPI's: a `detail`, which is a list where the request is not valid.
    Detail,
    /// Better Auth's: a message, and mostly a code.
    Message,
}

/// A status that a request may fail with.
pub(in crate::rest) struct ErrorDoc {
    status: u16,
    operations: Operations,
    description: &'static str,
    /// What the body says, for example.
    text: &'static str,
    code: Option<&'static str>,
}

/// Of which operations a group says something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::rest) enum Operations {
    All,
    WithBody,
    /// Those that take a precondition.
    WithIfMatch,
    /// Those that are about one task.
    OfTask,
    Post,
    /// Those of routes that name the status.
    Named,
}

impl ErrorDoc {
    /// Without a code, which only some bodies have.
    pub(in crate::rest) const fn new(
        status: u16,
        operations: Operations,
        description: &'static str,
        text: &'static str,
    ) -> Self {
        Self { status, operations, description, text, code: None }
    }

    pub(in crate::rest) const fn code(self, code: &'static str) -> Self {
        Self { code: Some(code), ..self }
    }

    fn response(&self, bodies: ErrorBodies) -> Response {
        let schema = match (bodies, self.status) {
            (ErrorBodies::Detail, 422) => "HTTPValidationError",
            (ErrorBodies::Detail, _) => "Detail",
            (ErrorBodies::Message, _) => "AuthError",
        };
        let example = match (bodies, self.status, self.code) {
            // That of the schema.
            (ErrorBodies::Detail, 422, _) => None,
            (ErrorBodies::Detail, ..) => Some(json!({ "detail": self.text })),
            (ErrorBodies::Message, _, None) => Some(json!({ "message": self.text })),
            (ErrorBodies::Message, _, Some(code)) => Some(json!({ "message": self.text, "code": code })),
        };
        let content = ContentBuilder::new().schema(Some(Ref::from_schema_name(schema))).example(example);
        let response = ResponseBuilder::new().description(self.description).content(JSON, content.build());
        let headers = error_headers(bodies, self.status).iter();
        headers.fold(response, |response, it| response.header(it.name, it.build())).build()
    }
}

/// A header of a response.
struct ResponseHeader {
    name: &'static str,
    r#type: Type,
    description: &'static str,
}

impl ResponseHeader {
    const fn text(name: &'static str, description: &'static str) -> Self {
        Self { name, r#type: Type::String, description }
    }

    const fn seconds(name: &'static str) -> Self {
        Self { name, r#type: Type::Integer, description: "Seconds after which it is worth trying again." }
    }

    fn build(&self) -> Header {
        let schema = ObjectBuilder::new().schema_type(self.r#type.clone());
        HeaderBuilder::new().schema(Some(schema)).description(Some(self.description)).build()
    }
}

const RETRY_AFTER: ResponseHeader = ResponseHeader::seconds("Retry-After");
const RATE_LIMIT: ResponseHeader =
    ResponseHeader::text("RateLimit", "What is left of the quota, and the seconds until there is more of it.");

fn error_headers(bodies: ErrorBodies, status: u16) -> &'static [ResponseHeader] {
    const CHALLENGE: [ResponseHeader; 1] = [ResponseHeader::text("WWW-Authenticate", "`Bearer`, and what is wrong.")];
    const ENCODING: [ResponseHeader; 1] =
        [ResponseHeader::text("Accept-Encoding", "`identity`, where the body is compressed.")];
    const LIMITED: [ResponseHeader; 2] = [RETRY_AFTER, RATE_LIMIT];
    const LIMITED_TWICE: [ResponseHeader; 3] = [RETRY_AFTER, RATE_LIMIT, ResponseHeader::seconds("X-Retry-After")];
    const BUSY: [ResponseHeader; 1] = [RETRY_AFTER];
    match (bodies, status) {
        (ErrorBodies::Detail, 401) => &CHALLENGE,
        (_, 415) => &ENCODING,
        (ErrorBodies::Detail, 429) => &LIMITED,
        (ErrorBodies::Message, 429) => &LIMITED_TWICE,
        (_, 503) => &BUSY,
        _ => &[],
    }
}

/// A field of a body that a route reads by hand.
#[derive(Clone, Copy, Debug)]
pub(in crate::rest) struct BodyField {
    name: &'static str,
    is_required: bool,
    description: &'static str,
    example: FieldExample,
}

#[derive(Clone, Copy, Debug)]
enum FieldExample {
    Text(&'static str),
    Switch(bool),
}

impl BodyField {
    /// A text without which the body is refused.
    pub(in crate::rest) const fn required(
        name: &'static str,
        example: &'static str,
        description: &'static str,
    ) -> Self {
        Self { name, is_required: true, description, example: FieldExample::Text(example) }
    }

    /// A text that may be absent.
    pub(in crate::rest) const fn optional(
        name: &'static str,
        example: &'static str,
        description: &'static str,
    ) -> Self {
        Self { name, is_required: false, description, example: FieldExample::Text(example) }
    }

    /// A truth value that may be absent.
    pub(in crate::rest) const fn switch(name: &'static str, example: bool, description: &'static str) -> Self {
        Self { name, is_required: false, description, example: FieldExample::Switch(example) }
    }

    fn add_to(object: ObjectBuilder, field: &Self) -> ObjectBuilder {
        let (r#type, example) = match field.example {
            FieldExample::Text(text) => (Type::String, json!(text)),
            FieldExample::Switch(is_on) => (Type::Boolean, json!(is_on)),
        };
        let schema = ObjectBuilder::new().schema_type(r#type).description(Some(field.description)).examples([example]);
        let object = object.property(field.name, schema);
        if field.is_required { object.required(field.name) } else { object }
    }
}

/// An object of these fields; its example has all of them.
fn object_of(fields: &[BodyField]) -> Object {
    let mut object = fields.iter().fold(ObjectBuilder::new(), BodyField::add_to).build();
    let example = |schema: &RefOr<Schema>| match schema {
        RefOr::T(Schema::Object(field)) => field.examples.first().cloned(),
        _ => None,
    };
    let examples = object.properties.iter().filter_map(|(name, field)| Some((name.clone(), example(field)?)));
    object.examples = vec![serde_json::Value::Object(examples.collect())];
    object
}

impl ApiRoute {
    /// Adds what all routes of the group have in common.
    pub(in crate::rest) fn describe(&mut self, group: &RouteGroup) {
        let named = self.fails_with;
        self.for_each_operation(|endpoint, operation| {
            operation.tags = Some(vec![group.tag.to_owned()]);
            for error in group.errors {
                let fails_so = named.contains(&error.status)
                    || match error.operations {
                        Operations::All => true,
                        Operations::WithBody => operation.request_body.is_some(),
                        Operations::WithIfMatch => has_parameter(operation, "If-Match"),
                        Operations::OfTask => has_parameter(operation, "task_id"),
                        Operations::Post => endpoint.method == "POST",
                        Operations::Named => false,
                    };
                if fails_so {
                    let response = error.response(group.bodies).into();
                    operation.responses.responses.entry(error.status.to_string()).or_insert(response);
                }
            }
        });
    }

    /// Adds a JSON body of these fields.
    pub(in crate::rest) fn with_body(self, fields: &[BodyField]) -> Self {
        self.with_bodies(&[(JSON, fields)])
    }

    /// Adds a body in one of several media types.
    pub(in crate::rest) fn with_bodies(mut self, bodies: &[(&str, &[BodyField])]) -> Self {
        let content = |fields| ContentBuilder::new().schema(Some(object_of(fields))).build();
        let body = RequestBodyBuilder::new().required(Some(Required::True));
        let body =
            bodies.iter().fold(body, |body, (media_type, fields)| body.content(*media_type, content(fields))).build();
        self.for_each_operation(|_, operation| {
            operation.request_body = Some(body.clone().into());
            // Every request may have it. What openapi-python-client makes of several bodies runs only beside something
            // optional.
            if bodies.len() > 1 {
                let schema = text_schema().pattern(Some("^[A-Za-z0-9_-]{1,64}$"));
                let id = header_parameter("X-Request-Id", schema, "Names the request in the log, and is sent back.");
                operation.parameters.get_or_insert_default().push(id.into());
            }
        });
        self
    }

    /// Adds that the routes may fail with these statuses of their group.
    pub(in crate::rest) fn fails_with(mut self, statuses: &'static [u16]) -> Self {
        self.fails_with = statuses;
        self
    }

    /// Adds that the routes are about whoever sends the request.
    pub(in crate::rest) fn for_session(self) -> Self {
        self.secured(&[BEARER, COOKIE], false)
    }

    /// The same, of routes that serve those too who show nothing.
    pub(in crate::rest) fn for_anybody(self) -> Self {
        self.secured(&[BEARER, COOKIE], true)
    }

    /// Adds that the routes read a bearer token if there is one, and no cookie.
    pub(in crate::rest) fn for_bearer(self) -> Self {
        self.secured(&[BEARER], true)
    }

    fn secured(mut self, schemes: &[&str], is_optional: bool) -> Self {
        let one = |name: &&str| SecurityRequirement::new::<_, [&str; 0], &str>(*name, []);
        let mut all: Vec<_> = schemes.iter().map(one).collect();
        all.extend(is_optional.then(SecurityRequirement::default));
        self.for_each_operation(|_, operation| operation.security = Some(all.clone()));
        self
    }

    /// Adds that the routes are about one user's data. A request that is not HTTP gets its 400 before any route, and without
    /// a body.
    pub(in crate::rest) fn describe_owner(mut self) -> Self {
        let user = ParameterBuilder::new()
            .name("user_id")
            .parameter_in(ParameterIn::Path)
            .required(Required::True)
            .description(Some("The user of the token."))
            .schema(Some(text_schema().min_length(Some(1))))
            .build();
        self.for_each_operation(|endpoint, operation| {
            let unreadable = ResponseBuilder::new().description("The request cannot be read.").build();
            operation.responses.responses.insert("400".to_owned(), unreadable.into());
            operation.parameters.get_or_insert_default().insert(0, user.clone().into());
            if endpoint.method != "GET" {
                describe_key(operation);
            }
        });
        self.for_session()
    }
}

fn has_parameter(operation: &Operation, name: &str) -> bool {
    let parameters = operation.parameters.iter().flatten();
    parameters.into_iter().any(|it| matches!(it, RefOr::T(parameter) if parameter.name == name))
}

/// Adds that a write takes an `Idempotency-Key`.
fn describe_key(operation: &mut Operation) {
    let schema = text_schema().min_length(Some(1)).max_length(Some(255)).pattern(Some("^[ -~]+$"));
    let description = "Names the request: repeated with the same key within a day it is not done again, and its response is \
                       that of the first time.";
    let key = header_parameter("Idempotency-Key", schema, description);
    operation.parameters.get_or_insert_default().push(key.into());
    let replayed = ResponseHeader::text("Idempotency-Replayed", "`true` if the response is one that was given before.");
    for (status, response) in &mut operation.responses.responses {
        if let (true, RefOr::T(response)) = (status.starts_with('2'), response) {
            response.headers.insert(replayed.name.to_owned(), replayed.build().into());
        }
    }
}

/// A header that a request may have.
pub(in crate::rest) fn header_parameter(name: &str, schema: ObjectBuilder, description: &str) -> Parameter {
    let parameter = ParameterBuilder::new().name(name).parameter_in(ParameterIn::Header).required(Required::False);
    parameter.schema(Some(schema)).description(Some(description)).build()
}
