//! Limits of GraphQL requests.

use std::{collections::HashSet, str::FromStr};

/// Limits of the GraphQL API. A request beyond one is refused with its name in `extensions.limit`.
/// See docs/contracts/graphql-http.md#limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// `tokens`: how many lexical tokens a document has at most.
    pub tokens: usize,
    /// `recursion`: how deep selections, lists and objects of a document may be nested for the parser.
    pub recursion: usize,
    /// `depth`: how deep fields may be nested, fragments expanded.
    pub depth: usize,
    /// `fields`: how many fields an operation may select, fragments expanded.
    pub fields: usize,
    /// `cost`: how many fields the answer may have, each list counted as often as it may have rows.
    pub cost: usize,
    /// `rows`: how many rows a list counts for that does not say how many it gives.
    pub rows: usize,
    /// `root_fields`: how many fields the root of a query may have.
    pub root_fields: usize,
    /// `mutations`: how many fields the root of a mutation may have.
    pub mutations: usize,
    /// `errors`: how many errors an answer has at most.
    pub errors: usize,
    /// `body`: how many bytes the body of a request may have.
    pub body: usize,
    /// `batch`: how many operations one request may bring; 0 refuses batches.
    pub batch: usize,
    /// `seconds`: how long an operation may take.
    pub seconds: usize,
    /// `message`: how many bytes a message of a WebSocket may have.
    pub message: usize,
    /// `operations`: how many operations one WebSocket may have at a time.
    pub operations: usize,
    /// `streams`: how many WebSockets and event streams one user may have open on this instance.
    pub streams: usize,
}

/// How many seconds an operation may have at most.
const MAX_SECONDS: usize = 600;
/// How many characters of a name that is not known an error shows.
const MAX_SHOWN: usize = 40;
/// The names of all limits.
const LIMITS: [&str; 15] = [
    "tokens",
    "recursion",
    "depth",
    "fields",
    "cost",
    "rows",
    "root_fields",
    "mutations",
    "errors",
    "body",
    "batch",
    "seconds",
    "message",
    "operations",
    "streams",
];

impl Default for Limits {
    fn default() -> Self {
        Self {
            tokens: 5000,
            recursion: 64,
            depth: 15,
            fields: 2000,
            cost: 25_000,
            rows: 20,
            root_fields: 100,
            mutations: 20,
            errors: 20,
            body: 1 << 20,
            batch: 0,
            seconds: 10,
            message: 64 << 10,
            operations: 100,
            streams: 100,
        }
    }
}

impl FromStr for Limits {
    type Err = String;

    /// Reads `cost=40000, depth=10`: what is not named keeps its default. With none of most of them every request would
    /// fail, or with no rows lists would cost nothing.
    fn from_str(text: &str) -> Result<Self, String> {
        let mut limits = Self::default();
        pairs(text, |name, number| {
            let limit = limits.named(name).ok_or_else(|| unknown(name, &LIMITS))?;
            let least = usize::from(!matches!(name, "batch" | "mutations" | "streams"));
            let bounds = least..=if name == "seconds" { MAX_SECONDS } else { usize::MAX };
            *limit = number.parse().ok().filter(|number| bounds.contains(number)).ok_or_else(|| {
                let most = if name == "seconds" { format!(" to {MAX_SECONDS}") } else { String::new() };
                format!("; {name} must be a number from {least}{most}")
            })?;
            Ok(())
        })?;
        Ok(limits)
    }
}

impl Limits {
    /// How they are written.
    pub(super) const FORM: &str = "names and numbers such as cost=40000";

    /// The limits of requests that show no user: enough to explore the schema, and read in less than a millisecond.
    #[must_use]
    pub fn for_anonymous(self) -> Self {
        Self { tokens: self.tokens.min(500), fields: self.fields.min(500), body: self.body.min(64 << 10), ..self }
    }

    fn named(&mut self, name: &str) -> Option<&mut usize> {
        Some(match name {
            "tokens" => &mut self.tokens,
            "recursion" => &mut self.recursion,
            "depth" => &mut self.depth,
            "fields" => &mut self.fields,
            "cost" => &mut self.cost,
            "rows" => &mut self.rows,
            "root_fields" => &mut self.root_fields,
            "mutations" => &mut self.mutations,
            "errors" => &mut self.errors,
            "body" => &mut self.body,
            "batch" => &mut self.batch,
            "seconds" => &mut self.seconds,
            "message" => &mut self.message,
            "operations" => &mut self.operations,
            "streams" => &mut self.streams,
            _ => return None,
        })
    }
}

/// Hands over each pair of a text such as `cost=40000, depth=10`, in which no name is there twice. An error is what
/// follows the form that the text should have.
pub(super) fn pairs(text: &str, mut set: impl FnMut(&str, &str) -> Result<(), String>) -> Result<(), String> {
    let mut names = HashSet::new();
    for pair in parts(text).ok_or_else(|| ", with one comma between".to_owned())? {
        let (name, number) = pair.split_once('=').ok_or_else(|| format!("; {} has no number", shown(pair)))?;
        if !names.insert(name.trim()) {
            return Err(format!("; {} is there twice", shown(name.trim())));
        }
        set(name.trim(), number.trim())?;
    }
    Ok(())
}

/// What is said about a name that is none of those that there are.
pub(super) fn unknown(name: &str, known: &[&str]) -> String {
    format!("; {} is none of {}", shown(name), known.join(", "))
}

/// As much of a name as an error shows.
pub(super) fn shown(name: &str) -> String {
    name.chars().take(MAX_SHOWN).collect()
}

/// The parts of a list with commas between; none if one of them is empty.
pub(super) fn parts(text: &str) -> Option<Vec<&str>> {
    let parts: Vec<&str> = text.split(',').map(str::trim).collect();
    parts.iter().all(|part| !part.is_empty()).then_some(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn named_limits_change_and_the_others_stay() {
        let limits: Limits = "cost=40000, depth=10".parse().unwrap();
        assert_eq!(limits, Limits { cost: 40_000, depth: 10, ..Limits::default() });
        for zero in ["batch=0", "mutations=0", "streams=0"] {
            assert!(zero.parse::<Limits>().is_ok(), "{zero}");
        }
        for zero in ["tokens=0", "depth=0", "fields=0", "cost=0", "rows=0", "body=0", "seconds=0", "operations=0"] {
            let name = zero.trim_end_matches("=0");
            assert!(
                zero.parse::<Limits>().unwrap_err().starts_with(&format!("; {name} must be a number from 1")),
                "{zero}"
            );
        }
        for (wrong, said) in [
            ("cost", "; cost has no number"),
            ("cost=-1", "; cost must be a number from 1"),
            ("seconds=601", "; seconds must be a number from 1 to 600"),
            ("cost=1, speed=1", "; speed is none of tokens, "),
            ("cost=1;depth=2", "; cost must be a number"),
            ("cost=1,", ", with one comma between"),
            (",cost=1", ", with one comma between"),
            ("cost=1,,depth=2", ", with one comma between"),
            ("cost=1, cost=2", "; cost is there twice"),
        ] {
            assert!(wrong.parse::<Limits>().unwrap_err().starts_with(said), "{wrong}");
        }
        for name in LIMITS {
            assert!(format!("{name}=1").parse::<Limits>().is_ok(), "{name}");
        }
    }
}
