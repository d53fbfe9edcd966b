//! Reading cookies, which have another name behind https (contracts: Better Auth, 5).

use axum::http::{HeaderMap, header};

/// The value of a cookie of Better Auth's; behind https only the one with the `__Secure-` prefix counts.
pub(super) fn cookie<'a>(headers: &'a HeaderMap, is_https: bool, name: &str) -> Option<&'a str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|it| it.to_str().ok())
        .flat_map(|it| it.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find_map(|(it, value)| {
            let plain = if is_https { it.strip_prefix("__Secure-")? } else { it };
            (plain == name).then_some(value)
        })
}

/// The value of the session cookie.
pub fn session_cookie(headers: &HeaderMap, is_https: bool) -> Option<&str> {
    cookie(headers, is_https, "better-auth.session_token")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(text: &str) -> HeaderMap {
        [(header::COOKIE, text.parse().unwrap())].into_iter().collect()
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
