//! What clients generate code from. `UPDATE=1 cargo test` rewrites the files; read the difference before you commit it.

use std::{collections::BTreeSet, env, fs, path::Path};

use crate::support::{Answer, App, text};

/// A file of the repository is that text.
pub fn assert_pinned(file: &str, text: &str) {
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
fn the_settings_in_the_documents_are_those_that_there_are() {
    let document = include_str!("../../docs/settings.md");
    let (start, rest) = document.split_once(" -->\n").unwrap();
    let (_, end) = rest.split_once("<!-- Their end -->").unwrap();
    let tables = docket::config::reference::markdown();
    assert_pinned("docs/settings.md", &format!("{start} -->\n\n{tables}<!-- Their end -->{end}"));
    // What the README has of them is a part of that.
    let readme = include_str!("../../README.md").split("## Settings").nth(1).unwrap();
    let rows = readme.lines().take_while(|line| !line.starts_with("## ")).filter(|line| line.starts_with("| `"));
    let names: Vec<&str> =
        rows.flat_map(|row| row.split(" | ").next().unwrap().split('`').skip(1).step_by(2)).collect();
    assert!(names.len() > 5 && names.iter().all(|name| tables.contains(&format!("| `{name}` |"))), "{names:?}");
}

#[tokio::test]
async fn every_operation_of_the_openapi_document_is_served_and_described() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    let document = serde_json::to_value(docket::rest::openapi::document()).unwrap();
    let mut ids = BTreeSet::new();
    for (template, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let name = format!("{method} {template}");
            assert!(text(&operation["summary"]).ends_with('.'), "{name} has no summary");
            assert!(operation["responses"].as_object().is_some_and(|it| !it.is_empty()), "{name} has no responses");
            assert!(ids.insert(text(&operation["operationId"])), "{name} has the id of another operation");
            let path = template.replace("{user_id}", &ann.id).replace("{task_id}", "1").replace("{token}", "x");
            let request = app.request(&method.to_uppercase(), &path).bearer_auth(&ann.token);
            let answer = Answer::of(request).await;
            assert!(answer.status != 405 && !answer.text.contains("Not Found"), "{name} is not served: {answer:?}");
        }
    }
    let served = docket::rest::endpoints().len()
        + docket::rest::auth::endpoints().len()
        + docket::rest::compat::endpoints().len();
    // Besides them the document has four probes.
    assert_eq!(ids.len(), served + 4);
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
            // Arguments that stand in the line of their field have no description.
            let has_plain_arguments = line.contains('(') && !line.ends_with('(') && !line.starts_with("scalar");
            assert!(!has_plain_arguments, "an argument without a description: {line}");
            assert!(is_described || line.starts_with("\"\"\""), "no description: {line}");
            is_described = line.starts_with("\"\"\"");
        }
    }
}

/// Words in capitals that are no codes of errors.
const NO_CODES: [&str; 1] = ["OUT_DIR"];

#[test]
fn every_code_of_an_error_is_in_the_schema() {
    let sdl = docket::graphql::sdl();
    let (_, rest) = sdl.split_once("enum ErrorCode {").unwrap();
    let listed: BTreeSet<_> = rest.split('}').next().unwrap().lines().map(str::trim).filter(|it| is_code(it)).collect();
    let mut left = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src/graphql")];
    let mut texts = vec![fs::read_to_string("src/error/table.rs").unwrap()];
    while let Some(path) = left.pop() {
        if path.is_dir() {
            left.extend(fs::read_dir(path).unwrap().map(|it| it.unwrap().path()));
        } else {
            texts.push(fs::read_to_string(path).unwrap());
        }
    }
    let product = |text: &String| text.split("#[cfg(test)]").next().unwrap_or_default().to_owned();
    let code: String = texts.iter().map(product).collect();
    let sent: BTreeSet<_> = code.split('"').filter(|it| is_code(it) && !NO_CODES.contains(it)).collect();
    assert_eq!(sent, listed);
}

/// Whether this has the form of a code; names of methods are shorter.
fn is_code(text: &str) -> bool {
    text.len() > 6 && text.bytes().all(|it| it.is_ascii_uppercase() || it == b'_')
}
