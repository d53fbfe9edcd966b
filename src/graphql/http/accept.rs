//! Which media type a response has (RFC 9110, section 12.5.1).

use axum::http::{HeaderMap, Uri};

use super::stream::Form;
use crate::media_type::MediaType;

/// The media types of a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Media {
    /// `application/json`, for older clients: request errors have status 200.
    Json,
    /// `application/graphql-response+json`: request errors have a status of their own.
    GraphqlResponse,
    /// A stream, for clients that take nothing else.
    Stream(Form),
}

/// How much a client wants a media type.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Preference {
    quality: u16,
    /// How exactly it is named, which decides between equal qualities.
    exactness: u8,
}

impl Media {
    /// The media type that the client wants most; nothing when it accepts neither.
    pub(super) fn negotiate(headers: &HeaderMap) -> Option<Self> {
        let Some(ranges) = MediaType::accepted(headers) else { return Some(Self::Json) };
        let json = preference(&ranges, "application/json");
        let response = preference(&ranges, "application/graphql-response+json");
        match (response, json) {
            (None, None) => None,
            (Some(response), Some(json)) if response < json || (response == json && json.exactness < 2) => {
                Some(Self::Json)
            }
            (Some(_), _) => Some(Self::GraphqlResponse),
            (None, Some(_)) => Some(Self::Json),
        }
    }

    pub(super) fn content_type(self) -> &'static str {
        match self {
            Self::Json => "application/json; charset=utf-8",
            Self::GraphqlResponse | Self::Stream(_) => "application/graphql-response+json; charset=utf-8",
        }
    }
}

/// Whether a browser opens the page, rather than that a program sends an operation.
pub(super) fn is_browser(headers: &HeaderMap, uri: &Uri) -> bool {
    let query = uri.query().unwrap_or_default();
    let has_operation =
        form_urlencoded::parse(query.as_bytes()).any(|(name, _)| name == "query" || name == "extensions");
    let accepted = MediaType::accepted(headers).unwrap_or_default();
    !has_operation && accepted.first().is_some_and(|first| first.essence == "text/html")
}

/// Whether the body is JSON in UTF-8. It cannot be sent across origins without a preflight, which keeps forms out.
pub(super) fn is_json(headers: &HeaderMap) -> bool {
    MediaType::of_body(headers).is_some_and(|it| {
        it.essence == "application/json"
            && it.parameter("charset").is_none_or(|charset| charset.eq_ignore_ascii_case("utf-8"))
    })
}

/// How much a client wants that media type, by the range that names it most exactly.
fn preference(ranges: &[MediaType], media_type: &str) -> Option<Preference> {
    let covering = ranges.iter().filter_map(|range| Some((range.exactness(media_type)?, range.quality())));
    let (exactness, quality) = covering.max()?;
    (quality > 0).then_some(Preference { quality, exactness })
}

#[cfg(test)]
mod tests {
    use axum::http::header;

    use super::*;

    fn negotiated(accept: &str) -> Option<Media> {
        Media::negotiate(&[(header::ACCEPT, accept.parse().unwrap())].into_iter().collect())
    }

    #[test]
    fn each_client_gets_what_it_likes_best() {
        for (accept, media) in [
            ("*/*", Some(Media::Json)),
            ("application/*", Some(Media::Json)),
            ("application/json, multipart/mixed", Some(Media::Json)),
            ("application/graphql-response+json, application/json;q=0.9", Some(Media::GraphqlResponse)),
            ("application/graphql-response+json, application/json, text/event-stream", Some(Media::GraphqlResponse)),
            ("application/graphql-response+json;q=0.1, application/json;q=1", Some(Media::Json)),
            ("application/graphql-response+json;q=0, application/json", Some(Media::Json)),
            ("*/*, application/json;q=0", Some(Media::GraphqlResponse)),
            ("image/png", None),
            ("application/json;q=0", None),
        ] {
            assert_eq!(negotiated(accept), media, "{accept}");
        }
    }
}
