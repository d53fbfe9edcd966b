//! As much of HTTP/1.1 (RFC 9112) as refusing takes: where a request ends that came whole, and an answer in bytes.

use axum::{
    http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Version, header},
    response::Response,
};
use futures_util::FutureExt;

/// How many bytes are read at a time; a request that is waited for has fewer.
pub(super) const MOST: usize = 16 << 10;
/// How many headers.
const MAX_HEADERS: usize = 64;
/// How long the body of a refusal may be.
const MAX_ANSWER: usize = 4 << 10;

/// What has come of a request.
#[derive(Debug)]
pub(super) enum Asked {
    /// Not enough to tell; the rest is on its way.
    Part,
    /// A request; whether its connection is good for another one, because it came whole and nothing else did.
    Request(Box<Request<()>>, bool),
    /// No request, or none that is understood here.
    Unclear,
}

/// Reads what has come over a connection.
pub(super) fn read(bytes: &[u8]) -> Asked {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut parsed = httparse::Request::new(&mut headers);
    let head = match parsed.parse(bytes) {
        Ok(httparse::Status::Complete(head)) => head,
        Ok(httparse::Status::Partial) if bytes.len() < MOST => return Asked::Part,
        _ => return Asked::Unclear,
    };
    let Some(request) = request(&parsed) else { return Asked::Unclear };
    let body = match body(request.headers()) {
        Some(length) => length,
        // It has an end that is not looked for, or waits for a word before it comes.
        None => return Asked::Request(Box::new(request), false),
    };
    let whole = head.saturating_add(body);
    if bytes.len() < whole && whole < MOST {
        return Asked::Part;
    }
    let stays = request.version() == Version::HTTP_11 && !says(request.headers(), &header::CONNECTION, "close");
    Asked::Request(Box::new(request), stays && bytes.len() == whole && whole < MOST)
}

fn request(parsed: &httparse::Request<'_, '_>) -> Option<Request<()>> {
    let mut request = Request::new(());
    *request.method_mut() = Method::from_bytes(parsed.method?.as_bytes()).ok()?;
    *request.uri_mut() = parsed.path?.parse().ok()?;
    *request.version_mut() = if parsed.version? == 1 { Version::HTTP_11 } else { Version::HTTP_10 };
    for it in parsed.headers.iter() {
        let name = HeaderName::from_bytes(it.name.as_bytes()).ok()?;
        request.headers_mut().append(name, HeaderValue::from_bytes(it.value).ok()?);
    }
    Some(request)
}

/// How many bytes the body has, if that can be told and they come without being asked for.
fn body(headers: &HeaderMap) -> Option<usize> {
    if headers.contains_key(header::TRANSFER_ENCODING) || headers.contains_key(header::EXPECT) {
        return None;
    }
    let mut lengths = headers.get_all(header::CONTENT_LENGTH).iter();
    match (lengths.next(), lengths.next()) {
        (None, _) => Some(0),
        (Some(length), None) => length.to_str().ok()?.parse().ok(),
        _ => None,
    }
}

fn says(headers: &HeaderMap, name: &HeaderName, word: &str) -> bool {
    let values = headers.get_all(name).iter().filter_map(|it| it.to_str().ok());
    values.flat_map(|it| it.split(',')).any(|it| it.trim().eq_ignore_ascii_case(word))
}

/// An answer as it is sent; whether it is the last of its connection.
pub(super) fn written(asked: &Method, answer: Response, is_last: bool) -> Vec<u8> {
    let (head, body) = answer.into_parts();
    // It is short and there already.
    let body = axum::body::to_bytes(body, MAX_ANSWER).now_or_never().and_then(Result::ok).unwrap_or_default();
    let mut bytes = Vec::with_capacity(1 << 10);
    let reason = head.status.canonical_reason().unwrap_or_default();
    line(&mut bytes, &[b"HTTP/1.1 ", head.status.as_str().as_bytes(), b" ", reason.as_bytes()]);
    for (name, value) in head.headers.iter().filter(|(name, _)| *name != header::CONTENT_LENGTH) {
        line(&mut bytes, &[name.as_str().as_bytes(), b": ", value.as_bytes()]);
    }
    if is_last {
        line(&mut bytes, &[b"connection: close"]);
    }
    line(&mut bytes, &[b"content-length: ", body.len().to_string().as_bytes()]);
    line(&mut bytes, &[]);
    if asked != Method::HEAD {
        bytes.extend_from_slice(&body);
    }
    bytes
}

