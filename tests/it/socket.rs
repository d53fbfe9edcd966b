//! GraphQL over WebSocket: who may connect, for how long, and what closes a socket.
//! See docs/contracts/graphql-http.md#websocket, docs/graphql.md#close-codes and
//! docs/contracts/reliability.md#credentials.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{
        self, Message,
        client::IntoClientRequest,
        http::{HeaderValue, StatusCode},
    },
};

use crate::{
    support::{Answer, App, PASSWORD, Person, text},
    tokens::{hs256, in_seconds},
};

/// How long anything here may take: access that ends must be noticed within ten seconds.
const PATIENCE: Duration = Duration::from_secs(10);
const CHANGES: &str = "subscription { changes { kind id: nodeId node { ... on Task { title } } } }";

/// A subscription to all changes since the first.
async fn from_the_first(app: &App, person: &Person) -> String {
    CHANGES.replace("changes", &format!("changes(after: \"{}\")", app.token_at(person, 0).await))
}

/// A client of the sub-protocol.
pub struct Socket(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Socket {
    async fn open(app: &App, headers: &[(&'static str, &str)]) -> Result<Self, StatusCode> {
        let mut request = format!("{}/graphql", app.base.replace("http:", "ws:")).into_client_request().unwrap();
        for (name, value) in [("sec-websocket-protocol", "graphql-transport-ws")].iter().chain(headers) {
            request.headers_mut().insert(*name, HeaderValue::from_str(value).unwrap());
        }
        match connect_async(request).await {
            Ok((socket, _)) => Ok(Self(socket)),
            Err(tungstenite::Error::Http(response)) => Err(response.status()),
            Err(error) => panic!("{error}"),
        }
    }

    /// A socket that has said who it is.
    pub async fn of(app: &App, credential: &str) -> Self {
        let mut socket = Self::open(app, &[]).await.unwrap();
        socket
            .send(json!({ "type": "connection_init", "payload": { "Authorization": format!("Bearer {credential}") } }))
            .await;
        assert_eq!(socket.next().await["type"], "connection_ack");
        socket
    }

    pub async fn send(&mut self, message: Value) {
        self.say(&message.to_string()).await;
    }

    async fn say(&mut self, text: &str) {
        self.0.send(Message::text(text)).await.unwrap();
    }

    pub async fn subscribe(&mut self, id: &str, query: &str) {
        self.send(json!({ "type": "subscribe", "id": id, "payload": { "query": query } })).await;
    }

    pub async fn next(&mut self) -> Value {
        loop {
            match timeout(PATIENCE, self.0.next()).await.unwrap() {
                Some(Ok(Message::Text(text))) => return serde_json::from_str(&text).unwrap(),
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                other => panic!("{other:?}"),
            }
        }
    }

    /// The close code and its reason.
    async fn closed(&mut self) -> (u16, String) {
        loop {
            match timeout(PATIENCE, self.0.next()).await.unwrap() {
                Some(Ok(Message::Close(Some(frame)))) => return (frame.code.into(), frame.reason.to_string()),
                Some(Ok(_)) => {}
                other => panic!("{other:?}"),
            }
        }
    }
}

#[tokio::test]
async fn changes_come_as_they_happen_and_only_ones_own() {
    let app = App::spawn().await;
    let (ann, bob) = (app.person("ann").await, app.person("bob").await);
    app.task(&ann, "before").await;
    app.task(&bob, "the neighbour's").await;
    for credential in [&ann.token, &ann.session] {
        let mut socket = Socket::of(&app, credential).await;
        socket.subscribe("a", &from_the_first(&app, &ann).await).await;
        assert_eq!(socket.next().await["payload"]["data"]["changes"]["node"]["title"], "before");
        app.task(&bob, "another of the neighbour's").await;
        let id = app.task(&ann, "now").await;
        loop {
            let next = socket.next().await;
            assert!(next["type"] == "next" && next["id"] == "a" && !next.to_string().contains("neighbour"), "{next}");
            if next["payload"]["data"]["changes"]["id"] == id.as_str() {
                break;
            }
        }
        socket.send(json!({ "type": "complete", "id": "a" })).await;
    }
}

#[tokio::test]
async fn changes_made_at_another_instance_come_too() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    let other = app.beside(&[]).await;
    let mut socket = Socket::of(&other, &ann.session).await;
    socket.subscribe("a", &from_the_first(&app, &ann).await).await;
    let id = app.task(&ann, "over there").await;
    assert_eq!(socket.next().await["payload"]["data"]["changes"]["id"], id.as_str());
}

#[tokio::test]
async fn queries_and_mutations_work_too_and_faults_are_error_messages() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    let bob = app.person("bob").await;
    app.task(&bob, "x").await;
    let foreign = app.graphql(&bob, "{ syncToken }", json!({})).await.data();
    let mut socket = Socket::of(&app, &ann.token).await;
    socket.subscribe("q", "mutation { createTask(input: { title: \"x\" }) { task { title } } }").await;
    assert_eq!(socket.next().await["payload"]["data"]["createTask"]["task"]["title"], "x");
    assert_eq!(socket.next().await, json!({ "type": "complete", "id": "q" }));
    for (query, code) in [
        ("{", "GRAPHQL_PARSE_FAILED"),
        ("{ nothing }", "GRAPHQL_VALIDATION_FAILED"),
        ("subscription($s: String!) { changes(after: $s) { nodeId } }", "BAD_USER_INPUT"),
        ("{ tasks(first: 99999) { nodes { id } } }", "QUERY_TOO_EXPENSIVE"),
        // What cannot be followed is not started.
        ("subscription { changes(after: \"nonsense\") { nodeId } }", "BAD_USER_INPUT"),
        (&format!("subscription {{ changes(after: {}) {{ nodeId }} }}", foreign["syncToken"]), "BAD_USER_INPUT"),
    ] {
        socket.subscribe("q", query).await;
        let refused = socket.next().await;
        assert_eq!((&refused["type"], &refused["payload"][0]["extensions"]["code"]), (&json!("error"), &json!(code)));
    }
}

/// What an operation still had to say when its client left it is not taken for the next one's of the same id.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_id_that_is_used_again_belongs_to_its_new_operation() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    let mut socket = Socket::of(&app, &ann.token).await;
    for turn in 0..2000 {
        // All at once, with so many pings between that the first answer is waiting to be sent when its id is freed.
        let mut messages = vec![json!({ "type": "subscribe", "id": "a", "payload": { "query": "{ __typename }" } })];
        messages.extend(vec![json!({ "type": "ping" }); turn % 30]);
        messages.push(json!({ "type": "complete", "id": "a" }));
        messages.push(json!({ "type": "subscribe", "id": "a", "payload": { "query": "{ me { id } }" } }));
        for message in messages {
            socket.0.feed(Message::text(message.to_string())).await.unwrap();
        }
        socket.0.flush().await.unwrap();
        while socket.next().await["payload"]["data"]["me"]["id"] != ann.id.as_str() {}
        assert_eq!(socket.next().await, json!({ "type": "complete", "id": "a" }));
    }
}

