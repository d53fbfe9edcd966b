//! A running Docket, the people who use it, and what it answers.

use std::{
    env,
    future::Future,
    net::{IpAddr, TcpListener},
    process::{Child, Command, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use docket::{config::Config, server::Server, service::Services};
use reqwest::{Method, RequestBuilder, StatusCode, header::HeaderMap};
use serde_json::{Value, json};
use sqlx::{Connection, Executor, PgConnection, SqliteConnection};
use tokio::{
    sync::{OnceCell, oneshot},
    task::JoinHandle,
};

#[path = "statements.rs"]
pub mod statements;

use self::statements::OwnersAreNamed;

/// The secret that every test server has, unless it is told otherwise.
pub const SECRET: &str = "a-secret-of-tests-0123456789-ABCDEFGHIJ";
/// Everybody's password.
pub const PASSWORD: &str = "correct-horse-1";
/// The variable that names a PostgreSQL server on which tests may make databases; SQLite without it.
const POSTGRES: &str = "DOCKET_TEST_POSTGRES";

/// The variable that wants PostgreSQL's tables distributed by owner, as in a cluster, where a test begins with a server.
const DISTRIBUTED: &str = "DOCKET_TEST_DISTRIBUTED";

/// A Docket of this test's own.
pub struct App {
    pub base: String,
    pub http: reqwest::Client,
    pub database_url: String,
    /// Where metrics are shown, if anywhere.
    pub metrics: Option<String>,
    stop: Option<oneshot::Sender<()>>,
    running: Option<JoinHandle<()>>,
    services: Option<Arc<Services>>,
    _statements: OwnersAreNamed,
    _folder: Option<tempfile::TempDir>,
}

/// Somebody with an account.
#[derive(Clone)]
pub struct Person {
    pub id: String,
    pub email: String,
    /// The session token.
    pub session: String,
    /// An access token (JWT).
    pub token: String,
}

/// An answer, read to its end.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
}

impl App {
    /// A server with the usual settings.
    pub async fn spawn() -> Self {
        Self::spawn_with(&[]).await
    }

    /// A server with these settings besides the usual ones.
    pub async fn spawn_with(settings: &[(&str, &str)]) -> Self {
        let (database_url, folder) = migrated_database().await;
        let mut app = Self { _folder: folder, ..Self::on(database_url) };
        app.start(settings).await;
        app
    }

    /// A server on tables that are never distributed: for tests of what PostgreSQL says of one by name, and of all that
    /// a process logs.
    pub async fn spawn_undistributed() -> Self {
        let mut app = Self::unstarted().await;
        app.start(&[]).await;
        app
    }

    /// A database without a server, and without any table.
    pub async fn unstarted() -> Self {
        let (database_url, folder) = new_database().await;
        Self { _folder: folder, ..Self::on(database_url) }
    }

    /// That database without a server.
    pub fn on(database_url: String) -> Self {
        Self {
            base: String::new(),
            http: reqwest::Client::new(),
            database_url,
            metrics: None,
            stop: None,
            running: None,
            services: None,
            _statements: OwnersAreNamed,
            _folder: None,
        }
    }

    /// One more server on the same database.
    pub async fn beside(&self, settings: &[(&str, &str)]) -> Self {
        let mut other = Self::on(self.database_url.clone());
        other.start(settings).await;
        other
    }

    /// Stops the server, waits for its end, and starts it again on the same database.
    pub async fn restart(&mut self, settings: &[(&str, &str)]) {
        self.stop().await;
        self.start(settings).await;
    }

    /// Starts a server that was stopped.
    pub async fn restart_stopped(&mut self) {
        self.start(&[]).await;
    }

    /// Stops the server and waits for its end.
    pub async fn stop(&mut self) {
        self.stop.take().unwrap().send(()).unwrap();
        self.running.take().unwrap().await.unwrap();
    }

    pub fn is_sqlite(&self) -> bool {
        self.database_url.starts_with("sqlite:")
    }

    /// The configuration of a server on this database.
    pub fn config(&self, settings: &[(&str, &str)]) -> Config {
        let mail = env::temp_dir().join("docket-mail-of-tests").display().to_string();
        let usual = [
            ("BETTER_AUTH_SECRET", SECRET),
            ("PORT", "0"),
            // A machine that runs all tests at once may have much else to do.
            ("PASSWORD_WAIT_MS", "10000"),
            ("DATABASE_URL", self.database_url.as_str()),
            ("MAIL_FOLDER", mail.as_str()),
        ];
        let config = Config::from_vars(|name| {
            settings.iter().chain(&usual).find(|(it, _)| *it == name).map(|(_, value)| (*value).to_owned())
        });
        config.unwrap()
    }

    /// The services of the running server.
    pub fn services(&self) -> Arc<Services> {
        Arc::clone(self.services.as_ref().unwrap())
    }

    /// Starts a server that does not run.
    pub async fn start(&mut self, settings: &[(&str, &str)]) {
        OwnersAreNamed::watch();
        let server = Server::bind(&self.config(settings), None).await.unwrap();
        self.services = Some(server.services());
        self.metrics = server.metrics_address().map(|address| format!("http://{address}/metrics"));
        self.base = format!("http://localhost:{}", server.address().port());
        assert_eq!(server.address().ip(), IpAddr::from([127, 0, 0, 1]));
        let (stop, stopped) = oneshot::channel();
        self.stop = Some(stop);
        self.running = Some(tokio::spawn(async move {
            // A test that ends drops the sender, which stops the server too.
            server.run(async { drop(stopped.await) }).await.unwrap();
        }));
    }

    /// A request, not yet sent.
    pub fn request(&self, method: &str, path: &str) -> RequestBuilder {
        self.http.request(Method::from_bytes(method.as_bytes()).unwrap(), format!("{}{path}", self.base))
    }

    /// Sends a JSON body to an auth route.
    pub async fn auth(&self, path: &str, body: Value) -> Answer {
        Answer::of(self.request("POST", &format!("/api/auth{path}")).json(&body)).await
    }

    /// Signs somebody up.
    pub async fn person(&self, name: &str) -> Person {
        let email = format!("{name}@example.com");
        let body = json!({ "name": name, "email": email, "password": PASSWORD });
        let up = self.auth("/sign-up/email", body).await.expect(200);
        let session = text(&up["token"]);
        let token = Answer::of(self.request("GET", "/api/auth/token").bearer_auth(&session)).await.expect(200);
        Person { id: text(&up["user"]["id"]), email, session, token: text(&token["token"]) }
    }

    /// Asks the GraphQL API as somebody.
    pub async fn graphql(&self, person: &Person, query: &str, variables: Value) -> Answer {
        let body = json!({ "query": query, "variables": variables });
        Answer::of(self.request("POST", "/graphql").bearer_auth(&person.token).json(&body)).await
    }

    /// Makes a task and gives its GraphQL id.
    pub async fn task(&self, person: &Person, title: &str) -> String {
        let query = "mutation($input: CreateTaskInput!) { createTask(input: $input) { task { id } } }";
        let made = self.graphql(person, query, json!({ "input": { "title": title } })).await.data();
        text(&made["createTask"]["task"]["id"])
    }

    /// A sync token of that revision.
    pub async fn token_at(&self, person: &Person, revision: i64) -> String {
        let now = text(&self.graphql(person, "{ syncToken }", json!({})).await.data()["syncToken"]);
        let now = String::from_utf8(URL_SAFE_NO_PAD.decode(now).unwrap()).unwrap();
        let fields: Vec<&str> = now.split('.').collect();
        URL_SAFE_NO_PAD.encode(format!("{}.{revision}.", fields[..3].join(".")))
    }

    /// Calls a task route as somebody; `path` follows `/api/{user_id}/tasks`.
    pub async fn rest(&self, person: &Person, method: &str, path: &str, body: Option<Value>) -> Answer {
        let path = format!("/api/{}/tasks{path}", person.id);
        let request = self.request(method, &path).bearer_auth(&person.token);
        Answer::of(match body {
            Some(body) => request.json(&body),
            None => request,
        })
        .await
    }

    /// Makes a task over REST and gives it whole.
    pub async fn rest_task(&self, person: &Person, body: Value) -> Value {
        self.rest(person, "POST", "", Some(body)).await.expect(201)
    }

    /// Runs SQL on the database, past the server.
    pub async fn sql(&self, sql: &str) {
        if self.is_sqlite() {
            let mut connection = SqliteConnection::connect(&self.database_url).await.unwrap();
            connection.execute(sqlx::AssertSqlSafe(sql.to_owned())).await.unwrap();
        } else {
            let mut connection = beside_servers(&self.database_url).await;
            connection.execute(sqlx::AssertSqlSafe(sql.to_owned())).await.unwrap();
        }
    }

    /// Holds what every write has to have, until it is dropped.
    pub async fn hold(&self) -> Held {
        if self.is_sqlite() {
            let mut connection = SqliteConnection::connect(&self.database_url).await.unwrap();
            connection.execute("begin immediate").await.unwrap();
            Held::Sqlite(connection)
        } else {
            let mut connection = beside_servers(&self.database_url).await;
            connection.execute("begin; lock table user_revisions").await.unwrap();
            Held::Postgres(connection)
        }
    }

    /// The number that a person's data is stored under, which is given at the first request.
    pub async fn owner(&self, person: &Person) -> String {
        self.rest(person, "GET", "", None).await.expect(200);
        self.sql_text(&format!("select cast(id as text) from owners where user_id = '{}'", person.id)).await
    }

    /// The text of one value of the database.
    pub async fn sql_text(&self, sql: &str) -> String {
        let sql = sqlx::AssertSqlSafe(sql.to_owned());
        if self.is_sqlite() {
            let mut connection = SqliteConnection::connect(&self.database_url).await.unwrap();
            sqlx::query_scalar(sql).fetch_one(&mut connection).await.unwrap()
        } else {
            let mut connection = beside_servers(&self.database_url).await;
            sqlx::query_scalar(sql).fetch_one(&mut connection).await.unwrap()
        }
    }

    /// The tables that have a column of that name, but for parts of others.
    pub async fn tables_with(&self, column: &str) -> Vec<String> {
        let names = if self.is_sqlite() {
            "select coalesce(group_concat(t.name order by t.name), '') from sqlite_master as t \
             join pragma_table_info(t.name) as c \
             where t.type = 'table' and t.name not like 'tasks_search%' and c.name = "
        } else {
            "select coalesce(string_agg(table_name, ',' order by table_name), '') from information_schema.columns \
             where table_schema = 'public' and table_name not like '%_part_' and column_name = "
        };
        self.sql_text(&format!("{names}'{column}'")).await.split(',').map(str::to_owned).collect()
    }
}

/// A connection that holds what every write has to have.
#[expect(dead_code, reason = "it is held, not used")]
pub enum Held {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

impl Answer {
    /// Sends the request and reads the answer.
    pub async fn of(request: RequestBuilder) -> Self {
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        Self { status, headers, text: response.text().await.unwrap() }
    }

    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("not JSON: {self:?}"))
    }

    /// The body as JSON, if the status is the expected one.
    #[track_caller]
    pub fn expect(&self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "{self:?}");
        self.json()
    }

    /// The data of a GraphQL answer that has no errors.
    #[track_caller]
    pub fn data(&self) -> Value {
        let body = self.expect(200);
        assert!(body.get("errors").is_none(), "{body}");
        body["data"].clone()
    }

    /// The code of the first error: GraphQL's or the auth routes'.
    #[track_caller]
    pub fn code(&self) -> String {
        let body = self.json();
        let code = body["errors"][0]["extensions"]["code"].as_str().or_else(|| body["code"].as_str());
        code.unwrap_or_else(|| panic!("no code: {self:?}")).to_owned()
    }

    /// A header as text; empty when it is not there.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |it| it.to_str().unwrap())
    }

    /// All `Set-Cookie` headers.
    pub fn cookies(&self) -> Vec<&str> {
        self.headers.get_all("set-cookie").iter().map(|it| it.to_str().unwrap()).collect()
    }
}

