//! Refusals in bytes. Those of one door to pages of one origin are alike but for the ids of their requests, so that they
//! are written once: to make one takes longer than all else that is not the kernel's.

use axum::{
    body::Bytes,
    http::{HeaderMap, HeaderName, HeaderValue, Method, header},
    response::Response,
};
use futures_util::FutureExt;

use super::{
    super::{
        front::{self, REQUEST_ID},
        gate::{Door, Gate},
    },
    request::Request,
};

/// How long the body of a refusal may be.
const MAX_BODY: usize = 4 << 10;
/// How many answers are kept; there are as many as doors for each trusted origin, and what others say is theirs.
const KEPT: usize = 32;

/// Those that were written.
pub(super) struct Answers {
    gate: Gate,
    kept: Vec<Kept>,
}

/// One of them, and what it was the answer to.
struct Kept {
    door: Door,
    origin: Option<Vec<u8>>,
    answer: Written,
}

/// An answer as it is sent, but for what is its request's alone.
struct Written {
    head: Vec<u8>,
    body: Bytes,
}

impl Answers {
    pub(super) fn new(gate: Gate) -> Self {
        Self { gate, kept: Vec::new() }
    }

    /// Writes the refusal of a request.
    pub(super) fn write(&mut self, door: Door, request: &Request<'_, '_>, into: &mut Vec<u8>) {
        let origin = request.header(&header::ORIGIN);
        let id = request.header(&REQUEST_ID).and_then(|it| HeaderValue::from_bytes(it).ok());
        let end = (front::request_id(id.as_ref()), !request.stays);
        // What a browser asks before it sends something is answered in another way.
        if request.method == Method::OPTIONS {
            return self.written(door, request).put(end, into);
        }
        let known = self.kept.iter().position(|it| it.door == door && it.origin.as_deref() == origin);
        let place = known.unwrap_or_else(|| {
            if self.kept.len() == KEPT {
                self.kept.clear();
            }
            let kept = Kept { door, origin: origin.map(<[u8]>::to_vec), answer: self.written(door, request) };
            self.kept.push(kept);
            self.kept.len() - 1
        });
        if let Some(Kept { answer, .. }) = self.kept.get(place) {
            answer.put(end, into);
            if request.method == Method::HEAD {
                into.truncate(into.len() - answer.body.len());
            }
        }
    }

    fn written(&self, door: Door, request: &Request<'_, '_>) -> Written {
        let named = |it: &httparse::Header<'_>| {
            Some((HeaderName::from_bytes(it.name.as_bytes()).ok()?, HeaderValue::from_bytes(it.value).ok()?))
        };
        let headers: HeaderMap = request.headers.iter().filter_map(named).collect();
        Written::from(self.gate.refusal(door, &request.method, &headers))
    }
}

impl From<Response> for Written {
    fn from(answer: Response) -> Self {
        let (parts, body) = answer.into_parts();
        // It is short and there already.
        let body = axum::body::to_bytes(body, MAX_BODY).now_or_never().and_then(Result::ok).unwrap_or_default();
        let mut head = Vec::new();
        let reason = parts.status.canonical_reason().unwrap_or_default();
        line(&mut head, &[b"HTTP/1.1 ", parts.status.as_str().as_bytes(), b" ", reason.as_bytes()]);
        for (name, value) in parts.headers.iter().filter(|(name, _)| *name != header::CONTENT_LENGTH) {
            line(&mut head, &[name.as_str().as_bytes(), b": ", value.as_bytes()]);
        }
        line(&mut head, &[b"content-length: ", body.len().to_string().as_bytes()]);
        Self { head, body }
    }
}

impl Written {
    /// Puts it there, under the id of its request; whether it is the last of its connection.
    fn put(&self, (id, is_last): (HeaderValue, bool), into: &mut Vec<u8>) {
        into.extend_from_slice(&self.head);
        line(into, &[REQUEST_ID.as_str().as_bytes(), b": ", id.as_bytes()]);
        if is_last {
            line(into, &[b"connection: close"]);
        }
        line(into, &[]);
        into.extend_from_slice(&self.body);
    }
}

fn line(bytes: &mut Vec<u8>, parts: &[&[u8]]) {
    for part in parts {
        bytes.extend_from_slice(part);
    }
    bytes.extend_from_slice(b"\r\n");
}

