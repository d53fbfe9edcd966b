//! Where a request says that it comes from: what protects against requests that foreign pages make a browser send.

use axum::http::{HeaderMap, header};

/// Where a request says that it comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RequestOrigin {
    /// It does not say, as programs do that are no browsers.
    Absent,
    /// It names nothing, or nothing that can be read.
    Unreadable,
    /// A page whose origin the browser withholds.
    Null,
    /// A page of a trusted origin.
    Trusted,
    /// A page of another origin.
    Untrusted,
}

impl RequestOrigin {
    /// Reads `Origin`, or `Referer` where there is none.
    pub(crate) fn of(headers: &HeaderMap, is_trusted: impl Fn(&str) -> bool) -> Self {
        let Some(value) = headers.get(header::ORIGIN).or_else(|| headers.get(header::REFERER)) else {
            return Self::Absent;
        };
        match value.to_str() {
            Err(_) | Ok("") => Self::Unreadable,
            Ok("null") => Self::Null,
            Ok(url) if is_trusted(url) => Self::Trusted,
            Ok(_) => Self::Untrusted,
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn the_referer_counts_where_there_is_no_origin() {
        let of = |pairs: &[(header::HeaderName, &[u8])]| {
            let headers = pairs.iter().map(|(name, value)| (name.clone(), HeaderValue::from_bytes(value).unwrap()));
            RequestOrigin::of(&headers.collect(), |url| url == "https://docket.example/a")
        };
        let (own, foreign) = (b"https://docket.example/a".as_slice(), b"https://evil.example".as_slice());
        for (pairs, expected) in [
            (vec![], RequestOrigin::Absent),
            (vec![(header::ORIGIN, own)], RequestOrigin::Trusted),
            (vec![(header::REFERER, own)], RequestOrigin::Trusted),
            (vec![(header::ORIGIN, foreign), (header::REFERER, own)], RequestOrigin::Untrusted),
            (vec![(header::ORIGIN, b"null"), (header::REFERER, own)], RequestOrigin::Null),
            (vec![(header::ORIGIN, b""), (header::REFERER, own)], RequestOrigin::Unreadable),
            (vec![(header::ORIGIN, b"https://\xff"), (header::REFERER, own)], RequestOrigin::Unreadable),
        ] {
            assert_eq!(of(&pairs), expected, "{pairs:?}");
        }
    }
}
