//! What four attackers can take from others: for each way in which one asker once stopped all, others read and write
//! before and meanwhile, and nothing of theirs is refused. With the limits on requests that production has, and without
//! them.

use std::{
    fs,
    process::Stdio,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{sleep, timeout},
};
use uuid::Uuid;

use super::{
    sender::{Outcome, kilobytes},
    stage::Stage,
    support::{Person, Process},
};

/// How many times as long a read of others may take at the median, and a write.
const READ_FACTOR: f64 = 3.0;
const WRITE_FACTOR: f64 = 5.0;
/// Differences below this are the machine's, in milliseconds.
const NOISE: f64 = 1.0;
/// How much memory the server may take, in MB, and by how much its database may grow.
const MEMORY: u64 = 150;
const GROWTH: u64 = 20;
/// How long it is measured what others have without an attack.
const BEFORE: Duration = Duration::from_secs(3);
/// How long others wait between two requests.
const PAUSE: Duration = Duration::from_millis(10);

const READ: &str = "{ tasks(first: 20) { nodes { id title completed priority } } }";
const CREATE: &str = "mutation { createTask(input: { title: \"of somebody else\" }) { task { id } } }";

/// The attacks, by what each of them takes.
const ATTACKS: [&str; 11] = [
    "passwords",
    "keyed queries",
    "http2",
    "plans",
    "filters",
    "large bodies",
    "imports",
    "dry runs",
    "aliases",
    "refused documents",
    "sockets",
];

/// Who attacks, until told to stop.
struct Attacker<'a> {
    stage: &'a Stage,
    base: &'a str,
    person: &'a Person,
    stop: &'a AtomicBool,
    attempts: &'a AtomicUsize,
}

/// What others had in some time.
#[derive(Default)]
struct Others {
    reads: Outcome,
    writes: Outcome,
}

/// Each attack by four attackers, for so many seconds.
pub async fn attacks(stage: &Stage, seconds: u32, limits: &'static str) -> String {
    let (mut lines, mut broken) = (Vec::new(), Vec::new());
    for name in ATTACKS {
        let (line, problems) = attack(stage, name, Duration::from_secs(seconds.into()), limits).await;
        println!("attack: {line}");
        lines.push(line);
        broken.extend(problems);
    }
    assert!(broken.is_empty(), "{broken:#?}");
    format!("{} attacks, others within their limits", lines.len())
}

async fn attack(stage: &Stage, name: &'static str, time: Duration, limits: &'static str) -> (String, Vec<String>) {
    let settings = [("RUST_LOG", "off"), ("RATE_LIMIT", limits), ("PASSWORD_CHECK", "on")];
    let process = Process::start_with(&stage.app.database_url, &settings, Stdio::null()).await;
    let (stop, attempts) = (Arc::new(AtomicBool::default()), AtomicUsize::default());
    // The first requests fill caches and make connections.
    others(stage, &process, Duration::from_secs(1)).await;
    let before = others(stage, &process, BEFORE).await;
    let size = database_size(stage).await;
    let attackers = join_all(stage.rivals.iter().map(|person| {
        let attacker = Attacker { stage, base: &process.base, person, stop: &stop, attempts: &attempts };
        async move { attacker.attack(name).await }
    }));
    let watched = async {
        let (mut most, start) = (0, Instant::now());
        while start.elapsed() < time {
            most = most.max(kilobytes(process.pid()) / 1024);
            sleep(Duration::from_millis(50)).await;
        }
        most
    };
    let defended = async {
        // Until it is under way.
        sleep(Duration::from_millis(200)).await;
        let (meanwhile, memory) = tokio::join!(others(stage, &process, time), watched);
        stop.store(true, Ordering::Relaxed);
        (meanwhile, memory)
    };
    let (_, (meanwhile, memory)) = tokio::join!(attackers, defended);
    let growth = database_size(stage).await.saturating_sub(size) >> 20;
    let median = |outcome: &Outcome| Outcome::within(&outcome.done, 50);
    let reads = (median(&before.reads), median(&meanwhile.reads));
    let writes = (median(&before.writes), median(&meanwhile.writes));
    let refused = [&meanwhile.reads, &meanwhile.writes]
        .map(|it| it.refused.lock().unwrap().len() + it.failed.load(Ordering::Relaxed))
        .iter()
        .sum::<usize>();
    let line = format!(
        "{name:<18} {:>6} attempts; others' reads {:.1} → {:.1} ms, writes {:.1} → {:.1} ms, {refused} refused; memory \
         {memory} MB; database + {growth} MB",
        attempts.load(Ordering::Relaxed),
        reads.0,
        reads.1,
        writes.0,
        writes.1,
    );
    let too_slow = |(before, meanwhile): (f64, f64), factor: f64| meanwhile > before * factor + NOISE;
    let problems = [
        (too_slow(reads, READ_FACTOR), "reads"),
        (too_slow(writes, WRITE_FACTOR), "writes"),
        (refused > 0, "refusals"),
        (memory > MEMORY, "memory"),
        (growth > GROWTH, "growth"),
        (attempts.load(Ordering::Relaxed) == 0, "no attack"),
    ];
    let problems =
        problems.into_iter().filter(|(is_one, _)| *is_one).map(|(_, what)| format!("{what}: {line}")).collect();
    (line, problems)
}

