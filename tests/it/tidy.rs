//! Rules of the code that the compiler does not hold: direction of dependencies, sizes, first lines.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// A module and what it must not mention.
const DIRECTION: [(&str, &[&str]); 12] = [
    ("entity/src", &["serde", "async_graphql", "axum"]),
    ("migration/src", &["entity::id", "entity::label", "entity::list", "entity::task", "entity::user"]),
    ("src/batch", &["crate::", "sqlx", "sea_orm"]),
    ("src/service", &["async_graphql", "axum", "crate::view", "crate::graphql", "crate::rest", "crate::server"]),
    ("src/db", &["async_graphql", "axum", "crate::proof", "crate::service", "crate::view"]),
    ("src/proof", &["async_graphql", "axum", "sqlx", "crate::service", "crate::view"]),
    ("src/view", &["axum", "crate::graphql", "crate::rest", "crate::server", "sea_orm"]),
    ("src/graphql", &["sea_orm", "crate::rest", "crate::server", "sqlx"]),
    ("src/rest", &["sea_orm", "crate::graphql", "crate::server", "sqlx", "async_graphql"]),
    ("src/server", &["sea_orm", "entity::", "sqlx"]),
    ("src/main", &["sea_orm", "entity::", "axum"]),
    ("src/commands", &["sea_orm", "entity::", "axum", "sqlx"]),
];
const MAX_LINES: usize = 400;
/// Words that have a plainer one in the field: API, concurrency limit, mutation, storage, in-flight counter, pool, expired,
/// color, cached, validation error, new task, patch.
const WORDS: [&str; 20] = [
    "door",
    "doors",
    "shed",
    "deed",
    "deeds",
    "cellar",
    "tally",
    "shelf",
    "shelves",
    "lapsed",
    "colour",
    "colours",
    "believed",
    "sought",
    "gathering",
    "draft_of",
    "manner",
    "verdict",
    "hints",
    "untold",
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every Rust file of these folders but those of unit tests, with its path from the root and its text.
fn files(folders: &[&str]) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut left: Vec<PathBuf> = folders.iter().map(|it| root().join(it)).collect();
    while let Some(path) = left.pop() {
        if path.is_dir() {
            left.extend(fs::read_dir(path).unwrap().map(|it| it.unwrap().path()));
        } else if path.extension().is_some_and(|it| it == "rs") && !path.ends_with("tests.rs") {
            let name = path.strip_prefix(root()).unwrap().display().to_string();
            found.push((name, fs::read_to_string(&path).unwrap()));
        }
    }
    assert!(found.len() > 3, "{folders:?}");
    found
}

/// The text without its unit tests and comments.
fn product(text: &str) -> String {
    let code = text.split("#[cfg(test)]").next().unwrap_or_default();
    code.lines().filter(|it| !it.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

/// Whether the word stands in the code, and not as the end of a longer one.
fn mentions(code: &str, word: &str) -> bool {
    code.match_indices(word).any(|(at, _)| !code[..at].ends_with(|it: char| it.is_alphanumeric() || it == '_'))
}

#[test]
fn modules_use_only_what_stands_to_their_left() {
    for (file, text) in files(&["src", "entity/src", "migration/src"]) {
        let code = product(&text);
        for (_, words) in DIRECTION.iter().filter(|(place, _)| file.starts_with(place)) {
            for word in *words {
                assert!(!mentions(&code, word), "{file} mentions {word}");
            }
        }
        if !file.starts_with("src/config") {
            assert!(!code.contains("env::var"), "{file} reads the environment");
        }
        if !["src/db", "src/proof", "migration"].iter().any(|it| file.starts_with(it)) {
            assert!(!code.contains("DbBackend"), "{file} asks which database it is");
        }
    }
}

#[test]
fn files_open_with_a_sentence_and_say_one_thing() {
    for (file, text) in files(&["src", "entity/src", "migration/src", "tests/it"]) {
        assert!(text.starts_with("//! ") || file.ends_with("build.rs"), "{file} does not say what it is");
        let lines = text.lines().count();
        assert!(lines <= MAX_LINES || file.starts_with("tests"), "{file} has {lines} lines");
    }
}

#[test]
fn product_code_neither_panics_nor_hides_code() {
    for (file, text) in files(&["src", "entity/src", "migration/src"]) {
        let code = product(&text);
        // What Debug shows of an error may hold values of users.
        for word in
            ["?cause", "?error", ".unwrap()", ".expect(", "panic!(", "unsafe ", "macro_rules!", "todo!(", "#[allow("]
        {
            assert!(!code.contains(word), "{file} has {word}");
        }
    }
}

#[test]
fn only_the_service_makes_a_current_user() {
    for (file, text) in files(&["src"]) {
        if !file.starts_with("src/service/auth") {
            assert!(!product(&text).contains("CurrentUser {"), "{file} makes a CurrentUser");
        }
    }
}

#[test]
fn an_error_of_a_resolver_cannot_become_a_message_by_itself() {
    let (_, text) = files(&["src"]).into_iter().find(|(file, _)| file == "src/graphql/errors.rs").unwrap();
    assert!(!text.contains("Display for GraphqlError"), "a GraphqlError with Display would send its text to clients");
}

/// Every text of the repository that people read, with its path from the root.
fn texts() -> Vec<(String, String)> {
    let mut found = files(&["src", "entity/src", "tests", "benches", "fuzz/fuzz_targets"]);
    let mut left: Vec<PathBuf> = ["docs", "examples/typed-clients/src"].map(|it| root().join(it)).to_vec();
    left.extend(
        ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md", "schema.graphql", "openapi.json"]
            .map(|it| root().join(it)),
    );
    while let Some(path) = left.pop() {
        if path.is_dir() {
            left.extend(fs::read_dir(path).unwrap().map(|it| it.unwrap().path()));
        } else if path.extension().is_none_or(|it| it != "png") {
            let name = path.strip_prefix(root()).unwrap().display().to_string();
            found.push((name, fs::read_to_string(&path).unwrap()));
        }
    }
    found
}

#[test]
fn words_are_those_of_the_field() {
    for (file, text) in texts().iter().filter(|(file, _)| !file.ends_with("tests/it/tidy.rs")) {
        for (number, line) in text.lines().enumerate() {
            let mut words = line.split(|it: char| !it.is_alphanumeric()).map(str::to_lowercase);
            let word = words.find(|word| WORDS.contains(&word.as_str()));
            assert!(word.is_none(), "{file}:{}: {word:?}", number + 1);
        }
    }
}
