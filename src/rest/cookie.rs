//! Reads Better Auth's cookies, whose names have a prefix behind https.
//! See docs/contracts/better-auth.md#cookies.

use axum::http::{HeaderMap, header};

/// The value of a cookie of Better Auth's; behind https only the one with the `__Secure-` prefix counts. Cookies of
/// others on the same host may be in any bytes: they are passed over one by one.
pub(super) fn cookie<'a>(headers: &'a HeaderMap, is_https: bool, name: &str) -> Option<&'a str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .flat_map(|it| it.as_bytes().split(|byte| *byte == b';'))
        .filter_map(|pair| str::from_utf8(pair).ok()?.trim().split_once('='))
        .find_map(|(it, value)| {
            let plain = if is_https { it.strip_prefix("__Secure-")? } else { it };
            (plain.trim_end() == name).then(|| unquoted(value.trim_start()))
        })
}

/// A value may stand in double quotes (RFC 6265, section 4.1.1).
fn unquoted(value: &str) -> &str {
    value.strip_prefix('"').and_then(|it| it.strip_suffix('"')).unwrap_or(value)
}

/// The name of the session cookie, which behind https has a prefix.
pub(super) const SESSION_COOKIE: &str = "better-auth.session_token";

/// The value of the session cookie.
pub fn session_cookie(headers: &HeaderMap, is_https: bool) -> Option<&str> {
    cookie(headers, is_https, SESSION_COOKIE)
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn headers(text: &str) -> HeaderMap {
        [(header::COOKIE, HeaderValue::from_bytes(text.as_bytes()).unwrap())].into_iter().collect()
    }

    #[test]
    fn cookies_of_others_hide_none_and_quotes_are_no_part_of_a_value() {
        for text in [
            "y=Zürich; better-auth.session_token=x.y",
            "better-auth.session_token=x.y; y=Zürich",
            "better-auth.session_token=\"x.y\"",
            "; =; novalue; better-auth.session_token = x.y",
        ] {
            assert_eq!(session_cookie(&headers(text), false), Some("x.y"), "{text}");
        }
        let bytes = HeaderValue::from_bytes(b"a=\xff; better-auth.session_token=x.y").unwrap();
        assert_eq!(session_cookie(&[(header::COOKIE, bytes)].into_iter().collect(), false), Some("x.y"));
        let mut several = headers("y=Zürich");
        several.append(header::COOKIE, HeaderValue::from_static("better-auth.session_token=x.y"));
        assert_eq!(session_cookie(&several, false), Some("x.y"));
    }

    #[test]
    fn a_cookie_is_found_among_others() {
        let headers = headers("a=b; better-auth.session_token=x.y%3D;c=d");
        assert_eq!(session_cookie(&headers, false), Some("x.y%3D"));
    }

    #[test]
    fn behind_https_the_prefix_is_needed() {
        assert_eq!(session_cookie(&headers("better-auth.session_token=x"), true), None);
        assert_eq!(session_cookie(&headers("__Secure-better-auth.session_token=x"), true), Some("x"));
        assert_eq!(session_cookie(&headers("__Secure-better-auth.session_token=x"), false), None);
    }
}
