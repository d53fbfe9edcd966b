//! Values that lists, labels and tasks share. Holding one is the proof that it keeps the rules.

use entity::text::{is_blank, name_key};
use uuid::Uuid;

use crate::error::ValidationError;

/// How many characters the name of a list has at most.
const MAX_LIST_NAME: usize = 100;
/// How many characters the name of a label has at most.
const MAX_LABEL_NAME: usize = 30;

/// The name of a list: 1 to 100 characters, without white space around.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListName(String);

/// The name of a label: 1 to 30 characters, without white space around. Names that look the same are the same.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct LabelName(String);

/// A color as `#rrggbb`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Color(String);

/// Text of some length of which something is seen, trimmed.
pub(super) fn trimmed(text: &str, most: usize) -> Result<String, ValidationError> {
    if text.is_empty() {
        return Err(ValidationError::Empty);
    }
    let text = text.trim();
    match text.chars().count() {
        _ if is_blank(text) => Err(ValidationError::Blank),
        _ if text.contains('\0') => Err(ValidationError::Nul),
        count if count > most => Err(ValidationError::TooLong(most)),
        _ => Ok(text.to_owned()),
    }
}

impl ListName {
    /// Trims and checks the text.
    pub fn parse(text: &str) -> Result<Self, ValidationError> {
        trimmed(text, MAX_LIST_NAME).map(Self)
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl LabelName {
    /// Trims and checks the text.
    pub fn parse(text: &str) -> Result<Self, ValidationError> {
        trimmed(text, MAX_LABEL_NAME).map(Self)
    }

    /// What makes two names the same.
    pub fn folded(&self) -> String {
        name_key(&self.0)
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Color {
    /// Checks the text and writes it in lower case.
    pub fn parse(text: &str) -> Result<Self, ValidationError> {
        let digits = text.strip_prefix('#').unwrap_or_default();
        let is_color = digits.len() == 6 && digits.bytes().all(|it| it.is_ascii_hexdigit());
        if is_color { Ok(Self(text.to_ascii_lowercase())) } else { Err(ValidationError::Color) }
    }

    /// The color.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<ListName> for String {
    fn from(name: ListName) -> Self {
        name.0
    }
}

impl From<LabelName> for String {
    fn from(name: LabelName) -> Self {
        name.0
    }
}

impl From<Color> for String {
    fn from(color: Color) -> Self {
        color.0
    }
}

/// A new id, later than all that this process made before.
pub(super) fn new_id() -> Uuid {
    Uuid::now_v7()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_color_has_six_digits() {
        assert_eq!(Color::parse("#A0b1C2").map(String::from), Ok("#a0b1c2".into()));
        for text in ["", "#", "red", "#abc", "#12345g", "a0b1c2", "#a0b1c2d3", "#é0b1c"] {
            assert_eq!(Color::parse(text), Err(ValidationError::Color), "{text}");
        }
    }

    #[test]
    fn names_of_labels_are_the_same_whatever_their_case() {
        let folded = |text: &str| LabelName::parse(text).map(|it| it.folded());
        for other in ["éCLAIR", "e\u{301}clair", "É\u{200b}clair", "É\u{34f}clair\u{fe0f}"] {
            assert_eq!(folded(" Éclair "), folded(other), "{other:?}");
        }
        assert_eq!(LabelName::parse("\u{200b}"), Err(ValidationError::Blank));
        assert!(LabelName::parse(&"😀".repeat(30)).is_ok());
        assert_eq!(LabelName::parse(&"x".repeat(31)), Err(ValidationError::TooLong(30)));
    }
}
