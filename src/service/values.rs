//! Values that lists, labels, tasks and users share. Holding one is the proof that it keeps the rules.

use entity::text::{is_blank, name_key};
use uuid::Uuid;

use crate::error::ValidationError;

/// How many characters the name of a list has at most.
const MAX_LIST_NAME: usize = 100;
/// How many characters the name of a label has at most.
const MAX_LABEL_NAME: usize = 30;
/// How many characters the name of a user has at most.
pub const MAX_USER_NAME: usize = 255;

/// The name of a list: 1 to 100 characters of one line, without white space around.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListName(String);

/// The name of a label: 1 to 30 characters of one line, without white space around. Names that look the same are the same.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct LabelName(String);

/// The name of a user: 0 to 255 characters of one line, just as they were typed. Better Auth knows users without a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserName(String);

/// A color as `#rrggbb`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Color(String);

/// Text of some length, trimmed: what may be stored by the rules of any time, and so be in a file.
pub(super) fn stored(text: &str, most: usize) -> Result<String, ValidationError> {
    if text.is_empty() {
        return Err(ValidationError::Empty);
    }
    let text = text.trim();
    match text.chars().count() {
        0 => Err(ValidationError::Blank),
        _ if text.contains('\0') => Err(ValidationError::Nul),
        count if count > most => Err(ValidationError::TooLong(most)),
        _ => Ok(text.to_owned()),
    }
}

/// Text of some length of which something is seen, trimmed.
pub(super) fn trimmed(text: &str, most: usize) -> Result<String, ValidationError> {
    stored(text, most).and_then(seen)
}

/// A name of some length, trimmed: something of it is seen, and it is one line.
fn name(text: &str, most: usize) -> Result<String, ValidationError> {
    trimmed(text, most).and_then(plain)
}

fn seen(text: String) -> Result<String, ValidationError> {
    if is_blank(&text) { Err(ValidationError::Blank) } else { Ok(text) }
}

/// Text of one line, without characters that only tell a terminal something.
fn plain(text: String) -> Result<String, ValidationError> {
    let is_control = |it: char| it.is_control() || matches!(it, '\u{2028}' | '\u{2029}');
    let rule = ValidationError::Rule("must not contain line breaks and other control characters");
    if text.contains(is_control) { Err(rule) } else { Ok(text) }
}

impl ListName {
    /// Trims and checks the text.
    pub fn parse(text: &str) -> Result<Self, ValidationError> {
        name(text, MAX_LIST_NAME).map(Self)
    }

    /// Trims and checks the text of a file, which may be older than the rules.
    pub fn stored(text: &str) -> Result<Self, ValidationError> {
        stored(text, MAX_LIST_NAME).map(Self)
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl LabelName {
    /// Trims and checks the text.
    pub fn parse(text: &str) -> Result<Self, ValidationError> {
        name(text, MAX_LABEL_NAME).map(Self)
    }

    /// Trims and checks the text of a file, which may be older than the rules.
    pub fn stored(text: &str) -> Result<Self, ValidationError> {
        stored(text, MAX_LABEL_NAME).map(Self)
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

impl UserName {
    /// Checks the text.
    pub fn parse(text: &str) -> Result<Self, ValidationError> {
        match text.chars().count() {
            0 => Ok(Self(String::new())),
            _ if text.contains('\0') => Err(ValidationError::Nul),
            1..=MAX_USER_NAME => seen(text.to_owned()).and_then(plain).map(Self),
            _ => Err(ValidationError::TooLong(MAX_USER_NAME)),
        }
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

impl From<UserName> for String {
    fn from(name: UserName) -> Self {
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

    #[test]
    fn a_name_is_one_line_of_which_something_is_seen() {
        for unseen in ["\u{301}", "\u{fff9}", "\u{fffc}", "\u{ffff}", "\u{1d159}", "\u{3164}", "\u{1}"] {
            assert_eq!(ListName::parse(unseen), Err(ValidationError::Blank), "{unseen:?}");
            assert_eq!(LabelName::parse(unseen), Err(ValidationError::Blank), "{unseen:?}");
            assert_eq!(UserName::parse(unseen), Err(ValidationError::Blank), "{unseen:?}");
            assert!(ListName::stored(unseen).is_ok() && LabelName::stored(unseen).is_ok(), "{unseen:?}");
        }
        for control in ["wor\u{1}k", "a\nb", "a\tb", "a\u{85}b", "a\u{2028}b", "a\u{7f}b"] {
            let names = [ListName::parse(control).map(drop), LabelName::parse(control).map(drop)];
            assert!(names.iter().all(|it| matches!(it, Err(ValidationError::Rule(_)))), "{control:?}");
            assert!(matches!(UserName::parse(control), Err(ValidationError::Rule(_))), "{control:?}");
            assert!(ListName::stored(control).is_ok() && LabelName::stored(control).is_ok(), "{control:?}");
        }
        assert_eq!(UserName::parse(" é ").map(String::from), Ok(" é ".to_owned()));
        assert_eq!(LabelName::stored("\u{2003}"), Err(ValidationError::Blank));
    }
}
