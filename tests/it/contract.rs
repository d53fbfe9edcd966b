//! What clients generate code from. `UPDATE=1 cargo test` rewrites the files; read the difference before you commit it.

use std::{env, fs, path::Path};

fn assert_pinned(file: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    if env::var_os("UPDATE").is_some() {
        fs::write(&path, text).unwrap();
    }
    let pinned = fs::read_to_string(&path).unwrap_or_default();
    assert!(pinned == text, "{file} is not what the code says; UPDATE=1 cargo test rewrites it");
}

#[test]
fn the_openapi_document_is_the_one_in_the_repository() {
    let document = docket::rest::openapi::document().to_pretty_json().unwrap();
    assert_pinned("openapi.json", &format!("{document}\n"));
}

#[test]
fn every_route_is_in_the_openapi_document() {
    let document = serde_json::to_value(docket::rest::openapi::document()).unwrap();
    let task_routes =
        docket::rest::PATHS.into_iter().flat_map(|(path, methods)| methods.iter().map(move |it| (*it, path)));
    for (method, path) in task_routes.chain(docket::rest::auth::PATHS) {
        let operation = &document["paths"][path][method.to_lowercase()];
        assert!(operation["responses"].is_object(), "{method} {path} is not in the document");
    }
    assert_eq!(document["openapi"], "3.1.0");
}

#[test]
fn the_graphql_schema_is_the_one_in_the_repository() {
    assert_pinned("schema.graphql", &docket::graphql::sdl());
}

/// Lines of the schema that carry no description of their own.
const NOT_DESCRIBED: [&str; 7] = ["}", ")", "schema", "directive", "query:", "mutation:", "subscription:"];

#[test]
fn everything_in_the_schema_is_described() {
    let sdl = docket::graphql::sdl();
    let lines: Vec<_> = sdl.lines().collect();
    let (mut is_described, mut in_text) = (false, false);
    for line in lines.into_iter().map(str::trim) {
        if line == "\"\"\"" {
            in_text = !in_text;
            is_described = true;
        } else if in_text {
            continue;
        } else if line.is_empty() || NOT_DESCRIBED.iter().any(|start| line.starts_with(start)) {
            is_described = false;
        } else {
            assert!(is_described || line.starts_with("\"\"\""), "no description: {line}");
            is_described = line.starts_with("\"\"\"");
        }
    }
}
