//! The OpenAPI document: that it says what clients need to know, and that the server does what it says.

use std::collections::{BTreeMap, BTreeSet};

use reqwest::{Client, RequestBuilder, redirect::Policy};
use serde_json::{Map, Value, json};

use crate::support::{Answer, App, Person, text};

/// An operation of the document.
#[derive(Debug)]
struct Operation {
    method: String,
    path: String,
    id: String,
    about: Value,
}

fn document() -> Value {
    serde_json::to_value(docket::rest::openapi::document()).unwrap()
}

fn operations(document: &Value) -> Vec<Operation> {
    let mut all = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, about) in item.as_object().unwrap() {
            let id = text(&about["operationId"]);
            all.push(Operation { method: method.to_uppercase(), path: path.clone(), id, about: about.clone() });
        }
    }
    all
}

impl Operation {
    fn responses(&self) -> &Map<String, Value> {
        self.about["responses"].as_object().unwrap()
    }

    fn parameters(&self) -> &[Value] {
        self.about["parameters"].as_array().map_or(&[], Vec::as_slice)
    }

    /// The media types of the body, each with what the document says of it.
    fn contents(&self) -> Vec<(&String, &Value)> {
        self.about["requestBody"]["content"].as_object().into_iter().flatten().collect()
    }

    fn is_of(&self, tag: &str) -> bool {
        self.about["tags"] == json!([tag])
    }
}

/// Operations that always fail, because what they would do is not offered.
const ALWAYS_FAIL: [&str; 2] = ["signInSocial", "updateSession"];

/// Says what is wrong with a value, by the keywords that the document uses; others are an error.
fn check(value: &Value, schema: &Value, document: &Value, at: &str) -> Result<(), String> {
    let fail = |what: &str| Err(format!("{at}: {value} {what} of {schema}"));
    for (keyword, rule) in schema.as_object().ok_or_else(|| format!("{at}: no schema"))? {
        let length = value.as_str().map(|it| it.chars().count() as u64);
        match keyword.as_str() {
            "$ref" => {
                let name = rule.as_str().unwrap().strip_prefix("#/components/schemas/").unwrap();
                check(value, &document["components"]["schemas"][name], document, at)?;
            }
            "type" => {
                let kinds = rule.as_array().cloned().unwrap_or_else(|| vec![rule.clone()]);
                if !kinds.iter().any(|kind| is_of_type(value, kind.as_str().unwrap())) {
                    return fail("is not of the type");
                }
            }
            "enum" if !rule.as_array().unwrap().contains(value) => return fail("is none"),
            "required" => {
                for name in rule.as_array().unwrap() {
                    if value.is_object() && value.get(name.as_str().unwrap()).is_none() {
                        return fail(&format!("lacks {name}"));
                    }
                }
            }
            "properties" => {
                for (name, field) in value.as_object().into_iter().flatten() {
                    match rule.get(name) {
                        Some(schema) => check(field, schema, document, &format!("{at}.{name}"))?,
                        None if at.ends_with("(part)") => {}
                        None => return fail(&format!("has {name}, which is not")),
                    }
                }
            }
            "items" => {
                for (index, entry) in value.as_array().into_iter().flatten().enumerate() {
                    check(entry, rule, document, &format!("{at}[{index}]"))?;
                }
            }
            "oneOf" => {
                let good = rule.as_array().unwrap().iter().filter(|it| check(value, it, document, at).is_ok());
                if good.count() != 1 {
                    return fail("is not exactly one");
                }
            }
            "allOf" => {
                for part in rule.as_array().unwrap() {
                    check(value, part, document, &format!("{at}(part)"))?;
                }
            }
            "minLength" if length.is_some_and(|it| it < rule.as_u64().unwrap()) => return fail("is too short"),
            "maxLength" if length.is_some_and(|it| it > rule.as_u64().unwrap()) => return fail("is too long"),
            "maxItems" if value.as_array().is_some_and(|it| it.len() as u64 > rule.as_u64().unwrap()) => {
                return fail("has too many items");
            }
            "minimum" if value.as_i64() < rule.as_i64() => return fail("is too small"),
            "format" if rule == "date-time" && value.is_string() => {
                chrono::DateTime::parse_from_rfc3339(value.as_str().unwrap()).map_err(|it| format!("{at}: {it}"))?;
            }
            "enum"
            | "minLength"
            | "maxLength"
            | "maxItems"
            | "minimum"
            | "maximum"
            | "format"
            | "description"
            | "examples"
            | "pattern"
            | "propertyNames"
            | "additionalProperties" => {}
            other => return Err(format!("{at}: the keyword {other} is not checked")),
        }
    }
    Ok(())
}

