//! The file `.env`, read as python-dotenv and Node's dotenv both read it. Nothing is expanded: `$word` is `$word`. Where
//! the two differ, what is written is not sure, and a setting of ours that is written so is refused.

/// One variable of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct DotenvEntry {
    /// The number of its first line, from 1 on.
    pub(super) line: usize,
    pub(super) name: String,
    pub(super) value: String,
    /// Why other programs may read another value than this, if they may.
    pub(super) doubt: Option<&'static str>,
}

/// Quotes, and where the programs differ about what is inside of them.
const QUOTES: &str = "put the value between single quotes, as other programs read it differently without";
const ESCAPES: &str = "write it without a backslash before quotes, backslashes and letters other than n and r, which \
                       other programs read differently";
const EXPANSION: &str = "write the value out instead of ${…}, which some programs expand and others do not";

/// Reads the text of a file; or says which line cannot be read, and why.
pub(super) fn parse(text: &str) -> Result<Vec<DotenvEntry>, String> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text).replace("\r\n", "\n").replace('\r', "\n");
    let mut entries = Vec::new();
    let (mut rest, mut line) = (text.as_str(), 1);
    while !rest.is_empty() {
        let (entry, length) =
            statement(rest, line).map_err(|reason| format!(".env: line {line} cannot be read: it {reason}"))?;
        line += rest[..length].matches('\n').count();
        rest = &rest[length..];
        entries.extend(entry);
    }
    Ok(entries)
}

/// What the text begins with, and how long that is, its end of line included.
fn statement(text: &str, line: usize) -> Result<(Option<DotenvEntry>, usize), &'static str> {
    let end = text.find('\n').map_or(text.len(), |end| end + 1);
    let first = text[..end].trim();
    if first.is_empty() || first.starts_with('#') {
        return Ok((None, end));
    }
    if text[..end].contains('\0') {
        return Err("has a NUL byte");
    }
    let (name, behind) = text[..end].split_once('=').ok_or("has no =")?;
    let name = name.trim();
    let name = name.strip_prefix("export").filter(|it| it.starts_with([' ', '\t'])).map_or(name, str::trim);
    let is_name = |it: char| it.is_ascii_alphanumeric() || matches!(it, '_' | '.' | '-');
    if name.is_empty() || !name.chars().all(is_name) {
        return Err("has something before the = that is no name");
    }
    let start = end - behind.len() + (behind.len() - behind.trim_start_matches([' ', '\t']).len());
    let (value, doubt, end) = match text[start..].chars().next() {
        Some(quote @ ('"' | '\'')) => {
            let (value, doubt, length) = quoted(&text[start + 1..], quote)?;
            (value, doubt, start + 1 + length)
        }
        _ => {
            let (value, doubt) = unquoted(behind);
            (value, doubt, end)
        }
    };
    let doubt = doubt.or(value.contains("${").then_some(EXPANSION));
    Ok((Some(DotenvEntry { line, name: name.to_owned(), value, doubt }), end))
}

/// A value without quotes ends where a comment begins, which has white space before it.
fn unquoted(behind: &str) -> (String, Option<&'static str>) {
    let comment = behind.match_indices('#').find(|(at, _)| behind[..*at].ends_with(char::is_whitespace));
    let value = behind[..comment.map_or(behind.len(), |(at, _)| at)].trim();
    let doubt = (value.contains('#') || value.starts_with('`')).then_some(QUOTES);
    (value.to_owned(), doubt)
}

/// A value in quotes, which may be longer than a line; only a comment may follow it.
fn quoted(text: &str, quote: char) -> Result<(String, Option<&'static str>, usize), &'static str> {
    let mut value = String::new();
    let mut doubt = None;
    let mut letters = text.char_indices();
    let end = loop {
        match letters.next().ok_or("has a quote that is not closed")? {
            (at, letter) if letter == quote => break at + 1,
            (_, '\\') => match (letters.next().ok_or("has a quote that is not closed")?.1, quote) {
                ('n', '"') => value.push('\n'),
                ('r', '"') => value.push('\r'),
                (next @ ('\\' | '\''), _) | (next @ ('"' | 'a' | 'b' | 'f' | 't' | 'v'), '"') => {
                    doubt = Some(ESCAPES);
                    value.extend(['\\', next]);
                }
                (next, _) => value.extend(['\\', next]),
            },
            (_, letter) => value.push(letter),
        }
    };
    let behind = &text[end..];
    let behind = &behind[..behind.find('\n').map_or(behind.len(), |end| end + 1)];
    match behind.trim() {
        "" => {}
        comment if comment.starts_with('#') => {}
        _ => return Err("has something behind the closing quote"),
    }
    Ok((value, doubt, end + behind.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(text: &str) -> Vec<(String, String)> {
        parse(text).unwrap().into_iter().map(|it| (it.name, it.value)).collect()
    }

    /// What python-dotenv 1.2 and dotenv 16 both say of these.
    #[test]
    fn values_are_those_that_python_and_node_read() {
        for (text, value) in [
            ("A=b", "b"),
            ("A=pa$word", "pa$word"),
            ("A=$HOME/x", "$HOME/x"),
            ("A=\"pa$word\"", "pa$word"),
            ("A='pa$word'", "pa$word"),
            ("A=My Todo App", "My Todo App"),
            ("A = b ", "b"),
            ("export A=b", "b"),
            ("export\tA=b", "b"),
            ("  A=b", "b"),
            ("A=b # comment", "b"),
            ("A=b\t#comment", "b"),
            ("A='b # c' # d", "b # c"),
            ("A=\"b#c\"", "b#c"),
            ("A=", ""),
            ("A= # nothing", ""),
            ("A=''", ""),
            ("A=b=c==", "b=c=="),
            ("A=it's", "it's"),
            ("A=say \"x\" now", "say \"x\" now"),
            ("A=a\\nb", "a\\nb"),
            ("A=\"a\\nb\"", "a\nb"),
            ("A='a\\nb'", "a\\nb"),
            ("A=\"two\nlines\"", "two\nlines"),
            ("\u{feff}A=b", "b"),
            ("A=b\r\n", "b"),
            ("A=b\r", "b"),
            ("# A=c\n\nA=b\n", "b"),
            ("A=c\nA=b", "b"),
        ] {
            let read = values(text);
            assert_eq!(read.last(), Some(&("A".to_owned(), value.to_owned())), "{text:?}");
            assert!(parse(text).unwrap().iter().all(|it| it.doubt.is_none()), "{text:?}");
        }
    }

    /// What python-dotenv and dotenv say differently.
    #[test]
    fn what_programs_read_differently_is_marked() {
        for text in ["A=b#c", "A=#b", "A=`b`", "A=${B}", "A='${B}'", "A=\"a\\\"b\"", "A=\"a\\tb\"", "A='a\\\\b'"] {
            assert!(parse(text).unwrap()[0].doubt.is_some(), "{text}");
        }
    }

    #[test]
    fn a_line_that_cannot_be_read_is_named_by_its_number_and_without_its_text() {
        for (text, line, reason) in [
            ("A=b\nhunter2\n", 2, "has no ="),
            ("A=\"two\nlines\"\n\n=hunter2", 4, "is no name"),
            ("a b=hunter2", 1, "is no name"),
            ("A='hunter2", 1, "not closed"),
            ("A='hunter2' more", 1, "behind the closing quote"),
        ] {
            let said = parse(text).unwrap_err();
            assert!(said.contains(&format!("line {line} ")) && said.contains(reason), "{said}");
            assert!(!said.contains("hunter2"), "{said}");
        }
    }
}
