//! Entity tags and preconditions (RFC 9110, sections 8.8.3 and 13.1): the tag of a task is its revision, the tag of a
//! list of tasks is the owner's.

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};

/// A header with the tag of a revision.
pub(super) fn tag(revision: i64) -> [(HeaderName, String); 1] {
    [(header::ETAG, format!("\"{revision}\""))]
}

/// Whether the client has what it would get.
pub(super) fn is_known(headers: &HeaderMap, revision: i64) -> bool {
    let mut tags = headers.get_all(header::IF_NONE_MATCH).iter().flat_map(tags);
    tags.any(|tag| tag == "*" || revision_of(tag) == Some(revision))
}

/// The revision that a write expects, if it expects one: none that a task has when the tag is not one of ours.
pub(super) fn expected(headers: &HeaderMap) -> Option<i64> {
    let mut tags = headers.get_all(header::IF_MATCH).iter().flat_map(tags).peekable();
    match tags.peek() {
        None | Some(&"*") => None,
        // Of several tags only one can be the task's; a client that sends more has not seen one state of it.
        Some(tag) => Some(revision_of(tag).unwrap_or(i64::MIN)),
    }
}

fn tags(value: &HeaderValue) -> impl Iterator<Item = &str> {
    value.to_str().unwrap_or_default().split(',').map(str::trim).filter(|it| !it.is_empty())
}

/// A proxy that compresses makes a tag weak; the revision is the same.
fn revision_of(tag: &str) -> Option<i64> {
    tag.strip_prefix("W/").unwrap_or(tag).strip_prefix('"')?.strip_suffix('"')?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: HeaderName, value: &str) -> HeaderMap {
        [(name, value.parse().unwrap())].into_iter().collect()
    }

    #[test]
    fn a_write_expects_the_revision_of_its_tag() {
        for (value, revision) in
            [("\"7\"", Some(7)), ("W/\"7\"", Some(7)), ("*", None), ("\"x\"", Some(i64::MIN)), ("7", Some(i64::MIN))]
        {
            assert_eq!(expected(&headers(header::IF_MATCH, value)), revision, "{value}");
        }
        assert_eq!(expected(&HeaderMap::new()), None);
    }

    #[test]
    fn what_the_client_has_is_known() {
        for (value, known) in [("\"7\"", true), ("\"6\", W/\"7\"", true), ("*", true), ("\"8\"", false), ("", false)] {
            assert_eq!(is_known(&headers(header::IF_NONE_MATCH, value), 7), known, "{value}");
        }
    }
}