#[cfg(test)]
mod tests {
    use prometheus_client::metrics::counter::Counter;
    use tower_http::cors::CorsLayer;

    use super::{
        super::{
            super::front::Safety,
            request::{Asked, NO_HEADERS, read},
        },
        *,
    };

    const TRUSTED: &str = "https://trusted.example";

    fn refused(answers: &mut Answers, request: &str) -> String {
        let mut headers = NO_HEADERS;
        let Asked::Request(request) = read(request.as_bytes(), &mut headers) else { panic!("{request}") };
        let mut bytes = Vec::new();
        answers.write(Door::of(request.path).unwrap(), &request, &mut bytes);
        String::from_utf8(bytes).unwrap()
    }

    fn answers() -> Answers {
        let cors = CorsLayer::new().allow_origin([HeaderValue::from_static(TRUSTED)]).allow_methods([Method::PUT]);
        Answers::new(Gate::new(Counter::default(), (cors, Safety { is_https: true })))
    }

    #[test]
    fn each_request_gets_the_answer_of_its_door_for_its_origin_under_its_id() {
        let mut answers = answers();
        // Twice, so that each is made once and taken once from what is kept.
        for _ in 0..2 {
            for (request, is_ended, expected) in [
                ("GET /api/x/tasks?a=b HTTP/1.1\r\nx-request-id: one\r\n", false, "x-request-id: one\r\n"),
                ("GET /api/x/tasks HTTP/1.1\r\nx-request-id: o ne\r\n", false, "x-request-id: 0"),
                ("GET /api/x/tasks HTTP/1.1\r\nconnection: close\r\n", true, "connection: close\r\n"),
                ("GET /api/x/tasks HTTP/1.1\r\n", false, "{\"detail\":"),
                ("POST /api/auth/sign-in/email HTTP/1.1\r\n", false, "{\"message\":"),
                ("POST /graphql HTTP/1.1\r\n", false, "{\"errors\":"),
            ] {
                for origin in [TRUSTED, "https://other.example"] {
                    let answer = refused(&mut answers, &format!("{request}origin: {origin}\r\n\r\n"));
                    assert!(answer.starts_with("HTTP/1.1 503 Service Unavailable\r\n"), "{answer}");
                    assert!(
                        answer.contains(expected) && answer.contains("\r\nretry-after: 1\r\n"),
                        "{request} {answer}"
                    );
                    assert_eq!(answer.contains("connection: close"), is_ended, "{answer}");
                    assert_eq!(answer.matches("content-length").count(), 1, "{answer}");
                    assert!(answer.contains("\r\nstrict-transport-security: max-age="), "{answer}");
                    let allowed = format!("access-control-allow-origin: {TRUSTED}\r\n");
                    assert_eq!(answer.contains(&allowed), origin == TRUSTED, "{answer}");
                    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
                    assert!(head.contains(&format!("\r\ncontent-length: {}\r\n", body.len())), "{answer}");
                }
            }
        }
    }

    #[test]
    fn head_has_no_body_and_what_browsers_ask_before_is_answered() {
        let mut answers = answers();
        let answer = refused(&mut answers, "HEAD /graphql HTTP/1.1\r\n\r\n");
        assert!(answer.starts_with("HTTP/1.1 503 ") && answer.ends_with("\r\n\r\n"), "{answer}");
        assert!(!answer.contains("content-length: 0"));
        let before = format!("origin: {TRUSTED}\r\naccess-control-request-method: PUT\r\n\r\n");
        let answer = refused(&mut answers, &format!("OPTIONS /graphql HTTP/1.1\r\n{before}"));
        assert!(
            answer.starts_with("HTTP/1.1 200 ") && answer.contains("access-control-allow-methods: PUT"),
            "{answer}"
        );
        assert!(refused(&mut answers, "GET /graphql HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 503 "));
    }

    #[test]
    fn origins_that_are_made_up_take_no_more_room() {
        let mut answers = answers();
        for number in 0..1000 {
            let answer = refused(&mut answers, &format!("GET /graphql HTTP/1.1\r\norigin: https://{number}\r\n\r\n"));
            assert!(answer.contains(" 503 ") && answers.kept.len() <= KEPT);
        }
    }
}
