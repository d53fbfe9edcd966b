//! Any text as a GraphQL document, with any JSON behind its last NUL as variables: the front, the executor, the writer.
#![no_main]

use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;
use serde_json::{Value, json};
use stage::{Stage, post};

static STAGE: OnceLock<Stage> = OnceLock::new();

fuzz_target!(|text: &str| {
    let (document, variables) = text.rsplit_once('\0').unwrap_or((text, "{}"));
    let variables: Value = serde_json::from_str(variables).unwrap_or_default();
    let body = json!({ "query": document, "variables": variables });
    let (_, answer) = STAGE.get_or_init(Stage::new).send(post("/graphql", body.to_string().into_bytes()));
    // A subscription may be refused, and is no JSON when it is not.
    if let Ok(answer) = serde_json::from_slice::<Value>(&answer) {
        let errors = answer["errors"].as_array().map(Vec::as_slice).unwrap_or_default();
        for error in errors {
            assert_ne!(error["extensions"]["code"], "INTERNAL_SERVER_ERROR", "{answer}");
            assert!(error["extensions"]["code"].is_string(), "{answer}");
        }
    }
});
