//! The examples of the guides: documents are executed as they stand, and what is TypeScript is a part of the examples
//! that tests/run executes.

use std::{fs, path::Path};

use serde_json::{Value, json};

use crate::support::{Answer, App};

const GUIDE: &str = include_str!("../../docs/graphql.md");
const FRONT_ENDS: &str = include_str!("../../docs/frontend.md");
const APP: &str = include_str!("../../examples/web/README.md");

/// An example of the guide.
struct Example {
    document: String,
    variables: Value,
    /// The code of the error that it shows, if it shows one.
    code: Option<String>,
}

/// The fenced blocks: the language with what follows it, and the text.
fn blocks(guide: &'static str) -> Vec<(&'static str, &'static str)> {
    let fenced = guide.split("\n```").skip(1).step_by(2);
    fenced.map(|block| block.split_once('\n').unwrap()).collect()
}

/// The documents, each with the variables of the JSON behind it.
fn examples() -> Vec<Example> {
    let mut examples: Vec<Example> = Vec::new();
    for (language, text) in blocks(GUIDE) {
        if let Some(rest) = language.strip_prefix("graphql") {
            let code = rest.trim().strip_prefix("error=").map(str::to_owned);
            examples.push(Example { document: text.to_owned(), variables: json!({}), code });
        } else if language == "json" {
            examples.last_mut().unwrap().variables = serde_json::from_str(text).unwrap();
        }
    }
    examples
}

#[tokio::test]
async fn every_example_of_the_guide_does_what_it_says() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    let examples = examples();
    assert!(examples.len() > 6, "the guide has {} examples", examples.len());
    for Example { document, variables, code } in examples {
        let answer = app.graphql(&ann, &document, variables).await;
        match code {
            Some(code) => assert_eq!(answer.code(), code, "{document}"),
            None => drop(answer.data()),
        }
    }
    let stored = app.graphql(&ann, "{ tasks(order: { by: TITLE }) { nodes { title } } }", json!({})).await.data();
    assert_eq!(stored["tasks"]["nodes"], json!([{ "title": "Buy bread" }, { "title": "Water the plants" }]));
}

/// A browser of tests/run executes them with their variables; here they have none.
#[tokio::test]
async fn the_examples_of_the_playground_fit_the_schema() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("playground/examples");
    let documents: Vec<_> =
        fs::read_dir(folder).unwrap().map(|it| fs::read_to_string(it.unwrap().path()).unwrap()).collect();
    assert!(documents.len() >= 10, "{} examples", documents.len());
    for document in documents {
        let (_, after) = document.split_once("\nmutation ").or(document.split_once("\nquery ")).unwrap_or_default();
        let name = after.split(|it: char| !it.is_alphanumeric()).next();
        let name = name.filter(|it| !it.is_empty());
        let body = json!({ "query": document, "operationName": name });
        let answer = Answer::of(app.request("POST", "/graphql").bearer_auth(&ann.token).json(&body)).await;
        let code = answer.json()["errors"][0]["extensions"]["code"].as_str().map(str::to_owned);
        let lacks_variables = document.contains('$') && code.as_deref() == Some("BAD_USER_INPUT");
        let is_stream = document.contains("\nsubscription ");
        assert!(code.is_none() || lacks_variables || is_stream, "{document}: {answer:?}");
        assert!(!answer.text.contains("GRAPHQL_VALIDATION_FAILED"), "{document}: {answer:?}");
    }
}

/// The text of all files in the folder that are TypeScript, but for packages and what is generated.
fn type_script(folder: &Path) -> String {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let text = |path: std::path::PathBuf| match path.extension() {
        Some(extension) if extension == "ts" => fs::read_to_string(&path).unwrap(),
        _ if path.is_dir() && !path.ends_with("node_modules") && !path.ends_with("gql") => type_script(&path),
        _ => String::new(),
    };
    entries.map(text).collect()
}

/// The lines without what is around them.
fn trimmed(text: &str) -> String {
    text.lines().map(str::trim).filter(|line| !line.is_empty()).map(|line| format!("{line}\n")).collect()
}

#[test]
fn what_is_type_script_in_the_guides_is_a_part_of_the_examples() {
    let examples = trimmed(&type_script(Path::new("examples")));
    let blocks = [GUIDE, FRONT_ENDS, APP].into_iter().flat_map(blocks).filter(|(language, _)| *language == "ts");
    let blocks: Vec<_> = blocks.collect();
    assert!(blocks.len() > 6, "the guides have {} examples", blocks.len());
    for (_, text) in blocks {
        assert!(examples.contains(&trimmed(text)), "no example has\n{text}");
    }
}

/// Programs that run commands of documents, which they take by `tests/block DOCUMENT WORDS`.
const PROGRAMS: [&str; 5] =
    ["tests/commands", "tests/release", "tests/image", "tests/deploy", "tests/takeover/family.test.js"];

/// Commands that no test runs, and what they need.
const NOT_RUN: [(&str, &str); 5] = [
    ("tests/run", "it runs the tests"),
    ("cargo bench", "it takes a quarter of an hour"),
    ("compose.yaml up", "images of PostgreSQL and nginx; tests/deploy runs its files by themselves"),
    ("compose.yaml stop", "the same; tests/deploy dumps and restores"),
    ("fly deploy", "accounts at Fly, Render and Railway"),
];

/// The documents, and the words by which programs name blocks of them.
fn blocks_that_are_run() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut named = Vec::new();
    for program in PROGRAMS {
        let text = fs::read_to_string(root.join(program)).unwrap();
        for (at, end) in text.match_indices(".md") {
            let start = text[..at].rfind([' ', '"', '[']).map_or(0, |it| it + 1);
            let rest = text[at + end.len()..].trim_start_matches(['"', ',', ' ']);
            let words = match rest.strip_prefix('\'') {
                Some(quoted) => quoted.split('\'').next(),
                None => rest.split(['"', ')', '\n']).next(),
            };
            named.push((format!("{}.md", &text[start..at]), words.unwrap().to_owned()));
        }
    }
    named
}

#[test]
fn every_block_of_commands_is_run() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let guides = fs::read_dir(root.join("docs")).unwrap().map(|it| it.unwrap().path());
    let guides = guides.filter(|it| it.extension().is_some_and(|it| it == "md")).collect::<Vec<_>>();
    let documents = guides.into_iter().chain([root.join("README.md")]);
    let run = blocks_that_are_run();
    let mut not_run = NOT_RUN.to_vec();
    for path in documents {
        let name = path.strip_prefix(root).unwrap().to_str().unwrap();
        let document: &'static str = fs::read_to_string(&path).unwrap().leak();
        for (_, commands) in blocks(document).into_iter().filter(|(language, _)| *language == "sh") {
            let known = run.iter().any(|(of, words)| of == name && !words.is_empty() && commands.contains(words));
            let before = not_run.len();
            not_run.retain(|(words, _)| !commands.contains(words));
            assert!(known || not_run.len() < before, "no test runs these commands of {name}:\n{commands}");
        }
    }
    assert_eq!(not_run, [], "these are in no document");
}