#[tokio::test]
async fn a_client_shows_who_it_is_in_its_payload_or_in_the_headers_of_that() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    let bearer = format!("Bearer {}", ann.session);
    for payload in [
        json!({ "authorization": bearer }),
        json!({ "Authorization": bearer }),
        json!({ "headers": { "authorization": bearer } }),
        json!({ "headers": { "Authorization": bearer, "x-other": 1 } }),
    ] {
        let mut socket = Socket::open(&app, &[]).await.unwrap();
        socket.send(json!({ "type": "connection_init", "payload": payload })).await;
        assert_eq!(socket.next().await["type"], "connection_ack", "{payload}");
    }
}

#[tokio::test]
async fn each_breach_of_the_protocol_has_its_close_code() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    let init = json!({ "type": "connection_init", "payload": { "Authorization": format!("Bearer {}", ann.token) } });
    let subscribe = json!({ "type": "subscribe", "id": "a", "payload": { "query": CHANGES } });
    let init_with = |payload: Value| json!({ "type": "connection_init", "payload": payload });
    for (messages, code) in [
        (vec![json!("text")], 4400),
        (vec![json!({ "type": "nothing" })], 4400),
        (vec![json!({ "type": "ping", "payload": 1 })], 4400),
        (vec![init.clone(), json!({ "type": "subscribe", "id": "", "payload": { "query": "{ me { id } }" } })], 4400),
        (vec![init.clone(), json!({ "type": "subscribe", "id": "a", "payload": { "query": 1 } })], 4400),
        (vec![subscribe.clone()], 4401),
        (vec![init_with(Value::Null)], 4403),
        (vec![init_with(json!({ "headers": { "authorization": "Bearer x" } }))], 4403),
        (vec![init_with(json!({ "headers": 1 }))], 4403),
        (vec![init_with(json!({ "Authorization": format!("Bearer {}x", ann.token) }))], 4403),
        (vec![init_with(json!({ "Authorization": ann.token }))], 4403),
        (vec![], 4408),
        (vec![init.clone(), subscribe.clone(), subscribe.clone()], 4409),
        (vec![init.clone(), init.clone()], 4429),
    ] {
        let mut socket = Socket::open(&app, &[]).await.unwrap();
        for message in &messages {
            socket.send(message.clone()).await;
        }
        assert_eq!(socket.closed().await.0, code, "{messages:?}");
    }
    let mut socket = Socket::of(&app, &ann.token).await;
    socket.say(&"x".repeat(100_000)).await;
    assert_eq!(socket.closed().await.0, 1009);
}

