//! The examples of docs/graphql.md, each executed as it stands.

use serde_json::{Value, json};

use crate::support::App;

const GUIDE: &str = include_str!("../../docs/graphql.md");

/// An example of the guide.
struct Example {
    document: String,
    variables: Value,
    /// The code of the error that it shows, if it shows one.
    code: Option<String>,
}

/// The fenced blocks: the language with what follows it, and the text.
fn blocks() -> Vec<(&'static str, &'static str)> {
    let fenced = GUIDE.split("\n```").skip(1).step_by(2);
    fenced.map(|block| block.split_once('\n').unwrap()).collect()
}

/// The documents, each with the variables of the JSON behind it.
fn examples() -> Vec<Example> {
    let mut examples: Vec<Example> = Vec::new();
    for (language, text) in blocks() {
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
