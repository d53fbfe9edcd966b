//! What becomes of values that a task of Docket cannot have.

use std::{collections::BTreeMap, str::FromStr};

use serde_json::{Map, Value};

use crate::{rest, service::tasks::MAX_TITLE};

/// What stands where a title was cut.
const CUT: &str = "…";

/// What whoever runs `docket adopt` has decided.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    /// Whether rows are left behind that cannot be taken.
    pub skips_invalid: bool,
    /// The priority of Docket that a word or number means.
    pub priorities: BTreeMap<String, String>,
    /// The state of a task, `completed` or `pending`, that a word means.
    pub states: BTreeMap<String, String>,
    /// Whether a title that is too long is cut, and stands whole at the start of the description.
    pub shortens_titles: bool,
}

/// `1=low`: the priority that one word or number means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PriorityRule(String, String);

/// `cancelled=completed`: the state that one word means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusRule(String, String);

impl FromStr for PriorityRule {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (word, priority) = pair(text).ok_or("must be a word or number, = and a priority, such as 1=low")?;
        match rest::is_priority(&priority) {
            true => Ok(Self(word, priority)),
            false => Err("the priority must be low, medium, high or urgent"),
        }
    }
}

impl FromStr for StatusRule {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (word, state) = pair(text).ok_or("must be a word, = and a state, such as cancelled=completed")?;
        match state.as_str() {
            "completed" | "pending" => Ok(Self(word, state)),
            _ => Err("the state must be completed or pending"),
        }
    }
}

/// What stands on both sides of the last `=`.
fn pair(text: &str) -> Option<(String, String)> {
    let (word, meaning) = text.rsplit_once('=')?;
    Some((word.trim().to_lowercase(), meaning.trim().to_lowercase()))
}

impl FromIterator<PriorityRule> for BTreeMap<String, String> {
    fn from_iter<T: IntoIterator<Item = PriorityRule>>(rules: T) -> Self {
        rules.into_iter().map(|PriorityRule(word, meaning)| (word, meaning)).collect()
    }
}

impl FromIterator<StatusRule> for BTreeMap<String, String> {
    fn from_iter<T: IntoIterator<Item = StatusRule>>(rules: T) -> Self {
        rules.into_iter().map(|StatusRule(word, meaning)| (word, meaning)).collect()
    }
}

impl Rules {
    /// Puts what Docket can take in the place of what it cannot, in the body that would make a task.
    pub(super) fn apply(&self, body: &mut Map<String, Value>) {
        for (name, meanings) in [("priority", &self.priorities), ("status", &self.states)] {
            let meant = body.get(name).and_then(|it| meanings.get(&word(it))).cloned();
            if let Some(meant) = meant {
                body.insert(name.to_owned(), meant.into());
            }
        }
        if self.shortens_titles && has_long_title(body) {
            shorten_title(body);
        }
    }
}

/// What a priority or state is called there.
fn word(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), |it| it.trim().to_lowercase())
}

/// Whether the title is longer than a task's may be.
pub(super) fn has_long_title(body: &Map<String, Value>) -> bool {
    title(body).is_some_and(|it| it.chars().count() > MAX_TITLE)
}

fn title(body: &Map<String, Value>) -> Option<&str> {
    body.get("title").and_then(Value::as_str).map(str::trim)
}

fn shorten_title(body: &mut Map<String, Value>) {
    let Some(whole) = title(body).map(str::to_owned) else { return };
    let start: String = whole.chars().take(MAX_TITLE - CUT.chars().count()).collect();
    let description = match body.get("description").and_then(Value::as_str).filter(|it| !it.trim().is_empty()) {
        Some(description) => format!("{whole}\n\n{description}"),
        None => whole,
    };
    body.insert("title".to_owned(), format!("{}{CUT}", start.trim_end()).into());
    body.insert("description".to_owned(), description.into());
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{PriorityRule, Rules};

    #[test]
    fn a_long_title_is_cut_and_stands_whole_in_the_description() {
        let rules = Rules { shortens_titles: true, ..Rules::default() };
        let long = "wörd ".repeat(50);
        let mut body = json!({ "title": long, "description": "more" }).as_object().cloned().unwrap();
        rules.apply(&mut body);
        let title = body["title"].as_str().unwrap();
        assert!(title.chars().count() <= 200 && title.ends_with('…') && long.starts_with(title.trim_end_matches('…')));
        assert_eq!(body["description"], format!("{}\n\nmore", long.trim()));
        let mut short = json!({ "title": "a".repeat(200) }).as_object().cloned().unwrap();
        let before = short.clone();
        rules.apply(&mut short);
        assert_eq!(short, before);
    }

    #[test]
    fn a_priority_is_what_the_rule_says_of_its_word_or_number() {
        let rules = ["1=low", "5 = urgent", "Ganz wichtig=high"].map(|it| it.parse::<PriorityRule>().unwrap());
        let rules = Rules { priorities: rules.into_iter().collect(), ..Rules::default() };
        for (value, meant) in [(json!(1), "low"), (json!("5"), "urgent"), (json!("ganz WICHTIG "), "high")] {
            let mut body = json!({ "priority": value }).as_object().cloned().unwrap();
            rules.apply(&mut body);
            assert_eq!(body["priority"], meant);
        }
        assert!("1".parse::<PriorityRule>().is_err() && "1=best".parse::<PriorityRule>().is_err());
    }
}