fn is_of_type(value: &Value, kind: &str) -> bool {
    match kind {
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "boolean" => value.is_boolean(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        "null" => value.is_null(),
        other => panic!("{other}"),
    }
}

#[test]
fn every_operation_is_described_and_has_schemas_and_examples_that_fit() {
    let document = document();
    let tags: Vec<String> = document["tags"].as_array().unwrap().iter().map(|it| text(&it["name"])).collect();
    assert_eq!(tags, ["tasks", "compat", "auth", "health"]);
    let is_sentence = |it: &Value| it.as_str().is_some_and(|it| it.len() > 5 && it.ends_with('.'));
    assert!(document["tags"].as_array().unwrap().iter().all(|it| is_sentence(&it["description"])));
    for operation in operations(&document) {
        let Operation { id, about, .. } = &operation;
        let is_camel =
            id.starts_with(|it: char| it.is_ascii_lowercase()) && id.bytes().all(|it| it.is_ascii_alphanumeric());
        assert!(is_camel, "{id} is no name");
        assert!(tags.contains(&text(&about["tags"][0])), "{id} is in no group");
        assert!(is_sentence(&about["summary"]) && is_sentence(&about["description"]), "{id} is not described");
        for parameter in operation.parameters() {
            assert!(is_sentence(&parameter["description"]), "{id}: {parameter}");
            assert!(parameter["schema"].is_object(), "{id}: {parameter}");
        }
        let successes: Vec<_> = operation.responses().iter().filter(|(status, _)| status.as_str() < "400").collect();
        assert_eq!(successes.is_empty(), ALWAYS_FAIL.contains(&id.as_str()), "{id} has no success");
        let mut bodies = operation.contents();
        for (status, response) in operation.responses() {
            assert!(is_sentence(&response["description"]), "{id} {status}");
            let headers = response["headers"].as_object().into_iter().flatten();
            assert!(headers.into_iter().all(|(_, it)| is_sentence(&it["description"])), "{id} {status}: {response}");
            let contents: Vec<_> = response["content"].as_object().into_iter().flatten().collect();
            let is_empty =
                ["204", "302", "304"].contains(&status.as_str()) || (status == "400" && operation.is_of("tasks"));
            assert_eq!(contents.is_empty(), is_empty, "{id} {status}: {response}");
            bodies.extend(contents);
        }
        for (media_type, content) in bodies {
            let example = content.get("example").unwrap_or_else(|| panic!("{id} has no example of {media_type}"));
            check(example, &content["schema"], &document, id).unwrap();
        }
    }
}

#[test]
fn every_schema_describes_its_fields_and_has_an_example_that_fits() {
    let document = document();
    for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
        for (field, about) in schema["properties"].as_object().into_iter().flatten() {
            let inner = about["oneOf"].as_array().into_iter().flatten().find(|it| it.get("description").is_some());
            let description = inner.unwrap_or(about);
            let is_described = description["description"].is_string() || about.get("$ref").is_some();
            assert!(is_described, "{name}.{field}: {about}");
        }
        for example in schema["examples"].as_array().into_iter().flatten() {
            check(example, schema, &document, name).unwrap();
        }
    }
    let schemes = &document["components"]["securitySchemes"];
    assert_eq!(schemes["session"]["in"], "cookie");
    assert_eq!(schemes["session"]["name"], "better-auth.session_token");
    assert_eq!(schemes["bearer"]["scheme"], "bearer");
}

