//! The probes of the server in the document, which are no part of this API.

use serde_json::{Value, json};
use utoipa::openapi::{
    ContentBuilder, HttpMethod, ObjectBuilder, PathItem, PathsBuilder, Response, ResponseBuilder,
    path::OperationBuilder,
};

use super::{operations::JSON, text_schema};

/// Their paths.
pub(super) fn paths() -> PathsBuilder {
    let get = |operation: OperationBuilder| PathItem::new(HttpMethod::Get, operation.tag("health").build());
    let live = |id: &str, description: &str| {
        let answer = response("The process is alive.", &json!({ "status": "healthy" }));
        get(described(id, "Check that the process is alive.", description).response("200", answer))
    };
    let ready = json!({ "status": "healthy", "database": "connected" });
    let not_ready = json!({ "status": "unhealthy", "database": "disconnected" });
    let description = "Asks the database too, and says no while the server stops: traffic should go elsewhere then.";
    let ready = described("checkReady", "Check that the server can serve requests.", description)
        .response("200", response("The server can serve requests.", &ready))
        .response("503", response("The server cannot serve requests now.", &not_ready));
    let description = "As `/health/ready`, but yes too while only replicas can be read; writes are refused then.";
    let readable = described("checkReadable", "Check that the server can answer reads.", description)
        .response(
            "200",
            response("The server can answer reads.", &json!({ "status": "healthy", "database": "read-only" })),
        )
        .response("503", response("The server cannot answer reads now.", &not_ready));
    PathsBuilder::new()
        .path(
            "/health",
            live("checkAlive", "Asks nothing of the database: a process that is not alive is to be restarted."),
        )
        .path("/api/health", live("checkApiAlive", "The same as `/health`, where front-ends look for it."))
        .path("/health/ready", get(ready))
        .path("/health/readable", get(readable))
}

fn described(id: &str, summary: &str, description: &str) -> OperationBuilder {
    OperationBuilder::new().operation_id(Some(id)).summary(Some(summary)).description(Some(description))
}

/// A response like that one.
fn response(description: &str, example: &Value) -> Response {
    let word = |description: &str| text_schema().description(Some(description));
    let mut schema = ObjectBuilder::new()
        .property("status", word("Whether it is.").enum_values(Some(["healthy", "unhealthy"])))
        .required("status");
    if let Some(database) = example.get("database") {
        let (meaning, values) = if database == "read-only" {
            ("Whether the database answers, or only replicas do.", ["connected", "read-only"])
        } else {
            ("Whether the database answers.", ["connected", "disconnected"])
        };
        schema = schema
            .property("database", word(meaning).enum_values(Some(values)))
            .property("reason", word("What keeps Docket from working on the database, if something does."))
            .required("database");
    }
    let content = ContentBuilder::new().schema(Some(schema)).example(Some(example.clone()));
    ResponseBuilder::new().description(description).content(JSON, content.build()).build()
}
