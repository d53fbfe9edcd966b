//! Entity tags and preconditions (RFC 9110, sections 8.8.3 and 13.1): the tag of a task has its revision, the tag of a
//! list of tasks the owner's. A hash of user and shape follows, so that no tag of one user is the tag of another.

use axum::http::{HeaderMap, HeaderName, header};
use entity::id::UserId;
use sha2::{Digest, Sha256};
use utoipa::{
    IntoParams,
    openapi::path::{Parameter, ParameterIn},
};

use super::{
    errors::RestError,
    openapi::{header_parameter, text_schema},
    pydantic::PydanticError,
    shape::Shape,
};

/// The tags of the responses to one user.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tags {
    variant: u64,
}

/// What a condition names: anything that is there, or one of these tags.
#[derive(Debug, PartialEq, Eq)]
enum Condition {
    Anything,
    OneOf(Vec<EntityTag>),
}

/// A tag, without its quotes.
#[derive(Debug, PartialEq, Eq)]
struct EntityTag {
    text: String,
    is_weak: bool,
}

/// In the document, the header of a read that has what it would get.
pub(super) struct IfNoneMatch;
/// In the document, the header of a write that expects a version of the task.
pub(super) struct IfMatch;

impl IntoParams for IfNoneMatch {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let description = "The `ETag` that the client has: the response is 304 while it is the current one.";
        vec![header_parameter("If-None-Match", text_schema(), description)]
    }
}

impl IntoParams for IfMatch {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let description = "The `ETag` that the client has seen: the response is 412 when it is not the current one.";
        vec![header_parameter("If-Match", text_schema(), description)]
    }
}

impl Tags {
    /// The tags for a user, in the shape of this installation.
    pub(super) fn new(user: &UserId, shape: Shape) -> Self {
        let flags = [shape.wraps_lists, shape.is_camel, shape.has_status].map(u8::from);
        let name = shape.completed_name.unwrap_or_default();
        let [a, b, c, d, e, f, g, h, ..] =
            <[u8; 32]>::from(Sha256::new().chain_update(flags).chain_update(name).chain_update(&user.0).finalize());
        Self { variant: u64::from_be_bytes([a, b, c, d, e, f, g, h]) }
    }

    /// A header with the tag of a revision.
    pub(super) fn of(self, revision: i64) -> [(HeaderName, String); 1] {
        [(header::ETAG, format!("\"{revision}-{:016x}\"", self.variant))]
    }

    /// Whether the client has what it would get.
    pub(super) fn is_known(self, headers: &HeaderMap, revision: i64) -> Result<bool, RestError> {
        Ok(match parse_condition(headers, &header::IF_NONE_MATCH)? {
            None => false,
            Some(Condition::Anything) => true,
            Some(Condition::OneOf(tags)) => {
                tags.iter().any(|tag| self.parse_tag(&tag.text) == Some((revision, Some(self.variant))))
            }
        })
    }

    /// The last revision of those that the client has; 0 without any.
    pub(super) fn last_known(self, headers: &HeaderMap) -> Result<i64, RestError> {
        let Some(Condition::OneOf(tags)) = parse_condition(headers, &header::IF_NONE_MATCH)? else { return Ok(0) };
        let is_own = |(revision, variant)| (variant == Some(self.variant)).then_some(revision);
        Ok(tags.iter().filter_map(|tag| self.parse_tag(&tag.text).and_then(is_own)).max().unwrap_or_default())
    }

    /// The revisions of which a write expects one, if it expects any. A tag without what stands behind the revision is
    /// accepted too: a write is about the user's own tasks. A weak one is that of no revision, because the comparison is
    /// strong (RFC 9110, section 13.1.1).
    pub(super) fn expected(self, headers: &HeaderMap) -> Result<Option<Vec<i64>>, RestError> {
        if headers.contains_key(header::IF_NONE_MATCH) {
            return Err(header_error(&header::IF_NONE_MATCH, "is a condition for GET; a write takes If-Match"));
        }
        let Some(Condition::OneOf(tags)) = parse_condition(headers, &header::IF_MATCH)? else { return Ok(None) };
        let is_own = |variant: Option<u64>| variant.is_none_or(|it| it == self.variant);
        let strong = tags.iter().filter(|tag| !tag.is_weak).filter_map(|tag| self.parse_tag(&tag.text));
        let revisions = strong.filter(|(_, variant)| is_own(*variant));
        Ok(Some(revisions.map(|(revision, _)| revision).collect()))
    }