/// Somebody who sends requests as the document describes them.
struct Reader {
    app: App,
    person: Option<Person>,
    task: String,
    http: Client,
}

impl Reader {
    /// With an account and a task, unless the account is to be made.
    async fn new(settings: &[(&str, &str)], has_account: bool) -> Self {
        let app = App::spawn_with(settings).await;
        let http = Client::builder().redirect(Policy::none()).build().unwrap();
        let mut reader = Self { app, person: None, task: "1".to_owned(), http };
        if has_account {
            let ann = reader.app.person("ann").await;
            reader.task = reader.app.rest_task(&ann, json!({ "title": "a" })).await["id"].to_string();
            reader.person = Some(ann);
        }
        reader
    }

    /// The path with its parameters filled in.
    fn path(&self, operation: &Operation) -> String {
        let user = self.person.as_ref().map_or("nobody", |it| it.id.as_str());
        operation.path.replace("{user_id}", user).replace("{task_id}", &self.task).replace("{token}", "x")
    }

    fn request(&self, operation: &Operation, path: &str) -> RequestBuilder {
        self.http.request(operation.method.parse().unwrap(), format!("{}{path}", self.app.base))
    }

    /// A request with the credentials that the operation takes.
    fn signed(&self, operation: &Operation, path: &str) -> RequestBuilder {
        let request = self.request(operation, path);
        match &self.person {
            Some(ann) if operation.is_of("tasks") => request.bearer_auth(&ann.token),
            Some(ann) if operation.about.get("security").is_some() => request.bearer_auth(&ann.session),
            _ => request,
        }
    }

    async fn send(&self, operation: &Operation, media_type: &str, body: &Value) -> Answer {
        Answer::of(with_body(self.signed(operation, &self.path(operation)), media_type, body)).await
    }
}

fn with_body(request: RequestBuilder, media_type: &str, body: &Value) -> RequestBuilder {
    if let Some(text) = body.as_str() {
        return request.header("content-type", media_type).body(text.to_owned());
    }
    let fields = body.as_object().unwrap();
    let shown = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    match media_type {
        "application/json" => request.json(body),
        "application/x-www-form-urlencoded" => {
            let pairs = fields.iter().map(|(name, value)| (name, shown(value)));
            let form: String = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
            request.header("content-type", media_type).body(form)
        }
        _ => {
            let part = |(name, value): (&String, &Value)| {
                format!("--x1\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{}\r\n", shown(value))
            };
            let parts: String = fields.iter().map(part).collect();
            request.header("content-type", "multipart/form-data; boundary=x1").body(format!("{parts}--x1--\r\n"))
        }
    }
}

/// The fields without which a body of that schema is not one.
fn required(schema: &Value, document: &Value) -> Vec<String> {
    match schema.get("$ref") {
        Some(name) => {
            let name = name.as_str().unwrap().strip_prefix("#/components/schemas/").unwrap();
            required(&document["components"]["schemas"][name], document)
        }
        None => schema["required"].as_array().into_iter().flatten().map(text).collect(),
    }
}

/// Examples that name what is not there, and the status that they get.
const NOT_THERE: [(&str, u16); 5] = [
    ("signInSocial", 404),
    ("updateSession", 400),
    ("resetPassword", 400),
    ("unlinkAccount", 400),
    ("deleteUser", 404),
];