/// Reads and writes as a front-end does, one after the other.
async fn others(stage: &Stage, process: &Process, time: Duration) -> Others {
    let (others, start) = (Others::default(), Instant::now());
    while start.elapsed() < time {
        for (query, outcome) in [(READ, &others.reads), (READ, &others.reads), (CREATE, &others.writes)] {
            let begun = Instant::now();
            let answer = stage.graphql(&process.base, &stage.people[0], json!({ "query": query })).await;
            match answer {
                Some((200, answer)) if answer.get("errors").is_none() => {
                    outcome.done.lock().unwrap().push(begun.elapsed().as_secs_f64() * 1000.0);
                }
                Some(_) => outcome.refused.lock().unwrap().push(0.0),
                None => {
                    outcome.failed.fetch_add(1, Ordering::Relaxed);
                }
            }
            sleep(PAUSE).await;
        }
    }
    others
}

/// How many bytes the database takes on the disk.
async fn database_size(stage: &Stage) -> u64 {
    let url = &stage.app.database_url;
    if let Some(path) = url.strip_prefix("sqlite://") {
        let path = path.split('?').next().unwrap();
        return [path.to_owned(), format!("{path}-wal")]
            .iter()
            .filter_map(|it| fs::metadata(it).ok())
            .map(|it| it.len())
            .sum();
    }
    stage.app.sql_text("select pg_database_size(current_database())::text").await.parse().unwrap()
}