    /// The revision in a tag, and what stands behind it; nothing if the tag is none of ours.
    fn parse_tag(self, tag: &str) -> Option<(i64, Option<u64>)> {
        match tag.split_once('-') {
            Some((revision, variant)) => Some((revision.parse().ok()?, Some(u64::from_str_radix(variant, 16).ok()?))),
            None => Some((tag.parse().ok()?, None)),
        }
    }
}

/// What a header asks for, if it is there. One that cannot be read is an error: without its condition a request does
/// more than its client wants.
fn parse_condition(headers: &HeaderMap, name: &HeaderName) -> Result<Option<Condition>, RestError> {
    let mut values = headers.get_all(name).iter().peekable();
    if values.peek().is_none() {
        return Ok(None);
    }
    let text = values.map(|it| String::from_utf8_lossy(it.as_bytes())).collect::<Vec<_>>().join(",");
    if text.trim() == "*" {
        return Ok(Some(Condition::Anything));
    }
    let tags = parse_tags(&text).filter(|tags| !tags.is_empty());
    tags.map(Condition::OneOf).map(Some).ok_or_else(|| header_error(name, "must be * or tags in double quotes"))
}

/// The tags of a list; a comma may stand inside of one.
fn parse_tags(mut text: &str) -> Option<Vec<EntityTag>> {
    let mut tags = Vec::new();
    loop {
        text = text.trim_start_matches([',', ' ', '\t']);
        if text.is_empty() {
            return Some(tags);
        }
        let (is_weak, quoted) = text.strip_prefix("W/").map_or((false, text), |quoted| (true, quoted));
        let (tag, rest) = quoted.strip_prefix('"')?.split_once('"')?;
        if tag.contains(|it: char| it.is_ascii_control() || it == ' ') {
            return None;
        }
        tags.push(EntityTag { text: tag.to_owned(), is_weak });
        text = rest.trim_start_matches([' ', '\t']);
        if !text.is_empty() && !text.starts_with(',') {
            return None;
        }
    }
}

fn header_error(name: &HeaderName, reason: &str) -> RestError {
    RestError::Validation(vec![PydanticError::header(name.as_str(), reason)])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: HeaderName, value: &str) -> HeaderMap {
        [(name, value.parse().unwrap())].into_iter().collect()
    }

    fn ann() -> Tags {
        Tags::new(&UserId("ann".into()), Shape::default())
    }

    fn tag(tags: Tags) -> String {
        let [(_, tag)] = tags.of(7);
        tag
    }

    #[test]
    fn a_write_expects_one_of_the_revisions_of_its_tags() {
        let (bob, camel) = (UserId("bob".into()), Shape { is_camel: true, ..Shape::default() });
        for (value, revisions) in [
            ("\"7\"", Some(vec![7])),
            ("W/\"7\"", Some(vec![])),
            ("W/\"7\", \"8\"", Some(vec![8])),
            (&tag(ann()), Some(vec![7])),
            ("\"999\", \"11\"", Some(vec![999, 11])),
            (", \"1\" ,\t\"2\",", Some(vec![1, 2])),
            ("*", None),
            ("\"x\"", Some(vec![])),
            ("\"a,b\", \"7\"", Some(vec![7])),
            (&tag(Tags::new(&bob, Shape::default())), Some(vec![])),
            (&tag(Tags::new(&UserId("ann".into()), camel)), Some(vec![])),
        ] {
            assert_eq!(ann().expected(&headers(header::IF_MATCH, value)).unwrap(), revisions, "{value}");
        }
        assert_eq!(ann().expected(&HeaderMap::new()).unwrap(), None);
    }

    #[test]
    fn what_is_no_condition_is_refused() {
        for value in ["7", "", ",", "\"7", "7\"", "\"7\" \"8\"", "*, \"7\"", "w/\"7\"", "W/7", "\"7\"x", "\"a b\""] {
            assert!(ann().expected(&headers(header::IF_MATCH, value)).is_err(), "{value}");
            assert!(ann().is_known(&headers(header::IF_NONE_MATCH, value), 7).is_err(), "{value}");
        }
        assert!(ann().expected(&headers(header::IF_NONE_MATCH, "*")).is_err());
    }

    #[test]
    fn what_the_client_has_is_known() {
        let tag = tag(ann());
        for (value, known) in [
            (tag.as_str(), true),
            (&format!("\"6\", W/{tag}"), true),
            ("*", true),
            ("\"8\"", false),
            // It may be another user's.
            ("\"7\"", false),
        ] {
            assert_eq!(ann().is_known(&headers(header::IF_NONE_MATCH, value), 7).unwrap(), known, "{value}");
        }
    }
}
