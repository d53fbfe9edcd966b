//! As much of HTTP/1.1 (RFC 9112) as refusing takes: where a request ends that came whole, and what its answer hangs on.

use axum::http::{HeaderName, Method, header};
use httparse::{EMPTY_HEADER, Header, Status};

/// How many bytes are read at a time; a request that is waited for has fewer.
pub(super) const MOST: usize = 16 << 10;
/// How many headers.
const MAX_HEADERS: usize = 64;

/// Room for the headers of a request.
pub(super) type Headers<'b> = [Header<'b>; MAX_HEADERS];

/// None yet.
pub(super) const NO_HEADERS: Headers<'_> = [EMPTY_HEADER; MAX_HEADERS];

/// What has come of a request.
#[derive(Debug)]
pub(super) enum Asked<'h, 'b> {
    /// Not enough to tell; the rest is on its way.
    Part,
    /// A request, as far as it is looked at.
    Request(Request<'h, 'b>),
    /// No request, or none that is understood here.
    Unclear,
}

/// A request without its body.
#[derive(Debug)]
pub(super) struct Request<'h, 'b> {
    pub(super) method: Method,
    /// Without a query.
    pub(super) path: &'b str,
    pub(super) headers: &'h [Header<'b>],
    /// Whether its connection is good for another one, because it came whole and nothing else did.
    pub(super) stays: bool,
}

/// Reads what has come over a connection.
pub(super) fn read<'h, 'b>(bytes: &'b [u8], headers: &'h mut Headers<'b>) -> Asked<'h, 'b> {
    let mut parsed = httparse::Request::new(headers);
    let head = match parsed.parse(bytes) {
        Ok(Status::Complete(head)) => head,
        Ok(Status::Partial) if bytes.len() < MOST => return Asked::Part,
        _ => return Asked::Unclear,
    };
    let is_current = parsed.version == Some(1);
    let Some(mut request) = Request::of(parsed) else { return Asked::Unclear };
    // A body may have an end that is not looked for, or wait for a word before it comes.
    let Some(body) = request.body() else { return Asked::Request(request) };
    let whole = head.saturating_add(body);
    if bytes.len() < whole && whole < MOST {
        return Asked::Part;
    }
    request.stays = is_current && !request.says(&header::CONNECTION, "close") && bytes.len() == whole && whole < MOST;
    Asked::Request(request)
}

impl<'h, 'b> Request<'h, 'b> {
    fn of(parsed: httparse::Request<'h, 'b>) -> Option<Self> {
        let method = Method::from_bytes(parsed.method?.as_bytes()).ok()?;
        let path = parsed.path.filter(|it| it.starts_with('/'))?;
        let path = path.split_once('?').map_or(path, |(path, _)| path);
        Some(Self { method, path, headers: parsed.headers, stays: false })
    }

    /// The first value of a header.
    pub(super) fn header(&self, name: &HeaderName) -> Option<&'b [u8]> {
        self.all(name).next()
    }

    fn all(&self, name: &HeaderName) -> impl Iterator<Item = &'b [u8]> {
        self.headers.iter().filter(|it| it.name.eq_ignore_ascii_case(name.as_str())).map(|it| it.value)
    }

    /// How many bytes the body has, if that can be told and they come without being asked for.
    fn body(&self) -> Option<usize> {
        if self.header(&header::TRANSFER_ENCODING).or(self.header(&header::EXPECT)).is_some() {
            return None;
        }
        let mut lengths = self.all(&header::CONTENT_LENGTH);
        match (lengths.next(), lengths.next()) {
            (None, _) => Some(0),
            (Some(length), None) => str::from_utf8(length).ok()?.parse().ok(),
            _ => None,
        }
    }

    fn says(&self, name: &HeaderName, word: &str) -> bool {
        let words = self.all(name).flat_map(|it| it.split(|byte| *byte == b','));
        words.map(<[u8]>::trim_ascii).any(|it| it.eq_ignore_ascii_case(word.as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn told(text: &str) -> &'static str {
        match read(text.as_bytes(), &mut { NO_HEADERS }) {
            Asked::Part => "part",
            Asked::Request(request) if request.stays => "stays",
            Asked::Request(_) => "ends",
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
            ("GET http://x/ HTTP/1.1\r\n\r\n", "unclear"),
        ] {
            assert_eq!(told(text), expected, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_request_or_are_not(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = read(&bytes, &mut { NO_HEADERS });
        }
    }
}