#[tokio::test]
async fn example_requests_are_taken_and_those_without_a_required_field_are_not() {
    let document = document();
    for operation in operations(&document) {
        let id = operation.id.as_str();
        let makes_account = ["register", "signUpEmail"].contains(&id);
        for (media_type, content) in operation.contents() {
            let required = required(&content["schema"], &document);
            let example = &content["example"];
            let mut least = example.clone();
            if let Some(fields) = least.as_object_mut() {
                fields.retain(|name, _| required.contains(name));
            }
            let reader = Reader::new(&[], !makes_account).await;
            for name in &required {
                let mut body = example.clone();
                body.as_object_mut().unwrap().remove(name);
                let refused = reader.send(&operation, media_type, &body).await;
                assert!([400, 422].contains(&refused.status.as_u16()), "{id} without {name}: {refused:?}");
                // The address of a form is missing under its first name.
                let name = if name == "username" { "email" } else { name };
                assert!(refused.text.contains(name), "{id} without {name}: {refused:?}");
            }
            let absent = Answer::of(reader.signed(&operation, &reader.path(&operation))).await;
            let is_needed = operation.about["requestBody"]["required"] == json!(true);
            assert_eq!([400, 422].contains(&absent.status.as_u16()), is_needed, "{id} without a body: {absent:?}");
            let not_there = NOT_THERE.iter().find(|(it, _)| *it == id).map(|it| it.1);
            for body in [example, &least] {
                if required.is_empty() && body == &least {
                    continue;
                }
                let reader = Reader::new(&[], !makes_account).await;
                let answer = reader.send(&operation, media_type, body).await;
                let status = answer.status.as_u16();
                let is_good = not_there.map_or(status < 300, |it| status == it) && !answer.text.contains("VALIDATION");
                assert!(is_good, "{id} {media_type} {body}: {answer:?}");
            }
        }
    }
}

/// Headers that the document names wherever they are sent; cookies come and go with the session.
const NAMED_HEADERS: [&str; 11] = [
    "etag",
    "x-total-count",
    "retry-after",
    "x-retry-after",
    "ratelimit",
    "www-authenticate",
    "accept-encoding",
    "location",
    "content-disposition",
    "idempotency-replayed",
    "allow",
];
/// Headers that the document names, and that not every response of their status has.
const SOMETIMES: [&str; 3] = ["idempotency-replayed", "set-auth-jwt", "accept-encoding"];
/// Statuses for which a server must be slow, busy or broken, or a request no HTTP.
const NOT_TRIED: [&str; 4] = ["408", "429", "500", "503"];

/// What takes a mailed link, another setting or an old session, and what the tests of those look at.
const SEEN_ELSEWHERE: [(&str, &[&str]); 8] = [
    ("deleteUser", &["200"]),
    ("followUserDeletion", &["200", "302"]),
    ("listChanges", &["410"]),
    ("listSessions", &["403"]),
    ("login", &["403"]),
    ("resetPassword", &["200"]),
    ("unlinkAccount", &["200"]),
    ("verifyEmail", &["200"]),
];

/// Checks an answer against what the document says of its status, and notes that it was seen.
fn compare(operation: &Operation, answer: &Answer, document: &Value, seen: &mut BTreeSet<String>) {
    let (id, status) = (&operation.id, answer.status.as_u16().to_string());
    let response = operation.responses().get(&status).unwrap_or_else(|| panic!("{id}: {answer:?} is not documented"));
    let named: BTreeSet<String> =
        response["headers"].as_object().into_iter().flatten().map(|(name, _)| name.to_lowercase()).collect();
    for name in named.iter().filter(|it| !SOMETIMES.contains(&it.as_str())) {
        assert!(answer.headers.contains_key(name), "{id}: {name} is not sent with {answer:?}");
    }
    for name in NAMED_HEADERS.iter().filter(|it| answer.headers.contains_key(**it)) {
        assert!(named.contains(*name), "{id}: {name} is not documented for {answer:?}");
    }
    let media_type = answer.headers.get("content-type").map(|it| it.to_str().unwrap().split(';').next().unwrap());
    match media_type.filter(|_| !answer.text.is_empty()) {
        None => {}
        // Not the route's own, which has none.
        Some(_) if status == "400" && operation.is_of("tasks") => {}
        Some("application/json") => {
            let schema = &response["content"]["application/json"]["schema"];
            check(&answer.json(), schema, document, id).unwrap();
        }
        Some(other) => assert!(response["content"].get(other).is_some(), "{id}: {answer:?}"),
    }
    seen.insert(status);
}