#[tokio::test]
async fn a_socket_closes_when_the_access_of_its_user_ends() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    let mut by_session = Socket::of(&app, &ann.session).await;
    let mut by_token = Socket::of(&app, &hs256(&json!({ "sub": ann.id, "exp": in_seconds(2) }))).await;
    let mut other = Socket::of(&app, &ann.token).await;
    assert_eq!(app.request("POST", "/api/auth/sign-out").bearer_auth(&ann.session).send().await.unwrap().status(), 200);
    let (session, token) = tokio::join!(by_session.closed(), by_token.closed());
    assert_eq!((session, token), ((4401, "Access ended".to_owned()), (4403, "Token expired".to_owned())));
    other.send(json!({ "type": "ping" })).await;
    assert_eq!(other.next().await["type"], "pong");
    let body = json!({ "email": ann.email, "password": PASSWORD });
    let again = text(&app.auth("/sign-in/email", body).await.expect(200)["token"]);
    let deleted =
        app.request("POST", "/api/auth/delete-user").bearer_auth(again).json(&json!({ "password": PASSWORD }));
    Answer::of(deleted).await.expect(200);
    assert_eq!(other.closed().await.0, 4401);
}

#[tokio::test]
async fn an_event_stream_ends_when_the_access_of_its_user_does() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    let ask = |credential: &str| {
        let body = json!({ "query": CHANGES });
        let request = app.request("POST", "/graphql").header("accept", "text/event-stream").bearer_auth(credential);
        let response = request.json(&body).send();
        async { timeout(PATIENCE, response.await.unwrap().text()).await.unwrap().unwrap() }
    };
    let short = hs256(&json!({ "sub": ann.id, "exp": in_seconds(2) }));
    let out = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        app.request("POST", "/api/auth/sign-out").bearer_auth(&ann.session).send().await.unwrap();
    };
    let (by_session, by_token, ()) = tokio::join!(ask(&ann.session), ask(&short), out);
    assert!(by_session.ends_with("event: complete\ndata: \n\n") && by_token.ends_with("data: \n\n"));
}

