//! Text as it is compared and searched. One folding and one division into words, for both databases, when a row is
//! written and when it is asked for: no database's own idea of letters, cases and words has a part in it.
//!
//! The key of a text is its folding (Unicode's canonical caseless matching, D145: case folded in full, then NFC) without
//! characters that are not seen, as Unicode's caseless matching of identifiers has it (D147), in which [`BOUNDARY`] stands between words that nothing else separates. In scripts that put no spaces between words each
//! letter is a word by itself, and a longer word is found as a phrase of them. A database only has to divide a key at
//! ASCII characters that are neither letters nor digits, as SQLite's `ascii` tokenizer does.

use icu_casemap::CaseMapper;
use icu_normalizer::{ComposingNormalizerBorrowed, DecomposingNormalizerBorrowed};
use icu_properties::{
    CodePointMapData, CodePointSetData,
    props::{DefaultIgnorableCodePoint, GeneralCategory, GeneralCategoryGroup, PrependedConcatenationMark, Script},
};
use icu_segmenter::{GraphemeClusterSegmenter, WordSegmenter, options::WordBreakInvariantOptions};

/// Stands between two words of a key that nothing else separates.
pub const BOUNDARY: char = '\u{1f}';
/// A place where a word may end that is not seen.
const ZERO_WIDTH_SPACE: char = '\u{200b}';
/// What İ folds to.
const DOTTED_I: &str = "i\u{307}";
/// What is a letter or a symbol to Unicode and shows nothing: a pattern of Braille without a dot, what stands for an
/// object, and a head of a note that is none.
const UNSEEN_SYMBOLS: [char; 3] = ['\u{2800}', '\u{fffc}', '\u{1d159}'];
/// How many characters of a word count.
const MAX_WORD: usize = 64;
/// Scripts that put no spaces between words.
const WITHOUT_SPACES: [Script; 9] = [
    Script::Han,
    Script::Hiragana,
    Script::Katakana,
    Script::Bopomofo,
    Script::Thai,
    Script::Lao,
    Script::Khmer,
    Script::Myanmar,
    Script::Tibetan,
];

/// A text without its differences of case and of canonically equal characters, and without what is not seen.
pub fn fold(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    let seen: String = text.chars().filter(|it| !is_ignorable(*it)).collect();
    let decomposed = DecomposingNormalizerBorrowed::new_nfd().normalize(&seen);
    let folded = CaseMapper::new().fold_string(&decomposed);
    // The capital İ folds to an i with a dot of its own, which nobody types.
    ComposingNormalizerBorrowed::new_nfc().normalize(&folded).replace(DOTTED_I, "i")
}

/// A text in Unicode's normal form NFKC.
pub fn nfkc(text: &str) -> String {
    ComposingNormalizerBorrowed::new_nfkc().normalize(text).into_owned()
}

