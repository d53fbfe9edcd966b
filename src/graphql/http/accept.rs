//! Which media type an answer has (RFC 9110, section 12.5.1).

use axum::http::{HeaderMap, Uri, header};

use super::stream::Form;

/// The media types of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Media {
    /// `application/json`, for older clients: request errors have status 200.
    Json,
    /// `application/graphql-response+json`: the status tells.
    GraphqlResponse,
    /// A stream, for clients that take nothing else.
    Stream(Form),
}

/// How well a media type is wanted: quality in thousandths, then how exactly it was named.
type Wanted = (u16, u8);

impl Media {
    /// The media type that the client likes best; nothing when it accepts neither.
    pub(super) fn negotiate(headers: &HeaderMap) -> Option<Self> {
        let mut values = headers.get_all(header::ACCEPT).iter().filter_map(|it| it.to_str().ok()).peekable();
        if values.peek().is_none() {
            return Some(Self::Json);
        }
        let ranges: Vec<_> = values.flat_map(|it| it.split(',')).filter_map(range).collect();
        let json = wanted(&ranges, "application/json");
        let response = wanted(&ranges, "application/graphql-response+json");
        match (response, json) {
            (None, None) => None,
            (Some(response), Some(json)) if response < json || (response == json && json.1 < 2) => Some(Self::Json),
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

/// A browser that opens the page, rather than a program that asks a question.
pub(super) fn is_browser(headers: &HeaderMap, uri: &Uri) -> bool {
    let query = uri.query().unwrap_or_default();
    let asks = form_urlencoded::parse(query.as_bytes()).any(|(name, _)| name == "query" || name == "extensions");
    let accept = headers.get(header::ACCEPT).and_then(|it| it.to_str().ok()).unwrap_or_default();
    !asks && accept.split(',').next().is_some_and(|first| first.trim().starts_with("text/html"))
}

/// A JSON body cannot be sent across origins without a preflight, which is what keeps forms out.
pub(super) fn is_json(headers: &HeaderMap) -> bool {
    let Some(text) = headers.get(header::CONTENT_TYPE).and_then(|it| it.to_str().ok()) else { return false };
    let text = text.to_ascii_lowercase();
    let mut parts = text.split(';').map(str::trim);
    parts.next() == Some("application/json")
        && parts.filter_map(|it| it.strip_prefix("charset=")).all(|it| it.trim_matches('"') == "utf-8")
}

/// A media range in lower case and its quality in thousandths.
fn range(text: &str) -> Option<(String, u16)> {
    let mut parts = text.split(';').map(str::trim);
    let media = parts.next().filter(|it| !it.is_empty())?.to_ascii_lowercase();
    let quality = parts
        .find_map(|it| it.strip_prefix("q=").or_else(|| it.strip_prefix("Q=")))
        .map_or(1.0, |it| it.parse::<f32>().unwrap_or(0.0));
    Some((media, (quality.clamp(0.0, 1.0) * 1000.0).round() as u16))
}

fn wanted(ranges: &[(String, u16)], media: &str) -> Option<Wanted> {
    let exactness = |range: &str| match range {
        _ if range == media => Some(2),
        "application/*" => Some(1),
        "*/*" => Some(0),
        _ => None,
    };
    ranges
        .iter()
        .filter_map(|(range, quality)| Some((exactness(range)?, *quality)))
        .max()
        .map(|(exactness, quality)| (quality, exactness))
        .filter(|(quality, _)| *quality > 0)
}

#[cfg(test)]
mod tests {
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
