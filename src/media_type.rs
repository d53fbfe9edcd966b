//! Media types in `Content-Type` and `Accept` (RFC 9110, sections 8.3.1 and 12.5.1).

use axum::http::{HeaderMap, header};

/// A media type or range, and its parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MediaType {
    /// Type and subtype, in lower case: empty where the header is not text.
    pub(crate) essence: String,
    /// Names in lower case, values without their quotes.
    parameters: Vec<(String, String)>,
}

impl MediaType {
    /// What a text says, in one entry of a header.
    pub(crate) fn parse(text: &str) -> Self {
        let mut fields = split_outside_quotes(text, ';');
        let essence = fields.next().unwrap_or_default().to_ascii_lowercase();
        let parameters = fields.filter_map(|it| it.split_once('='));
        let parameters = parameters.map(|(name, value)| (name.trim().to_ascii_lowercase(), unquoted(value.trim())));
        Self { essence, parameters: parameters.collect() }
    }

    /// The media type of a body, if the request names one. An empty header names none.
    pub(crate) fn of_body(headers: &HeaderMap) -> Option<Self> {
        let header = headers.get(header::CONTENT_TYPE).filter(|it| !it.is_empty())?;
        Some(Self::parse(header.to_str().unwrap_or_default()))
    }

    /// The media ranges that a client accepts, in its order, if it says so.
    pub(crate) fn accepted(headers: &HeaderMap) -> Option<Vec<Self>> {
        let mut values = headers.get_all(header::ACCEPT).iter().filter_map(|it| it.to_str().ok()).peekable();
        values.peek()?;
        let entries = values.flat_map(|it| split_outside_quotes(it, ',')).filter(|it| !it.is_empty());
        Some(entries.map(Self::parse).collect())
    }

    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(it, _)| it == name).map(|(_, value)| value.as_str())
    }

    /// Whether it is JSON, or a format that is based on it.
    pub(crate) fn is_json(&self) -> bool {
        self.essence == "application/json"
            || (self.essence.starts_with("application/") && self.essence.ends_with("+json"))
    }

    /// How much a client wants what the range covers, in thousandths.
    pub(crate) fn quality(&self) -> u16 {
        let quality = self.parameter("q").map_or(1.0, |it| it.parse::<f32>().unwrap_or(0.0));
        (quality.clamp(0.0, 1.0) * 1000.0).round() as u16
    }

    /// How exactly the range names a media type; nothing when it does not cover it.
    pub(crate) fn exactness(&self, media_type: &str) -> Option<u8> {
        match self.essence.as_str() {
            range if range == media_type => Some(2),
            "*/*" => Some(0),
            range => {
                let (kind, _) = media_type.split_once('/')?;
                (range.strip_suffix("/*") == Some(kind)).then_some(1)
            }
        }
    }
}

fn split_outside_quotes(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let mut is_quoted = false;
    let separates = move |it: char| {
        is_quoted ^= it == '"';
        it == separator && !is_quoted
    };
    text.split(separates).map(str::trim)
}

fn unquoted(value: &str) -> String {
    value.strip_prefix('"').and_then(|it| it.strip_suffix('"')).unwrap_or(value).to_owned()
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderName;

    use super::*;

    fn headers(name: HeaderName, value: &str) -> HeaderMap {
        [(name, value.parse().unwrap())].into_iter().collect()
    }

    #[test]
    fn case_and_parameters_do_not_change_a_media_type() {
        for text in ["application/json", "Application/JSON ; charset=\"utf-8\"", "application/json;a=\"b;c\""] {
            let media_type = MediaType::of_body(&headers(header::CONTENT_TYPE, text)).unwrap();
            assert!(media_type.is_json(), "{text}");
        }
        for text in ["text/json", "application/jsonp", "application/x; y=application/json"] {
            let media_type = MediaType::of_body(&headers(header::CONTENT_TYPE, text)).unwrap();
            assert!(!media_type.is_json(), "{text}");
        }
        for none in [HeaderMap::new(), headers(header::CONTENT_TYPE, "")] {
            assert_eq!(MediaType::of_body(&none), None);
        }
    }

    #[test]
    fn ranges_have_a_quality_and_cover_media_types() {
        let text = "a/b;x=\"1,2\";q=0.25, application/*;Q=2, */*;q=?, application/json";
        let ranges = MediaType::accepted(&headers(header::ACCEPT, text)).unwrap();
        assert_eq!(ranges.iter().map(MediaType::quality).collect::<Vec<_>>(), [250, 1000, 0, 1000]);
        let exactness: Vec<_> = ranges.iter().map(|it| it.exactness("application/json")).collect();
        assert_eq!(exactness, [None, Some(1), Some(0), Some(2)]);
        assert_eq!(ranges[0].parameter("x"), Some("1,2"));
    }
}