/// What two names have in common that look the same: their folding, with one space for all white space between words.
pub fn name_key(name: &str) -> String {
    fold(name).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Whether nothing of a text is seen.
pub fn is_blank(text: &str) -> bool {
    !text.chars().any(is_seen)
}

/// Whether a character shows something by itself. Marks need a letter to stand on, and what Unicode may give a meaning
/// later counts as seen.
fn is_seen(letter: char) -> bool {
    if letter.is_ascii() {
        return letter.is_ascii_graphic();
    }
    let category = CodePointMapData::<GeneralCategory>::new().get(letter);
    let is_format =
        category == GeneralCategory::Format && !CodePointSetData::new::<PrependedConcatenationMark>().contains(letter);
    let is_mark = GeneralCategoryGroup::Mark.contains(category);
    let is_never_a_character = u32::from(letter) & 0xfffe == 0xfffe || ('\u{fdd0}'..='\u{fdef}').contains(&letter);
    let is_unseen = letter.is_whitespace() || letter.is_control() || is_format || is_mark || is_never_a_character;
    !is_unseen && !UNSEEN_SYMBOLS.contains(&letter) && !is_ignorable(letter)
}

/// The key of a text, by which it is searched and ordered.
pub fn search_key(text: &str) -> String {
    let folded = fold(&text.replace(ZERO_WIDTH_SPACE, BOUNDARY.encode_utf8(&mut [0; 4])));
    if folded.is_ascii() {
        return folded;
    }
    let mut key = String::with_capacity(folded.len() + 8);
    for piece in pieces(&folded) {
        let is_joined = key.chars().next_back().is_some_and(is_of_word) && piece.chars().next().is_some_and(is_of_word);
        if is_joined {
            key.push(BOUNDARY);
        }
        key.push_str(piece);
    }
    key
}

/// What is looked for in keys from which [`BOUNDARY`] was removed, to find the text anywhere.
pub fn needle(text: &str) -> String {
    fold(text).replace(BOUNDARY, "")
}

/// The words of a text: phrases of those that nothing separates, in order. What has no letter and no digit is no word.
pub fn phrases(text: &str) -> Vec<Vec<String>> {
    let (key, mut phrases) = (search_key(text), Vec::new());
    for run in key.split(|it: char| it != BOUNDARY && !is_of_word(it)) {
        let mut phrase = Vec::new();
        for word in run.split(BOUNDARY) {
            if word.chars().any(char::is_alphanumeric) {
                phrase.push(word.chars().take(MAX_WORD).collect());
            } else if !phrase.is_empty() {
                phrases.push(std::mem::take(&mut phrase));
            }
        }
        if !phrase.is_empty() {
            phrases.push(phrase);
        }
    }
    phrases
}

/// The ways to read a text as phrases, none of them without a word: what ends a word and is not seen may also be in one
/// by mistake.
pub fn readings(text: &str) -> Vec<Vec<Vec<String>>> {
    let joined = text.contains(ZERO_WIDTH_SPACE).then(|| phrases(&text.replace(ZERO_WIDTH_SPACE, "")));
    [phrases(text)].into_iter().chain(joined).filter(|phrases| !phrases.is_empty()).collect()
}

/// A text in pieces: words, and what is between them.
fn pieces(text: &str) -> impl Iterator<Item = &str> {
    let words = WordSegmenter::new_for_non_complex_scripts(WordBreakInvariantOptions::default());
    let letters = GraphemeClusterSegmenter::new();
    let mut found = Vec::new();
    for word in between(text, words.segment_str(text)) {
        if word.chars().any(is_without_spaces) {
            found.extend(between(word, letters.segment_str(word)));
        } else {
            found.push(word);
        }
    }
    found.into_iter()
}

/// The parts of a text between the places where it breaks.
fn between(text: &str, breaks: impl Iterator<Item = usize>) -> Vec<&str> {
    let breaks: Vec<usize> = breaks.collect();
    breaks.windows(2).filter_map(|it| text.get(it[0]..it[1])).collect()
}

/// Whether a database takes the character for a part of a word.
fn is_of_word(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || !letter.is_ascii()
}

fn is_without_spaces(letter: char) -> bool {
    !letter.is_ascii() && WITHOUT_SPACES.contains(&CodePointMapData::<Script>::new().get(letter))
}

/// Whether the character is one of those that are not seen by themselves, whatever they do to others: joiners, variation
/// selectors, fillers, tags, marks of direction, soft hyphens and the like.
fn is_ignorable(letter: char) -> bool {
    !letter.is_ascii() && CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(letter)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Variation selector, grapheme joiner, fillers, a tag, joiners, a soft hyphen, a mark of direction.
    const UNSEEN: [char; 12] = [
        '\u{fe0f}',
        '\u{34f}',
        '\u{115f}',
        '\u{3164}',
        '\u{ffa0}',
        '\u{e0001}',
        '\u{200b}',
        '\u{200c}',
        '\u{200d}',
        '\u{ad}',
        '\u{202e}',
        '\u{e0100}',
    ];

    #[test]
    fn what_is_canonically_equal_or_differs_in_case_folds_to_the_same() {
        for (one, other) in [
            ("Éclair", "e\u{301}CLAIR"),
            ("Σίσυφος", "ΣΊΣΥΦΟΣ"),
            ("groß", "GROSS"),
            ("ﬁx", "FIX"),
            ("İzmir", "izmİr"),
            ("việt", "VIE\u{302}\u{323}T"),
            ("ᾳ", "ΑΙ"),
            ("한", "\u{1112}\u{1161}\u{11ab}"),
            ("Water", "wATER"),
        ] {
            assert_eq!(fold(one), fold(other), "{one}");
        }
        assert_ne!(fold("a"), fold("á"));
    }

    #[test]
    fn names_that_look_the_same_have_one_key() {
        for other in ["a  b", " A\u{a0}b", "a\u{200b} b\u{ad}", "\u{202e}a b"] {
            assert_eq!(name_key(other), "a b", "{other:?}");
        }
        assert_eq!(name_key("é"), name_key("e\u{301}"));
        assert_eq!(name_key("é"), name_key("e\u{34f}\u{301}"));
        for unseen in UNSEEN {
            assert_eq!(name_key(&format!("{unseen}a{unseen}b{unseen}")), "ab", "{unseen:?}");
        }
        assert_eq!(name_key("❤\u{fe0f}"), name_key("❤"));
    }

    #[test]
    fn what_shows_nothing_is_blank() {
        let others =
            ['\u{3000}', '\u{1}', '\u{85}', '\u{2800}', '\u{fff9}', '\u{fffc}', '\u{ffff}', '\u{fdd0}', '\u{1d159}'];
        for unseen in UNSEEN.into_iter().chain(others).chain(['\u{301}', '\u{20e3}', '\u{903}', ' ', '\u{7f}']) {
            assert!(is_blank(&format!(" {unseen}{unseen}")), "{unseen:?}");
            assert!(!is_blank(&format!("{unseen}🍎")), "{unseen:?}");
        }
        for seen in ["?", "é", "e\u{301}", "น้ำ", "कि", "\u{600}", "\u{fffd}", "\u{e000}", "\u{1fadf}", "1\u{20e3}"]
        {
            assert!(!is_blank(seen), "{seen:?}");
        }
    }

    #[test]
    fn words_are_found_in_every_script() {
        let words = |text: &str| phrases(text).into_iter().map(|it| it.join("|")).collect::<Vec<_>>();
        assert_eq!(
            words("Water-the \"plants\" AND (NOT* weeds:) 'x"),
            ["water", "the", "plants", "and", "not", "weeds", "x"]
        );
        assert_eq!(words("कर्म வாங்க"), ["कर्म", "வாங்க"]);
        assert_eq!(words("น้ำ"), ["น้ำ"]);
        assert_eq!(words("東京都 iPhone東京"), ["東|京|都", "iphone|東|京"]);
        assert_eq!(words("“İzmir”, 🍎!"), ["izmir"]);
        assert_eq!(words("🍎 … — ''"), Vec::<String>::new());
        assert_eq!(words("a\u{34f}b Donau\u{ad}dampf می\u{200c}خواهم"), ["ab", "donaudampf", "میخواهم"]);
        assert_eq!(words("one\u{200b}two"), ["one|two"]);
        let read = |text: &str| readings(text).into_iter().map(|it| it.concat().join(" ")).collect::<Vec<_>>();
        assert_eq!(read("ca\u{200b}fe x"), ["ca fe x", "cafe x"]);
        assert_eq!(read("\u{200b}!"), [""; 0]);
    }

    #[test]
    fn a_key_is_the_folding_with_marks_in_it() {
        for text in ["Buy 東京タワー – “now”", "plain ASCII", "a\u{1f}b", "ไปซื้อน้ำ", "é🍎é", "a\u{200b}b\u{ad}c"]
        {
            assert_eq!(search_key(text).replace(BOUNDARY, ""), needle(text), "{text}");
        }
        assert_eq!(search_key("東京"), "東\u{1f}京");
    }
}
