//! Links and citations: each leads to a file of this repository, and to a heading that is there.

use std::{
    collections::{BTreeMap, HashMap},
    fs,
    path::{Component, Path, PathBuf},
};

/// The texts that may cite, by their path from the root. This file is none of them: it has examples of what is wrong.
type Texts = BTreeMap<PathBuf, String>;

/// What is not of this repository: builds and packages.
const FOREIGN: [&str; 2] = ["target", "node_modules"];
/// How texts cited before, without a link.
const OLD_FORMS: [&str; 2] = ["contracts:", "(contract "];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn texts() -> Texts {
    let mut found = Texts::new();
    let mut folders = vec![root().to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
            let (path, name) = (entry.path(), entry.file_name().display().to_string());
            if name.starts_with('.') || FOREIGN.contains(&name.as_str()) {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
            } else if may_cite(&path) && !path.ends_with(file!()) {
                let text = fs::read_to_string(&path).unwrap();
                found.insert(path.strip_prefix(root()).unwrap().to_owned(), text);
            }
        }
    }
    found
}

fn may_cite(path: &Path) -> bool {
    let extension = path.extension().unwrap_or_default();
    path.ends_with("Cargo.toml") || ["rs", "md", "graphql"].iter().any(|it| extension == *it)
}

/// Every document that is named from the root, such as `docs/security.md#access`, wherever it stands.
fn citations(text: &str) -> Vec<&str> {
    let is_of_name = |it: char| it.is_ascii_alphanumeric() || "/._-".contains(it);
    text.match_indices("docs/")
        .filter(|(at, _)| !text[..*at].ends_with(is_of_name))
        .map(|(at, _)| {
            let name = text[at..].split(|it| !is_of_name(it) && it != '#').next().unwrap();
            name.trim_end_matches(['.', '#'])
        })
        .filter(|name| name.split('#').next().unwrap().ends_with(".md"))
        .collect()
}

/// The text of a Markdown document without its code.
fn prose(markdown: &str) -> String {
    let mut is_code = false;
    let mut prose = String::new();
    for line in markdown.lines() {
        if line.trim_start().starts_with("```") {
            is_code = !is_code;
        } else if !is_code {
            // What stands between two backticks is code as well.
            prose.extend(line.split('`').step_by(2));
        }
        prose.push('\n');
    }
    prose
}

/// Where the links of a Markdown document lead to within the repository.
fn links(markdown: &str) -> Vec<String> {
    let prose = prose(markdown);
    let targets = prose.split("](").skip(1).filter_map(|rest| Some(rest.split_once(')')?.0));
    targets.filter(|it| !it.contains("://") && !it.starts_with("mailto:")).map(str::to_owned).collect()
}

/// The anchors of a Markdown document's headings, as GitHub makes them.
fn anchors(markdown: &str) -> Vec<String> {
    let mut is_code = false;
    let mut seen: HashMap<String, usize> = HashMap::new();
    let mut anchors = Vec::new();
    for line in markdown.lines() {
        is_code ^= line.trim_start().starts_with("```");
        let heading = line.trim_start_matches('#');
        let level = line.len() - heading.len();
        if is_code || !(1..=6).contains(&level) || !heading.starts_with(' ') {
            continue;
        }
        let slug = slug(heading);
        let times = seen.entry(slug.clone()).or_default();
        anchors.push(if *times == 0 { slug } else { format!("{slug}-{times}") });
        *times += 1;
    }
    anchors
}

fn slug(heading: &str) -> String {
    let kept = heading.trim().chars().filter(|it| it.is_alphanumeric() || " -_".contains(*it));
    kept.map(|it| if it == ' ' { '-' } else { it }).flat_map(char::to_lowercase).collect()
}

/// The path without its `.` and `..`.
fn normalised(path: &Path) -> PathBuf {
    path.components().fold(PathBuf::new(), |mut path, component| {
        match component {
            Component::ParentDir => drop(path.pop()),
            Component::CurDir => {}
            other => path.push(other),
        }
        path
    })
}

/// Why a link that stands in a file leads nowhere, if it does. Its path begins at `from`.
fn problem(texts: &Texts, file: &Path, from: &Path, link: &str) -> Option<String> {
    let (path, anchor) = link.split_once('#').map_or((link, None), |(path, anchor)| (path, Some(anchor)));
    let target = if path.is_empty() { file.to_owned() } else { normalised(&from.join(path)) };
    let name = file.display();
    if !texts.contains_key(&target) && !root().join(&target).exists() {
        return Some(format!("{name}: {link}: there is no such file"));
    }
    let anchor = anchor?;
    let has_heading = texts.get(&target).is_some_and(|text| anchors(text).iter().any(|it| it == anchor));
    (!has_heading).then(|| format!("{name}: {link}: there is no such heading"))
}

fn problems(texts: &Texts) -> Vec<String> {
    let mut problems = Vec::new();
    for (file, text) in texts {
        let folder = file.parent().unwrap();
        let cited = citations(text).into_iter().filter_map(|it| problem(texts, file, Path::new(""), it));
        problems.extend(cited);
        if file.extension().is_some_and(|it| it == "md") {
            problems.extend(links(text).iter().filter_map(|it| problem(texts, file, folder, it)));
        }
        let old = OLD_FORMS.iter().filter(|it| text.contains(**it));
        problems.extend(old.map(|it| format!("{}: \"{it}\" cites no heading", file.display())));
    }
    problems
}

#[test]
fn every_citation_and_link_leads_to_a_file_and_a_heading_that_are_there() {
    let texts = texts();
    let cited: usize = texts.values().map(|text| citations(text).len()).sum();
    assert!(texts.len() > 200 && cited > 60, "{} files with {cited} citations", texts.len());
    assert_eq!(problems(&texts), [""; 0]);
}

#[test]
fn citations_and_links_that_lead_nowhere_are_found() {
    let cited = "# One\n## Two words\n## `a_b`, (c)!\n## Two words\n```\n# code\n```\n";
    assert_eq!(anchors(cited), ["one", "two-words", "a_b-c", "two-words-1"]);
    for (file, text, is_good) in [
        ("b.rs", "//! See docs/a.md#two-words.", true),
        ("b.rs", "// (docs/a.md), docs/a.md#one and docs/a.md#a_b-c", true),
        ("b.rs", "// https://example.com/docs/a.md#none, /docs/none.md, docs/none", true),
        ("b.rs", "// docs/a.md#three", false),
        ("b.rs", "// docs/a.md#Two", false),
        ("b.rs", "// docs/a.md#code", false),
        ("b.rs", "// docs/none.md", false),
        ("b.rs", "// (contracts: a, 1)", false),
        ("docs/b.md", "[a](a.md#one) [a](../docs/a.md) [a](https://example.com/#x) `[a](none)`", true),
        ("docs/b.md", "# Own\n[a](#own)", true),
        ("docs/b.md", "# Own\n[a](#other)", false),
        ("docs/b.md", "[a](a.md#none)", false),
        ("docs/b.md", "[a](docs/a.md)", false),
        ("docs/b.md", "![a](none.svg)", false),
        ("docs/b.md", "Named in `docs/none.md`", false),
    ] {
        let texts = [("docs/a.md", cited), (file, text)].map(|(file, text)| (file.into(), text.to_owned()));
        let found = problems(&texts.into());
        assert_eq!(found.is_empty(), is_good, "{file}: {text}: {found:?}");
    }
}
