//! Full-text search: by words, indexed and ranked on both databases. What a word is, `entity::text` says.

use entity::{task, text::readings};
use sea_orm::QuerySelect;

use super::Tasks;
use crate::{
    error::{Error, ValidationError},
    service::{
        page::{Cursor, CursorValue, Page, PageRequest},
        tasks::filter::MAX_SEARCH,
    },
};

/// How many words there are at most.
const MAX_WORDS: usize = 16;

/// Words to look for, as a text has them: phrases of words that nothing separates, most of them of one, in each way in
/// which the text can be read. Any input is harmless, because nothing is left of it that means something to a database.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Words(Vec<Vec<Vec<String>>>);

impl Words {
    /// Takes the words out of a text, which may be none.
    pub fn parse(text: &str) -> Result<Self, ValidationError> {
        if text.contains('\0') {
            return Err(ValidationError::Nul);
        }
        if text.chars().count() > MAX_SEARCH {
            return Err(ValidationError::TooLong(MAX_SEARCH));
        }
        let words = readings(text);
        let is_long = words.iter().any(|phrases| phrases.len() > MAX_WORDS);
        if is_long { Err(ValidationError::TooManyWords(MAX_WORDS)) } else { Ok(Self(words)) }
    }

    /// The phrases of each reading, folded.
    pub fn as_slice(&self) -> &[Vec<Vec<String>>] {
        &self.0
    }
}

impl Tasks<'_> {
    /// A page of the hits, best first: tasks that have words that begin with each of these, the title counting more. All
    /// hits are ranked whatever the page, so that a cursor is a place among them.
    pub async fn search(self, words: &Words, page: &PageRequest) -> Result<Hits, Error> {
        let skipped = match &page.after {
            None => 0,
            Some(Cursor { order: 0, values, number: 0.. }) if *values == [CursorValue::Hit] => {
                page.after.as_ref().map_or(0, |it| it.number.unsigned_abs().saturating_add(1))
            }
            Some(_) => return Err(Error::invalid("after", ValidationError::Cursor)),
        };
        if words.0.is_empty() {
            return Ok(Hits { page: page.cut(Vec::new()), skipped });
        }
        let db = self.scope.db;
        let best = db.best(self.mine(), self.scope.owner, &words.0).offset(skipped).limit(page.size as u64 + 1);
        Ok(Hits { page: page.cut(self.scope.reads().rows(best).await?), skipped })
    }
}

/// A page of the hits of a search.
#[derive(Clone, Debug)]
pub struct Hits {
    /// The tasks.
    pub page: Page<task::Model>,
    /// How many hits are before them.
    pub skipped: u64,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_letters_and_digits_are_left() {
        let words = Words::parse("Water-the \"plants\" AND (NOT* weeds:) 'x").unwrap();
        assert_eq!(words.0.concat().concat(), ["water", "the", "plants", "and", "not", "weeds", "x"]);
        assert!(Words::parse("…").unwrap().0.is_empty());
    }

    proptest! {
        #[test]
        fn no_text_leaves_anything_else(text in "[^\\x00]{0,200}") {
            let words = match Words::parse(&text) {
                Err(ValidationError::TooManyWords(MAX_WORDS)) => return Ok(()),
                words => words.unwrap(),
            };
            prop_assert!(words.0.iter().flatten().flatten().all(|it| !it.contains(['"', '\'', '*', ':', '\\', ' ', '(', '&', '|', '!'])));
        }
    }
}