/// What a command of Docket's says on this database, and how it ends.
pub fn command(database_url: &str, arguments: &[&str], settings: &[(&str, &str)]) -> (Option<i32>, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_docket"))
        .args(arguments)
        .env_clear()
        .envs([("BETTER_AUTH_SECRET", SECRET), ("DATABASE_URL", database_url), ("RUST_LOG", "error")])
        .envs(settings.iter().copied())
        .output()
        .unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(said).unwrap())
}

/// Docket as a process of its own, which can be killed.
pub struct Process {
    pub base: String,
    child: Mutex<Child>,
}

impl Process {
    /// Starts it on a database and waits until it answers.
    pub async fn start(database_url: &str) -> Self {
        Self::start_with(database_url, &[], Stdio::null()).await
    }

    /// Starts it with these settings besides the usual ones; its log goes there.
    pub async fn start_with(database_url: &str, settings: &[(&str, &str)], log: impl Into<Stdio>) -> Self {
        Self::start_by(Command::new(env!("CARGO_BIN_EXE_docket")), database_url, settings, log).await
    }

    /// Starts it by a command that ends in it.
    pub async fn start_by(
        mut command: Command,
        database_url: &str,
        settings: &[(&str, &str)],
        log: impl Into<Stdio>,
    ) -> Self {
        let given = settings.iter().find(|(name, _)| *name == "PORT").map(|(_, port)| port.parse().unwrap());
        let port: u16 = given.unwrap_or_else(free_port);
        let child = command
            .env_clear()
            .envs([("BETTER_AUTH_SECRET", SECRET), ("DATABASE_URL", database_url), ("RUST_LOG", "error")])
            .env("PORT", port.to_string())
            .envs(settings.iter().copied())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        let process = Self { base: format!("http://127.0.0.1:{port}"), child: Mutex::new(child) };
        let http = reqwest::Client::new();
        // A machine may have much else to do.
        for _ in 0..3000 {
            let answer = http.get(format!("{}/health/ready", process.base)).send().await;
            if answer.is_ok_and(|it| it.status() == 200) {
                return process;
            }
            let ended = process.child.lock().unwrap().try_wait().unwrap();
            assert!(ended.is_none(), "the process ended: {ended:?}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("the process does not answer");
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.lock().unwrap().id()
    }

    /// Tells it to stop, and waits until it has.
    pub async fn stop(&self) {
        let pid = self.pid().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        for _ in 0..1000 {
            if let Some(ended) = self.child.lock().unwrap().try_wait().unwrap() {
                assert!(ended.success(), "{ended}");
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("the process does not stop");
    }

    /// Ends it at once, as a power cut of the process would.
    pub fn kill(&self) {
        let mut child = self.child.lock().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let mut child = self.child.lock().unwrap();
        // A child that was killed already is not an error.
        let _ = child.kill();
        let _ = child.wait();
    }
}

/// A port that nobody has, below those that systems give to outgoing connections: a process that is started again
/// finds its port free.
pub fn free_port() -> u16 {
    loop {
        let port = rand::random_range(10_000..32_000);
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

/// A JSON string as text.
#[track_caller]
pub fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("not a string: {value}")).to_owned()
}

/// Waits until something is so that happens beside the test, as long as a busy machine may take.
pub async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let wait = async {
        while !is_so().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    assert!(tokio::time::timeout(Duration::from_secs(30), wait).await.is_ok(), "it never comes to this: {what}");
}

/// Runs the same work many times at once.
pub async fn at_once<F: Future>(times: usize, work: impl Fn(usize) -> F) -> Vec<F::Output> {
    futures_util::future::join_all((0..times).map(work)).await
}

/// A connection of a test's own to PostgreSQL, whose plans nobody looks at.
pub async fn beside_servers(url: &str) -> PgConnection {
    let mut connection = PgConnection::connect(url).await.unwrap();
    connection.execute("set auto_explain.log_min_duration = -1").await.unwrap();
    connection
}

/// A database without any table.
async fn new_database() -> (String, Option<tempfile::TempDir>) {
    match env::var(POSTGRES) {
        Ok(server) => (new_postgres(&server, "template1").await, None),
        Err(_) => new_file(),
    }
}

/// A database with all tables or, on SQLite, one where that takes as little time as a copy.
async fn migrated_database() -> (String, Option<tempfile::TempDir>) {
    static TEMPLATE: OnceCell<String> = OnceCell::const_new();
    let Ok(server) = env::var(POSTGRES) else { return new_file() };
    if env::var_os(DISTRIBUTED).is_some() {
        return (distributed_database().await, None);
    }
    let template = TEMPLATE.get_or_init(|| migrated_template(&server)).await;
    (copy(&server, name_of(template)).await, None)
}

/// A database on PostgreSQL that has all tables, those of users distributed by owner, and tells the plan of each
/// statement.
pub async fn distributed_database() -> String {
    static TEMPLATE: OnceCell<String> = OnceCell::const_new();
    let server = env::var(POSTGRES).unwrap();
    let template = TEMPLATE.get_or_init(async || {
        let app = App::on(migrated_template(&server).await);
        app.sql(include_str!("partitions.sql")).await;
        app.database_url.clone()
    });
    let url = copy(&server, name_of(template.await)).await;
    // They are not a template's to hand on.
    let settings = [
        "session_preload_libraries = auto_explain",
        "auto_explain.log_min_duration = 0",
        "auto_explain.log_format = json",
        "auto_explain.log_level = notice",
    ];
    let settings: Vec<_> = settings.iter().map(|it| format!("alter database {} set {it}", name_of(&url))).collect();
    App::on(server).sql(&settings.join("; ")).await;
    url
}

/// A database that others are copied from: nobody is connected to it.
async fn migrated_template(server: &str) -> String {
    let url = new_postgres(server, "template1").await;
    let (code, said) = command(&url, &["migrate"], &[]);
    assert_eq!(code, Some(0), "{said}");
    url
}

/// A copy of a template, with an epoch of its own as if it were migrated by itself.
async fn copy(server: &str, template: &str) -> String {
    let url = new_postgres(server, template).await;
    let epoch = "update database_epochs set epoch = substr(md5(gen_random_uuid()::text), 1, 16)";
    PgConnection::connect(&url).await.unwrap().execute(epoch).await.unwrap();
    url
}

/// Makes a database of what is in another one of this server, and gives its address.
async fn new_postgres(server: &str, template: &str) -> String {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let name = format!("docket_{}_{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
    let mut connection = PgConnection::connect(server).await.unwrap();
    let create = format!("create database {name} template {template}");
    connection.execute(sqlx::AssertSqlSafe(create)).await.unwrap();
    let (place, _) = server.rsplit_once('/').unwrap();
    format!("{place}/{name}")
}

fn name_of(url: &str) -> &str {
    url.rsplit_once('/').unwrap().1
}

fn new_file() -> (String, Option<tempfile::TempDir>) {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}/docket.db?mode=rwc", folder.path().display());
    (url, Some(folder))
}

/// The fields of a task in a file, by the document of the REST API, of which none of these tasks has a value.
pub fn without_value(tasks: &Value) -> Vec<String> {
    let document = serde_json::to_value(docket::rest::openapi::document()).unwrap();
    let has = |name: &&String| tasks.as_array().unwrap().iter().any(|it| it.get(*name).is_some_and(|it| !it.is_null()));
    let fields = document["components"]["schemas"]["ExportTask"]["properties"].as_object().unwrap();
    fields.keys().filter(|it| !has(it)).cloned().collect()
}
