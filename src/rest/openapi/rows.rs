//! One row for each route, and the schemas that they name.

use serde_json::{Value, json};
use utoipa::{
    PartialSchema,
    openapi::{Ref, RefOr, Schema},
};

use crate::{
    service::{
        changes::MAX_CHANGES,
        labels::MAX_LABELS,
        tasks::{MAX_DESCRIPTION, MAX_TITLE},
    },
    view,
};

/// What the document says of a route.
pub(super) struct RouteDoc {
    pub(super) method: &'static str,
    pub(super) path: String,
    pub(super) tag: &'static str,
    pub(super) summary: &'static str,
    pub(super) needs_token: bool,
    pub(super) path_parameters: Vec<(&'static str, RefOr<Schema>)>,
    pub(super) query_parameters: Vec<(&'static str, bool, RefOr<Schema>)>,
    pub(super) body: Option<RequestBodyDoc>,
    pub(super) answers: Vec<ResponseDoc>,
}

/// What a request brings.
pub(super) struct RequestBodyDoc {
    pub(super) schema: RefOr<Schema>,
    pub(super) is_required: bool,
}

/// What a route may answer.
pub(super) struct ResponseDoc {
    pub(super) status: u16,
    pub(super) description: &'static str,
    /// Media type, and the name of a schema if there is one.
    pub(super) content: Option<(&'static str, Option<&'static str>)>,
}

const JSON: &str = "application/json";

/// Every route of this API.
pub(super) fn all() -> Vec<RouteDoc> {
    let mut rows = health();
    rows.extend(tasks());
    rows.extend(data());
    rows.extend(super::super::auth::PATHS.map(|(method, path)| auth(method, path)));
    rows
}

/// Every schema that a row names.
pub(super) fn schemas() -> Vec<(&'static str, RefOr<Schema>)> {
    vec![
        ("Task", view::Task::schema()),
        ("Priority", view::Priority::schema()),
        ("TaskList", view::TaskList::schema()),
        ("Label", view::Label::schema()),
        ("User", view::User::schema()),
        ("Session", view::Session::schema()),
        ("Account", view::Account::schema()),
        ("DateTime", view::DateTime::schema()),
        ("BigInt", view::BigInt::schema()),
        ("TaskChanges", task_body(&[])),
        ("NewTask", task_body(&["title"])),
        ("Tasks", schema(json!({ "type": "array", "items": { "$ref": "#/components/schemas/Task" } }))),
        ("Detail", schema(json!({ "type": "object", "required": ["detail"], "properties": { "detail": {} } }))),
        (
            "AuthError",
            schema(json!({ "type": "object", "required": ["message"], "properties": {
            "message": { "type": "string" }, "code": { "type": "string" } } })),
        ),
    ]
}

/// A schema as its JSON says it.
fn schema(value: Value) -> RefOr<Schema> {
    serde_json::from_value(value).unwrap_or_else(|_| RefOr::T(Schema::default()))
}

fn named(name: &'static str) -> RefOr<Schema> {
    Ref::from_schema_name(name).into()
}

/// What a task is made or changed with, by the limits of the services.
fn task_body(required: &[&str]) -> RefOr<Schema> {
    schema(json!({
        "type": "object",
        "required": required,
        "properties": {
            "title": { "type": "string", "minLength": 1, "maxLength": MAX_TITLE },
            "description": { "type": ["string", "null"], "maxLength": MAX_DESCRIPTION },
            "completed": { "type": "boolean" },
            "priority": { "type": "string", "enum": ["low", "medium", "high", "urgent"] },
            "tags": { "type": "array", "maxItems": MAX_LABELS,
                "items": { "type": "string", "minLength": 1, "maxLength": 30 } },
            "due_date": { "type": ["string", "null"], "format": "date-time" },
        },
    }))
}

fn reply(status: u16, description: &'static str, schema: Option<&'static str>) -> ResponseDoc {
    ResponseDoc { status, description, content: Some((JSON, schema)) }
}

fn empty(status: u16, description: &'static str) -> ResponseDoc {
    ResponseDoc { status, description, content: None }
}

fn row(method: &'static str, path: &str, summary: &'static str) -> RouteDoc {
    RouteDoc {
        method,
        path: path.to_owned(),
        tag: "health",
        summary,
        needs_token: false,
        path_parameters: Vec::new(),
        query_parameters: Vec::new(),
        body: None,
        answers: Vec::new(),
    }
}

impl RouteDoc {
    fn answers(mut self, answers: Vec<ResponseDoc>) -> Self {
        self.answers.extend(answers);
        self
    }

    fn body(mut self, schema: RefOr<Schema>, is_required: bool) -> Self {
        self.body = Some(RequestBodyDoc { schema, is_required });
        self
    }

    fn query(mut self, parameters: Vec<(&'static str, Value)>) -> Self {
        self.query_parameters.extend(parameters.into_iter().map(|(name, it)| (name, false, schema(it))));
        self
    }

    /// What every route of a user's data says of tokens, paths and bodies.
    fn of_user(mut self) -> Self {
        (self.tag, self.needs_token) = ("tasks", true);
        self.path_parameters.push(("user_id", schema(json!({ "type": "string", "minLength": 1 }))));
        if self.path.contains("{task_id}") {
            self.path_parameters.push(("task_id", schema(json!({ "type": "integer", "format": "int64" }))));
        }
        self.answers(vec![
            reply(400, "The request cannot be read", None),
            reply(401, "No token, or one that does not hold", Some("Detail")),
            reply(403, "The path's user is not the token's", Some("Detail")),
            reply(404, "Not there, or not yours", Some("Detail")),
            reply(408, "The body did not arrive in time", Some("Detail")),
            reply(413, "The body is too large", Some("Detail")),
            reply(415, "The body is compressed", Some("Detail")),
            reply(422, "The request is not valid; every fault is listed", Some("Detail")),
            reply(429, "Too many requests", Some("Detail")),
            reply(500, "Our own fault", Some("Detail")),
            reply(503, "Try again later", Some("Detail")),
        ])
    }
}

fn health() -> Vec<RouteDoc> {
    let live = ["/health", "/api/health"]
        .map(|path| row("GET", path, "Whether the process lives").answers(vec![reply(200, "It lives", None)]));
    let ready = row("GET", "/health/ready", "Whether the server can work")
        .answers(vec![reply(200, "It can", None), reply(503, "Not now", None)]);
    live.into_iter().chain([ready]).collect()
}

fn tasks() -> Vec<RouteDoc> {
    const LIST: &str = "/api/{user_id}/tasks";
    const ONE: &str = "/api/{user_id}/tasks/{task_id}";
    let task = || reply(200, "The task", Some("Task"));
    let stale = || reply(412, "The task was changed in the meantime", Some("Detail"));
    let known = || empty(304, "As the client has it");
    let state = || schema(json!({ "type": ["object", "null"], "properties": { "completed": { "type": "boolean" } } }));
    let toggle = |method, path| {
        row(method, path, "Completes or opens a task").of_user().body(state(), false).answers(vec![task(), stale()])
    };
    vec![
        row("GET", LIST, "The tasks, newest first; all of them without a limit, many of them in pieces")
            .of_user()
            .query(list_query())
            .answers(vec![reply(200, "The tasks", Some("Tasks")), known()]),
        row("POST", LIST, "Makes a task").of_user().body(named("NewTask"), true).answers(vec![reply(
            201,
            "The new task",
            Some("Task"),
        )]),
        row("GET", ONE, "A task").of_user().answers(vec![task(), known()]),
        row("PUT", ONE, "Changes a task").of_user().body(named("TaskChanges"), true).answers(vec![task(), stale()]),
        row("PATCH", ONE, "Changes a task").of_user().body(named("TaskChanges"), true).answers(vec![task(), stale()]),
        row("DELETE", ONE, "Deletes a task").of_user().answers(vec![empty(204, "It is gone"), stale()]),
        toggle("PATCH", "/api/{user_id}/tasks/{task_id}/complete"),
        toggle("POST", "/api/{user_id}/tasks/{task_id}/toggle"),
        row("GET", "/api/{user_id}/stats", "How many tasks there are").of_user().answers(vec![reply(
            200,
            "The totals",
            None,
        )]),
    ]
}

fn list_query() -> Vec<(&'static str, Value)> {
    let one_of = |words: &[&str]| json!({ "type": "string", "enum": words });
    let text = "By default times descend and all else ascends; ascending priorities begin with the most urgent.";
    let order = json!({ "type": "string", "enum": ["asc", "desc"], "description": text });
    vec![
        ("status", one_of(&["all", "pending", "completed"])),
        ("priority", one_of(&["low", "medium", "high", "urgent"])),
        ("search", json!({ "type": "string", "maxLength": 200 })),
        ("sort", one_of(&["created", "created_at", "updated", "updated_at", "title", "due_date", "priority"])),
        ("order", order),
        ("limit", json!({ "type": "integer", "minimum": 1, "maximum": 100 })),
        ("offset", json!({ "type": "integer", "minimum": 0 })),
    ]
}

fn data() -> Vec<RouteDoc> {
    let file = |media| ResponseDoc { status: 200, description: "The file", content: Some((media, None)) };
    let since = json!({ "type": "integer", "minimum": 0 });
    let limit = json!({ "type": "integer", "minimum": 1, "maximum": MAX_CHANGES });
    vec![
        row("GET", "/api/{user_id}/changes", "What changed behind a revision")
            .of_user()
            .query(vec![("since", since), ("limit", limit)])
            .answers(vec![reply(200, "The changes", None), reply(410, "Start again from 0", Some("Detail"))]),
        row("GET", "/api/{user_id}/export", "All data as JSON").of_user().answers(vec![file(JSON)]),
        row("GET", "/api/{user_id}/export.ics", "All tasks as iCalendar")
            .of_user()
            .answers(vec![file("text/calendar")]),
        row("POST", "/api/{user_id}/import", "Brings exported data")
            .of_user()
            .query(vec![("dry_run", json!({ "type": "boolean" }))])
            .body(schema(json!({ "type": "object" })), true)
            .answers(vec![reply(200, "What was brought", None)]),
    ]
}

/// The routes of Better Auth's client, whose types are that client's own.
fn auth(method: &'static str, path: &'static str) -> RouteDoc {
    let mut row = row(method, path, "As Better Auth's client expects it");
    row.tag = "auth";
    if path.contains("{token}") {
        row.path_parameters.push(("token", schema(json!({ "type": "string", "minLength": 1 }))));
    }
    let query: &[&str] = match path {
        "/api/auth/error" => &["error"],
        "/api/auth/get-session" => &["disableRefresh"],
        "/api/auth/verify-email" | "/api/auth/delete-user/callback" => &["token", "callbackURL"],
        "/api/auth/reset-password/{token}" => &["callbackURL"],
        _ => &[],
    };
    row = row.query(query.iter().map(|name| (*name, json!({ "type": "string" }))).collect());
    if method == "POST" {
        row = row.body(schema(json!({ "type": "object", "properties": auth_fields(path) })), false);
    }
    if path == "/api/auth/error" {
        return row.answers(vec![ResponseDoc {
            status: 200,
            description: "A page",
            content: Some(("text/html", None)),
        }]);
    }
    let error = |status, description| reply(status, description, Some("AuthError"));
    row.answers(vec![
        reply(200, "Done", None),
        empty(302, "The link leads on"),
        error(400, "The request is not valid"),
        error(401, "No session, or wrong credentials"),
        error(403, "An origin or a link that is not trusted, or a session that is not fresh"),
        error(404, "What a link leads to is not there"),
        error(408, "The body did not arrive in time"),
        error(413, "The body is too large"),
        error(415, "Another media type is needed, or the body is compressed"),
        error(422, "The address is taken"),
        error(429, "Too many requests"),
        error(500, "Our own fault"),
        error(503, "Try again later"),
    ])
}

fn auth_fields(path: &str) -> Value {
    let names: &[&str] = match path.trim_start_matches("/api/auth/") {
        "sign-up/email" => &["name", "email", "password", "image", "callbackURL"],
        "sign-in/email" => &["email", "password", "callbackURL"],
        "sign-in/social" => &["provider"],
        "update-user" => &["name", "image"],
        "change-email" => &["newEmail", "callbackURL"],
        "change-password" => &["currentPassword", "newPassword"],
        "verify-password" => &["password"],
        "unlink-account" => &["accountId"],
        "revoke-session" => &["token"],
        "request-password-reset" => &["email", "redirectTo"],
        "reset-password" => &["newPassword", "token"],
        "send-verification-email" => &["email", "callbackURL"],
        "delete-user" => &["password", "token", "callbackURL"],
        _ => &[],
    };
    names.iter().map(|name| ((*name).to_owned(), json!({ "type": "string" }))).collect()
}