fn line(bytes: &mut Vec<u8>, parts: &[&[u8]]) {
    for part in parts {
        bytes.extend_from_slice(part);
    }
    bytes.extend_from_slice(b"\r\n");
}

#[cfg(test)]
mod tests {
    use axum::response::IntoResponse;
    use proptest::prelude::*;

    use super::*;

    fn told(text: &str) -> &'static str {
        match read(text.as_bytes()) {
            Asked::Part => "part",
            Asked::Request(_, true) => "stays",
            Asked::Request(_, false) => "ends",
            Asked::Unclear => "unclear",
        }
    }

    #[test]
    fn a_connection_stays_when_its_request_came_whole_and_nothing_else_did() {
        let long = format!("POST / HTTP/1.1\r\ncontent-length: {}\r\n\r\n{{", MOST);
        let endless = format!("GET / HTTP/1.1\r\nx: {}", "x".repeat(MOST));
        for (text, expected) in [
            ("", "part"),
            ("GET /api/x/ta", "part"),
            ("GET / HTTP/1.1\r\nhost: x\r\n", "part"),
            ("GET / HTTP/1.1\r\nhost: x\r\n\r\n", "stays"),
            ("GET / HTTP/1.1\r\nhost: x\r\n\r\nGET / HTTP/1.1\r\n\r\n", "ends"),
            ("GET / HTTP/1.0\r\nhost: x\r\n\r\n", "ends"),
            ("GET / HTTP/1.1\r\nConnection: x, Close\r\n\r\n", "ends"),
            ("POST / HTTP/1.1\r\ncontent-length: 2\r\n\r\n", "part"),
            ("POST / HTTP/1.1\r\ncontent-length: 2\r\n\r\n{", "part"),
            ("POST / HTTP/1.1\r\ncontent-length: 2\r\n\r\n{}", "stays"),
            ("POST / HTTP/1.1\r\ncontent-length: 2\r\n\r\n{}.", "ends"),
            ("POST / HTTP/1.1\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n{}", "ends"),
            ("POST / HTTP/1.1\r\ncontent-length: 18446744073709551615\r\n\r\n{}", "ends"),
            ("POST / HTTP/1.1\r\ncontent-length: 2\r\nexpect: 100-continue\r\n\r\n", "ends"),
            ("POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n", "ends"),
            (&long, "ends"),
            (&endless, "unclear"),
            ("\u{16}\u{3}\u{1}", "unclear"),
            ("GET http:// HTTP/1.1\r\n\r\n", "unclear"),
        ] {
            assert_eq!(told(text), expected, "{text:?}");
        }
    }

    #[test]
    fn an_answer_is_as_long_as_it_says() {
        let answer = || ([("retry-after", "1"), ("content-length", "77")], "{}").into_response();
        let bytes = |method: &Method, is_last| String::from_utf8(written(method, answer(), is_last)).unwrap();
        let (start, end) = ("HTTP/1.1 200 OK\r\n", "content-length: 2\r\n\r\n{}");
        let kept = bytes(&Method::GET, false);
        assert!(kept.starts_with(start) && kept.ends_with(end) && !kept.contains("close"), "{kept}");
        assert_eq!(kept.matches("content-length").count(), 1);
        assert!(kept.contains("retry-after: 1\r\n"));
        assert!(bytes(&Method::GET, true).contains("connection: close\r\n"));
        assert!(bytes(&Method::HEAD, false).ends_with("content-length: 2\r\n\r\n"));
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_request_or_are_not(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = read(&bytes);
        }
    }
}
