//! Answers are compressed where the client takes it and it pays, and never where a secret is in them.

use std::io::Read;

use flate2::read::GzDecoder;
use reqwest::{RequestBuilder, Response};
use serde_json::{Value, json};

use crate::support::{Answer, App, PASSWORD};

async fn compressed(request: RequestBuilder) -> Response {
    request.header("accept-encoding", "br, gzip;q=0.8").send().await.unwrap()
}

fn encoding(response: &Response) -> Option<&str> {
    response.headers().get("content-encoding").map(|it| it.to_str().unwrap())
}

#[tokio::test]
async fn long_answers_are_compressed_for_those_who_take_it_and_stay_the_same() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    for number in 0..20 {
        app.rest_task(&ann, json!({ "title": format!("task {number}"), "description": "long ".repeat(20) })).await;
    }
    let query = json!({ "query": "{ tasks(first: 20) { nodes { title description } } }" });
    let rest = || app.request("GET", &format!("/api/{}/tasks", ann.id)).bearer_auth(&ann.token);
    let graphql = || app.request("POST", "/graphql").bearer_auth(&ann.token).json(&query);
    let document = || app.request("GET", "/openapi.json");
    let all: [&dyn Fn() -> RequestBuilder; 3] = [&rest, &graphql, &document];
    for request in all {
        let plain = Answer::of(request()).await;
        assert!(plain.status == 200 && plain.text.len() > 1024, "{plain:?}");
        assert_eq!(plain.header("content-encoding"), "");
        let response = compressed(request()).await;
        assert_eq!(encoding(&response), Some("gzip"));
        let vary: Vec<_> = response.headers().get_all("vary").iter().map(|it| it.to_str().unwrap()).collect();
        assert!(vary.join(",").contains("accept-encoding"), "{vary:?}");
        let bytes = response.bytes().await.unwrap();
        assert!(bytes.len() < plain.text.len() / 3, "{} of {}", bytes.len(), plain.text.len());
        let mut text = String::new();
        GzDecoder::new(&bytes[..]).read_to_string(&mut text).unwrap();
        let (one, other): (Value, Value) =
            (serde_json::from_str(&text).unwrap(), serde_json::from_str(&plain.text).unwrap());
        assert_eq!(one, other);
    }
    let refused = rest().header("accept-encoding", "gzip;q=0, identity").send().await.unwrap();
    assert_eq!(encoding(&refused), None);
}

#[tokio::test]
async fn short_answers_streams_and_whatever_has_a_token_are_not_compressed() {
    let app = App::spawn().await;
    let ann = app.person("ann").await;
    let tasks = app.request("GET", &format!("/api/{}/tasks", ann.id)).bearer_auth(&ann.token);
    assert_eq!(encoding(&compressed(tasks).await), None, "a short one");
    let stream = app.request("POST", "/graphql").bearer_auth(&ann.token).header("accept", "text/event-stream");
    let query = json!({ "query": "{ __schema { types { name description fields { name description } } } }" });
    assert_eq!(encoding(&compressed(stream.json(&query)).await), None, "a stream");
    let picture = format!("data:image/png;base64,{}", "A".repeat(1500));
    let update =
        app.request("POST", "/api/auth/update-user").bearer_auth(&ann.session).json(&json!({ "image": picture }));
    Answer::of(update).await.expect(200);
    let session = app.request("GET", "/api/auth/get-session").bearer_auth(&ann.session);
    let sign_in = json!({ "email": ann.email, "password": PASSWORD });
    let sign_in = app.request("POST", "/api/auth/sign-in/email").json(&sign_in);
    let login = app.request("POST", "/api/auth/login").json(&json!({ "email": ann.email, "password": PASSWORD }));
    for (request, name) in [(session, "get-session"), (sign_in, "sign-in"), (login, "login")] {
        let response = compressed(request).await;
        assert_eq!((response.status().as_u16(), encoding(&response)), (200, None), "{name}");
        assert!(response.text().await.unwrap().len() > 1024, "{name}: long enough to be compressed");
    }
}