#[tokio::test]
async fn a_cookie_opens_a_socket_only_from_a_trusted_origin() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    let body = json!({ "email": ann.email, "password": PASSWORD });
    let signed_in = app.auth("/sign-in/email", body).await;
    let cookie = signed_in.cookies()[0].split(';').next().unwrap().to_owned();
    for (origin, status) in
        [(Some("https://evil.example"), Some(403)), (Some("http://localhost:3000"), None), (None, Some(403))]
    {
        let mut headers = vec![("cookie", cookie.as_str())];
        headers.extend(origin.map(|it| ("origin", it)));
        let opened = Socket::open(&app, &headers).await;
        assert_eq!(opened.as_ref().err().map(|it| it.as_u16()), status, "{origin:?}");
        if let Ok(mut socket) = opened {
            socket.send(json!({ "type": "connection_init" })).await;
            assert_eq!(socket.next().await["type"], "connection_ack");
        }
    }
    assert_eq!(Socket::open(&app, &[("authorization", "Bearer nothing")]).await.err(), Some(StatusCode::UNAUTHORIZED));
    let unknown = Socket::open(&app, &[("sec-websocket-protocol", "graphql-ws")]).await;
    assert_eq!(unknown.err(), Some(StatusCode::BAD_REQUEST));
}

#[tokio::test]
async fn a_server_that_stops_tells_its_sockets_to_come_back() {
    let mut app = App::spawn().await;
    let ann = app.person("ann").await;
    let mut socket = Socket::of(&app, &ann.token).await;
    socket.subscribe("a", CHANGES).await;
    let (closed, ()) = tokio::join!(
        async {
            let closed = socket.closed().await;
            drop(socket);
            closed
        },
        app.stop()
    );
    assert_eq!(closed.0, 1012);
}

#[tokio::test]
async fn operations_and_streams_are_bounded() {
    let app = App::spawn_with(&[("DOCKET_GRAPHQL_LIMITS", "operations=2, streams=2")]).await;
    let ann = app.person("ann").await;
    let mut socket = Socket::of(&app, &ann.token).await;
    for id in ["a", "b", "c"] {
        socket.subscribe(id, CHANGES).await;
    }
    let refused = socket.next().await;
    assert_eq!(
        (text(&refused["id"]), &refused["payload"][0]["extensions"]["limit"]),
        ("c".into(), &json!("operations"))
    );
    let _second = Socket::of(&app, &ann.token).await;
    let mut third = Socket::open(&app, &[]).await.unwrap();
    third
        .send(json!({ "type": "connection_init", "payload": { "authorization": format!("Bearer {}", ann.token) } }))
        .await;
    assert_eq!(third.closed().await.0, 1013);
    let body = json!({ "query": CHANGES });
    let stream = app.request("POST", "/graphql").header("accept", "text/event-stream").bearer_auth(&ann.token);
    assert_eq!(stream.json(&body).send().await.unwrap().status(), 429);
}

#[tokio::test]
async fn strangers_have_few_sockets_of_an_address_and_small_messages_until_they_say_who_they_are() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    let known = Socket::of(&app, &ann.token).await;
    let mut unknown = Vec::new();
    for _ in 0..64 {
        unknown.push(Socket::open(&app, &[]).await.unwrap());
    }
    assert_eq!(Socket::open(&app, &[]).await.err(), Some(StatusCode::TOO_MANY_REQUESTS));
    // A handshake that shows a user is no stranger's, and who leaves makes room.
    let bearer = format!("Bearer {}", ann.token);
    let shown = Socket::open(&app, &[("authorization", &bearer)]).await.unwrap();
    let mut first = unknown.remove(0);
    first.say(&json!({ "type": "connection_init", "payload": { "padding": "x".repeat(20_000) } }).to_string()).await;
    assert_eq!(first.closed().await.0, 1009);
    drop(first);
    let start = std::time::Instant::now();
    while Socket::open(&app, &[]).await.is_err() {
        assert!(start.elapsed() < PATIENCE);
        tokio::task::yield_now().await;
    }
    drop((known, shown));
}

#[tokio::test]
async fn a_server_stops_in_time_whether_its_sockets_answer_the_close_frame_or_not() {
    let mut app = App::spawn_with(&[("DOCKET_DRAIN_SECONDS", "0")]).await;
    let ann = app.person("ann").await;
    let silent = [Socket::of(&app, &ann.token).await, Socket::of(&app, &ann.token).await];
    let start = std::time::Instant::now();
    app.stop().await;
    assert!(start.elapsed() < Duration::from_secs(4), "{:?}", start.elapsed());
    drop(silent);
}
