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
    /// Whether a title that is too long is cut, and stands whole at the start of the description.
    pub shortens_titles: bool,
}

/// `1=low`: what one word or number means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PriorityRule {
    word: String,
    priority: String,
}

impl FromStr for PriorityRule {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (word, name) = text.rsplit_once('=').ok_or("must be a word or number, = and a priority, such as 1=low")?;
        let priority = name.trim().to_lowercase();
        if !rest::is_priority(&priority) {
            return Err("the priority must be low, medium, high or urgent");
        }
        Ok(Self { word: word.trim().to_lowercase(), priority })
    }
}

impl FromIterator<PriorityRule> for BTreeMap<String, String> {
    fn from_iter<T: IntoIterator<Item = PriorityRule>>(rules: T) -> Self {
        rules.into_iter().map(|it| (it.word, it.priority)).collect()
    }
}

impl Rules {
    /// Puts what Docket can take in the place of what it cannot, in the body that would make a task.
    pub(super) fn apply(&self, body: &mut Map<String, Value>) {
        let meant = body.get("priority").and_then(|it| self.priorities.get(&word(it)));
        if let Some(priority) = meant {
            body.insert("priority".to_owned(), priority.clone().into());
        }
        if self.shortens_titles && has_long_title(body) {
            shorten_title(body);
        }
    }
}

/// What a priority is called there.
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
