//! The path below which a proxy has Docket. Some proxies take it off, and others pass it on.

use std::sync::Arc;

use axum::http::{Request, Uri, uri::PathAndQuery};
use url::Url;

/// A path such as `/docket`, or nothing.
#[derive(Clone, Debug)]
pub(super) struct PathPrefix(Arc<str>);

impl PathPrefix {
    /// The path of the URL that clients see.
    pub(super) fn of(base_url: &Url) -> Self {
        Self(base_url.path().trim_end_matches('/').into())
    }

    /// The path, without a slash at its end.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// Takes the prefix off the path of a request, if it is there.
    pub(super) fn take_off<B>(&self, request: &mut Request<B>) {
        if let Some(uri) = self.without(request.uri()) {
            *request.uri_mut() = uri;
        }
    }

    fn without(&self, uri: &Uri) -> Option<Uri> {
        let rest = uri.path().strip_prefix(&*self.0).filter(|_| !self.0.is_empty())?;
        let path = match rest {
            "" => "/",
            rest if rest.starts_with('/') => rest,
            _ => return None,
        };
        let path: PathAndQuery = match uri.query() {
            Some(query) => format!("{path}?{query}").parse().ok()?,
            None => path.parse().ok()?,
        };
        let mut parts = uri.clone().into_parts();
        parts.path_and_query = Some(path);
        Uri::from_parts(parts).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(prefix: &str, uri: &str) -> String {
        let mut request = Request::builder().uri(uri).body(()).unwrap();
        let base = Url::parse("https://app.example").unwrap().join(prefix).unwrap();
        PathPrefix::of(&base).take_off(&mut request);
        request.uri().to_string()
    }

    #[test]
    fn the_prefix_is_taken_off_once_and_only_where_a_segment_ends() {
        for (uri, expected) in [
            ("/docket", "/"),
            ("/docket/", "/"),
            ("/docket?a=b", "/?a=b"),
            ("/docket/api/x?a=%2F", "/api/x?a=%2F"),
            ("/docket//x", "//x"),
            ("/docket/docket/x", "/docket/x"),
            ("/dockets/x", "/dockets/x"),
            ("/api/x", "/api/x"),
            ("*", "*"),
            ("http://app.example/docket/x", "http://app.example/x"),
        ] {
            assert_eq!(path("/docket", uri), expected, "{uri}");
        }
        assert_eq!(path("/a/b/", "/a/b/c"), "/c");
        assert_eq!(path("/", "/docket/x"), "/docket/x");
    }
}