/// What is sent to an operation: what it takes, and what it refuses.
fn requests(reader: &Reader, operation: &Operation) -> Vec<RequestBuilder> {
    let path = reader.path(operation);
    let (media_type, example) = match operation.contents().first() {
        Some((media_type, content)) => ((*media_type).clone(), content["example"].clone()),
        None => (String::new(), Value::Null),
    };
    let body = |request: RequestBuilder| {
        if media_type.is_empty() { request } else { with_body(request, &media_type, &example) }
    };
    let signed = || reader.signed(operation, &path);
    let ann = reader.person.as_ref().unwrap();
    let mut all = vec![
        body(reader.request(operation, &path)),
        body(reader.request(operation, &path).bearer_auth("a.b.c")),
        body(signed().header("if-match", "\"0\"").header("if-none-match", "*")),
    ];
    if operation.is_of("tasks") {
        all.push(body(reader.request(operation, &path.replace(&ann.id, "eve")).bearer_auth(&ann.token)));
        all.push(body(reader.signed(operation, &format!("{path}?nonsense=1"))));
        all.push(body(reader.signed(operation, &path.replace(&format!("/tasks/{}", reader.task), "/tasks/999999"))));
    }
    if operation.parameters().iter().any(|it| it["name"] == "If-None-Match") {
        all.push(signed().header("if-none-match", "*"));
    }
    if operation.parameters().iter().any(|it| it["name"] == "If-Match") {
        all.push(body(signed().header("if-match", "\"0\"")));
    }
    if operation.parameters().iter().any(|it| it["name"] == "callbackURL") {
        for callback in ["https://evil.example/x", "/welcome"] {
            all.push(reader.signed(operation, &format!("{path}?token=x&callbackURL={callback}")));
        }
        all.push(reader.signed(operation, &format!("{path}?token=x")));
    }
    if !media_type.is_empty() {
        let broken = |request: RequestBuilder| request.header("content-type", &media_type).body("{");
        let most = if operation.id == "importData" { 33 << 20 } else { 5 << 20 };
        all.push(broken(signed()));
        all.push(signed().header("content-type", &media_type).body(" ".repeat(most)));
        all.push(broken(signed().header("content-encoding", "gzip")));
    }
    if media_type.is_empty() && operation.is_of("auth") && operation.method == "POST" {
        all.push(signed().header("content-type", "application/json").body("{"));
    }
    if let Some(mut other) = Some(example.clone()).filter(|it| it.get("email").is_some()) {
        other["password"] = "wrong-horse-1".into();
        all.push(with_body(signed(), &media_type, &other));
        other["email"] = "new@example.com".into();
        all.push(with_body(signed(), &media_type, &other));
    }
    if operation.method == "POST" {
        let foreign = reader.request(operation, &path).header("origin", "https://evil.example");
        all.push(body(foreign.header("cookie", "better-auth.session_token=x")));
    }
    if operation.is_of("tasks") && operation.method != "GET" {
        all.push(body(signed().header("idempotency-key", "one")));
        all.push(body(signed().header("idempotency-key", "one")));
    }
    all.push(body(signed()));
    all
}

#[tokio::test]
async fn statuses_headers_and_bodies_are_those_of_the_document() {
    let document = document();
    let mut missing = BTreeMap::new();
    for operation in operations(&document) {
        let reader = Reader::new(&[], true).await;
        let mut seen = BTreeSet::new();
        for request in requests(&reader, &operation) {
            compare(&operation, &Answer::of(request).await, &document, &mut seen);
        }
        let of_hyper = |status: &str| status == "400" && operation.is_of("tasks");
        let is_tried = |it: &&String| !NOT_TRIED.contains(&it.as_str()) && !of_hyper(it);
        let tried = operation.responses().keys().filter(is_tried);
        let unseen: Vec<_> = tried.filter(|it| !seen.contains(*it)).cloned().collect();
        missing.insert(operation.id, unseen);
    }
    missing.retain(|_, statuses| !statuses.is_empty());
    let elsewhere: BTreeMap<_, _> = SEEN_ELSEWHERE.into_iter().map(|(id, it)| (id.to_owned(), it.to_vec())).collect();
    assert_eq!(json!(missing), json!(elsewhere));
}