impl Attacker<'_> {
    async fn attack(&self, name: &str) {
        match name {
            "passwords" => self.passwords().await,
            "keyed queries" => self.keyed_queries().await,
            "http2" => self.silent(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0", 500).await,
            "plans" => self.plans().await,
            "filters" => self.filters().await,
            "large bodies" => self.large_bodies().await,
            "imports" => self.imports("", 2_000).await,
            "dry runs" => self.imports("?dry_run=true", 50_000).await,
            "aliases" => self.aliases().await,
            "refused documents" => self.refused_documents().await,
            _ => self.sockets().await,
        }
    }

    fn goes_on(&self) -> bool {
        self.attempts.fetch_add(1, Ordering::Relaxed);
        !self.stop.load(Ordering::Relaxed)
    }

    /// Sends that as somebody, or as a stranger; what comes back is of no interest.
    async fn post(&self, path: &str, token: Option<&str>, body: &Value) {
        let mut request = self.stage.http.post(format!("{}{path}", self.base)).json(body);
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        if let Ok(answer) = request.send().await {
            let _ = answer.bytes().await;
        }
    }

    /// Passwords that are hard to judge, with a token that nobody has.
    async fn passwords(&self) {
        let password = "qwertyuiop1234567890password".repeat(5).chars().take(128).collect::<String>();
        while self.goes_on() {
            let body = json!({ "token": Uuid::now_v7(), "newPassword": password });
            self.post("/api/auth/reset-password", None, &body).await;
        }
    }

    fn many_aliases(&self) -> Value {
        let aliases: Vec<String> =
            (0..100).map(|it| format!("a{it}: tasks(first: 20) {{ nodes {{ id title }} }}")).collect();
        json!({ "query": format!("{{ {} }}", aliases.join(" ")) })
    }

    async fn keyed_queries(&self) {
        let body = self.many_aliases();
        while self.goes_on() {
            let request = self.stage.http.post(format!("{}/graphql", self.base)).bearer_auth(&self.person.token);
            let _ = request.header("idempotency-key", Uuid::now_v7().to_string()).json(&body).send().await;
        }
    }

    async fn aliases(&self) {
        let body = self.many_aliases();
        while self.goes_on() {
            self.post("/graphql", Some(&self.person.token), &body).await;
        }
    }

    /// Documents that are all different, of strangers.
    async fn plans(&self) {
        while self.goes_on() {
            let fields: Vec<String> =
                (0..20).map(|it| format!("a{it}_{}: __typename", Uuid::now_v7().simple())).collect();
            self.post("/graphql", None, &json!({ "query": format!("{{ {} }}", fields.join(" ")) })).await;
        }
    }

    /// Long lists that are all different, of users.
    async fn filters(&self) {
        const QUERY: &str = "query($ids: [ID!]) { tasks(filter: { labels: { any: $ids } }) { totalCount } }";
        while self.goes_on() {
            let ids: Vec<Uuid> = (0..900).map(|_| Uuid::now_v7()).collect();
            self.post("/graphql", Some(&self.person.token), &json!({ "query": QUERY, "variables": { "ids": ids } }))
                .await;
        }
    }

    async fn refused_documents(&self) {
        let query = format!("{{ {} }}", "tasks { nodes { nothing } } ".repeat(2000));
        while self.goes_on() {
            self.post("/graphql", None, &json!({ "query": query })).await;
        }
    }

    async fn imports(&self, query: &str, tasks: u32) {
        let path = format!("/api/{}/import{query}", self.person.id);
        let task = |it: u32| json!({ "id": Uuid::from_u128(u128::from(it) + 1), "title": "imported again and again" });
        let lists: Vec<Value> = (0..100).map(|it| json!({ "id": Uuid::from_u128(it), "name": "list" })).collect();
        let file = json!({ "lists": lists, "tasks": (0..tasks).map(task).collect::<Vec<_>>() }).to_string();
        while self.goes_on() {
            let request = self.stage.http.post(format!("{}{path}", self.base)).bearer_auth(&self.person.token);
            let sent = request.header("content-type", "application/json").body(file.clone()).send().await;
            if sent.is_ok_and(|answer| answer.status() == 429) {
                sleep(Duration::from_millis(20)).await;
            }
        }
    }

    /// Bodies that are announced, and of which one byte comes.
    async fn large_bodies(&self) {
        let start = "POST /graphql HTTP/1.1\r\nhost: docket\r\ncontent-type: application/json\r\n\
                     content-length: 100000\r\n\r\n{";
        self.silent(start.as_bytes(), 20).await;
    }

    /// WebSockets that do not say who they are.
    async fn sockets(&self) {
        let start = "GET /graphql HTTP/1.1\r\nhost: docket\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
                     sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
                     sec-websocket-protocol: graphql-transport-ws\r\n\r\n";
        self.silent(start.as_bytes(), 300).await;
    }

    /// So many connections at a time that begin so and say no more; those that end are opened again.
    async fn silent(&self, start: &[u8], count: usize) {
        let address = self.base.trim_start_matches("http://");
        let mut open: Vec<TcpStream> = Vec::new();
        while self.goes_on() {
            let mut ended = [0; 1024];
            open.retain(|stream| !matches!(stream.try_read(&mut ended), Ok(0)));
            if open.len() >= count {
                sleep(Duration::from_millis(20)).await;
                continue;
            }
            let Ok(Ok(mut stream)) = timeout(Duration::from_secs(1), TcpStream::connect(address)).await else {
                continue;
            };
            if stream.write_all(start).await.is_ok() {
                let _ = timeout(Duration::from_millis(1), stream.read(&mut ended)).await;
                open.push(stream);
            }
        }
    }
}