#[tokio::test]
async fn who_asks_too_often_gets_the_headers_of_the_document() {
    let document = document();
    let settings = [("RATE_LIMIT", "on"), ("DOCKET_REQUEST_LIMITS", "user=60")];
    for id in ["listTasks", "updateTask", "register", "login", "signInEmail", "getSession"] {
        let operation = operations(&document).into_iter().find(|it| it.id == id).unwrap();
        let reader = Reader::new(&settings, true).await;
        let mut seen = BTreeSet::new();
        for _ in 0..200 {
            let request = reader.signed(&operation, &reader.path(&operation));
            let answer = match operation.contents().first() {
                Some((media_type, content)) => with_body(request, media_type, &content["example"]),
                None => request,
            };
            compare(&operation, &Answer::of(answer).await, &document, &mut seen);
            if seen.contains("429") {
                break;
            }
        }
        assert!(seen.contains("429"), "{id}: {seen:?}");
    }
}

#[tokio::test]
async fn a_client_gets_the_shapes_of_the_document_whatever_the_settings_are() {
    let document = document();
    let settings = [("DOCKET_LEGACY", "fastapi-envelope"), ("REST_CASE", "camel")];
    let usual = "application/json; list=array; case=snake; delete=empty; status=off";
    assert!(text(&document["info"]["description"]).contains(usual));
    for id in ["createTask", "listTasks", "getTask", "updateTask", "setTaskCompleted", "toggleTask", "deleteTask"] {
        let operation = operations(&document).into_iter().find(|it| it.id == id).unwrap();
        let reader = Reader::new(&settings, true).await;
        let request = reader.signed(&operation, &reader.path(&operation)).header("accept", usual);
        let request = match operation.contents().first() {
            Some((media_type, content)) => with_body(request, media_type, &content["example"]),
            None => request,
        };
        let answer = Answer::of(request).await;
        assert!(answer.status.is_success(), "{id}: {answer:?}");
        compare(&operation, &answer, &document, &mut BTreeSet::new());
    }
}

#[tokio::test]
async fn a_body_may_have_what_the_document_says_and_no_field_of_a_task_is_kept_as_an_unknown_one() {
    let app = App::spawn_with(&[("REST_UNKNOWN_FIELDS", "keep")]).await;
    let ann = app.person("ann").await;
    let schemas = document()["components"]["schemas"].clone();
    let made =
        async |name: &str, value: &Value| app.rest(&ann, "POST", "", Some(json!({ "title": "a", name: value }))).await;
    for (snake, value) in schemas["Task"]["examples"][0].as_object().unwrap() {
        let is_read = schemas["NewTask"]["properties"].get(snake).is_some();
        for name in [snake.clone(), camel_case(snake)] {
            let answer = made(&name, value).await;
            assert_eq!(answer.status, 201, "{name}: {answer:?}");
            let times = answer.text.matches(&format!("\"{name}\":")).count();
            assert_eq!(times, usize::from(name == *snake), "{name}: {answer:?}");
            assert_eq!(made(&name, &json!({ "x": 1 })).await.status == 422, is_read, "{name}");
        }
    }
}

fn camel_case(name: &str) -> String {
    let mut words = name.split('_').map(str::to_owned);
    let first = words.next().unwrap();
    let capital = |word: String| word[..1].to_uppercase() + &word[1..];
    words.map(capital).fold(first, |name, word| name + &word)
}
