//! Overload, sign-ins without end, many idle connections and hours of load. Named alone, because the figures of a machine
//! that does other things say nothing. `overload` asserts what docs/performance.md promises; the other programs give
//! figures for people to judge.
//! See docs/contracts/reliability.md#overload.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{sleep, sleep_until, timeout},
};

use super::{
    sender::{DRAIN, Outcome, Sender, closed, kilobytes, open, request},
    stage::Stage,
    support::{Process, text},
};

/// How many clients measure what can be done.
const CLIENTS: usize = 32;

/// The part of what can be done that is done at five times as many requests, at least.
const GOODPUT: f64 = 0.6;
/// How long a refusal takes at the median, at most, in milliseconds.
const REFUSED_WITHIN: f64 = 1000.0;
/// How much memory the server takes at most, in MB, with as many connections as there are clients in a flood: 8,000.
const MEMORY: u64 = 400;
/// How long after a flood everything is done again.
const RECOVERED_AFTER: Duration = Duration::from_secs(2);

/// Who does nothing until others wait to hear of it.
const QUIET: usize = 3;

/// How long one token is used, in seconds: less than it lives.
const TOKEN: u32 = 300;
const READ: &str =
    "{ tasks(first: 100) { nodes { id title description completed priority dueAt createdAt updatedAt } } }";
const CREATE: &str = "mutation { createTask(input: { title: \"A task among others\" }) { task { id } } }";

/// Sends what a front-end asks first: tasks with all that it shows of them.
async fn sender(stage: &Stage, process: &Process) -> Arc<Sender> {
    for _ in 0..100 {
        let body = json!({ "query": CREATE });
        let (status, answer) = stage.graphql(&process.base, &stage.people[0], body).await.unwrap();
        assert_eq!(status, 200, "{answer}");
    }
    Sender::new(&process.base, vec![graphql(&stage.people[0].token, READ)])
}

/// Sends nine reads through both APIs and a write. REST counts its lists, so that those are of somebody whose tasks do
/// not become more all the time.
async fn mixed(stage: &Stage, process: &Process) -> Arc<Sender> {
    let (token, other) = (new_token(stage, process, 0).await, new_token(stage, process, 1).await);
    let list = request("GET", "/api/tasks?limit=100", &other, "");
    let mut requests = vec![graphql(&token, READ); 7];
    requests.extend([list.clone(), list, graphql(&token, CREATE)]);
    Sender::new(&process.base, requests)
}

fn graphql(token: &str, text: &str) -> Vec<u8> {
    request("POST", "/graphql", token, &json!({ "query": text }).to_string())
}

/// A token of that person that was made now.
async fn new_token(stage: &Stage, process: &Process, person: usize) -> String {
    let url = format!("{}/api/auth/token", process.base);
    let answer = stage.http.get(url).bearer_auth(&stage.people[person].session).send().await.unwrap();
    let answer: Value = answer.json().await.unwrap();
    text(&answer["token"])
}

/// Five times what can be done, for so many seconds; then sign-ins while others read.
pub async fn overload(stage: &Stage, seconds: u32) -> String {
    let process = on_one_core(stage).await;
    let (sender, time) = (sender(stage, &process).await, Duration::from_secs(seconds.into()));
    closed(&sender, CLIENTS, Duration::from_secs(1)).await;
    let before = memory(process.pid());
    let rate = closed(&sender, CLIENTS, time).await.rate(time);
    let (flood, probed) = tokio::join!(open(&sender, rate * 5.0, time), probes(stage, &process, time));
    let after = memory(process.pid());
    // Sending ended a while ago: the last answers were waited for.
    sleep(RECOVERED_AFTER.saturating_sub(DRAIN)).await;
    let recovered = closed(&sender, CLIENTS, Duration::from_secs(2)).await;
    let refused = flood.refused.lock().unwrap().len();
    let goodput = flood.rate(time) / rate;
    let report = format!(
        "capacity {rate:.0}/s; at five times that: {:.0}/s done ({:.0} %, median {:.0} ms, p99 {:.0} ms), {refused} refused \
         (median {:.0} ms, 90 % {:.0} ms, p99 {:.0} ms), {} without an answer; probes answered \
         within {probed:.0} ms; memory {before} → {after} MB; afterwards {:.0}/s",
        flood.rate(time),
        100.0 * goodput,
        Outcome::within(&flood.done, 50),
        Outcome::p99(&flood.done),
        Outcome::within(&flood.refused, 50),
        Outcome::within(&flood.refused, 90),
        Outcome::p99(&flood.refused),
        flood.failed.load(Ordering::Relaxed),
        recovered.rate(Duration::from_secs(2)),
    );
    println!("overload: {report}");
    assert!(goodput >= GOODPUT, "too little is done");
    assert_eq!(flood.wrong.load(Ordering::Relaxed), 0, "answers that are neither a success nor 503 with Retry-After");
    assert!(Outcome::within(&flood.refused, 50) <= REFUSED_WITHIN, "refusals take too long");
    assert!(after <= MEMORY, "too much memory");
    let lost = (recovered.refused.lock().unwrap().len(), recovered.failed.load(Ordering::Relaxed));
    assert_eq!(lost, (0, 0), "not everything is done afterwards");
    format!("{report}. {}", sign_ins(stage, &process, time).await)
}

/// Asks twice a second by a new connection whether it is ready, as a balancer does: how long that took at most, in
/// milliseconds.
async fn probes(stage: &Stage, process: &Process, time: Duration) -> f64 {
    let (url, start, mut most) = (format!("{}/health/ready", process.base), Instant::now(), 0.0_f64);
    while start.elapsed() < time {
        let begun = Instant::now();
        let answer = stage.http.get(&url).header("connection", "close").send().await.unwrap();
        assert_eq!(answer.status(), 200);
        most = most.max(begun.elapsed().as_secs_f64() * 1000.0);
        sleep(Duration::from_millis(500)).await;
    }
    most
}

/// Docket and its database on one core and this process on the other, so that the load does not take what it measures.
async fn on_one_core(stage: &Stage) -> Process {
    let mut command = Command::new("taskset");
    // It counts the cores that it may use when it starts.
    command.args(["-c", "1", env!("CARGO_BIN_EXE_docket")]);
    let process = Process::start_by(command, &stage.app.database_url, &[("RUST_LOG", "off")], Stdio::null()).await;
    let mut serving = Vec::new();
    if stage.app.database_url.starts_with("postgres") {
        let server = stage.app.sql_text("select split_part(pg_read_file('postmaster.pid'), chr(10), 1)").await;
        let children = fs::read_to_string(format!("/proc/{server}/task/{server}/children")).unwrap();
        serving.extend(children.split_whitespace().map(str::to_owned));
        serving.push(server);
    }
    let others = [std::process::id().to_string()];
    for (pid, core) in serving.iter().map(|pid| (pid, "1")).chain(others.iter().map(|pid| (pid, "0"))) {
        // A process of the database may have ended since.
        let pinned = Command::new("taskset").args(["-a", "-c", "-p", core, pid]).output().unwrap();
        assert!(pinned.status.success() || !Path::new("/proc").join(pid).exists());
    }
    process
}

async fn sign_ins(stage: &Stage, process: &Process, time: Duration) -> String {
    let sender = sender(stage, process).await;
    let alone = closed(&sender, 8, time).await;
    let stop = AtomicBool::new(false);
    let url = format!("{}/api/auth/sign-in/email", process.base);
    let body = json!({ "email": "nobody@example.com", "password": "wrong-password" });
    let flood = futures_util::future::join_all((0..16).map(|_| async {
        while !stop.load(Ordering::Relaxed) {
            let _ = stage.http.post(&url).json(&body).send().await;
        }
    }));
    let reading = async {
        let beside = closed(&sender, 8, time).await;
        stop.store(true, Ordering::Relaxed);
        beside
    };
    let (_, beside) = tokio::join!(flood, reading);
    format!(
        "Reads alone {:.0}/s (p99 {:.1} ms), beside 16 who sign in without end {:.0}/s (p99 {:.1} ms)",
        alone.rate(time),
        Outcome::p99(&alone.done),
        beside.rate(time),
        Outcome::p99(&beside.done),
    )
}

/// So many idle connections, and so many idle subscriptions: what each takes.
pub async fn crowd(stage: &Stage, count: u32) -> String {
    let settings = [("RUST_LOG", "off"), ("DOCKET_GRAPHQL_LIMITS", "streams=100000")];
    let process = stage.docket_with(&settings).await;
    for pid in [process.pid(), std::process::id()] {
        // As many files as there may be.
        let most = format!("most=$(ulimit -Hn); prlimit --pid {pid} --nofile=$most:$most");
        assert!(Command::new("sh").args(["-c", &most]).status().unwrap().success());
    }
    let sender = sender(stage, &process).await;
    closed(&sender, CLIENTS, Duration::from_secs(1)).await;
    let empty = kilobytes(process.pid());
    let mut idle = Vec::new();
    for _ in 0..count {
        sender.idle.lock().unwrap().clear();
        assert_eq!(sender.head().await.map(|it| it.status), Some(200));
        idle.append(&mut sender.idle.lock().unwrap());
    }
    let connected = kilobytes(process.pid());
    let mut subscribed = Vec::new();
    for _ in 0..count {
        subscribed.push(subscribe(stage, &process).await);
    }
    let listening = kilobytes(process.pid());
    let each = |from: u64, to: u64| to.saturating_sub(from) as f64 / f64::from(count);
    assert_eq!(sender.head().await.map(|it| it.status), Some(200), "others are served");
    // Only now is it known that they listened.
    let (status, made) = stage.graphql(&process.base, &stage.people[QUIET], json!({ "query": CREATE })).await.unwrap();
    assert!(status == 200 && made.get("errors").is_none(), "{made}");
    for stream in &mut subscribed {
        hears(stream).await;
    }
    drop(idle);
    format!(
        "{empty} kB; {:.1} kB for each of {count} idle connections, {:.1} kB for each of {count} idle subscriptions \
         (event streams)",
        each(empty, connected),
        each(connected, listening)
    )
}

/// An event stream of somebody who does nothing yet.
async fn subscribe(stage: &Stage, process: &Process) -> TcpStream {
    let address = process.base.trim_start_matches("http://");
    let body = json!({ "query": "subscription { changes { nodeId } }" }).to_string();
    let request = format!(
        "POST /graphql HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {}\r\naccept: text/event-stream\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        stage.people[QUIET].token,
        body.len()
    );
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let head = until(&mut stream, "\r\n\r\n").await;
    assert!(head.starts_with("HTTP/1.1 200") && head.contains("text/event-stream"), "{head}");
    stream
}

/// Waits for the one change that there is, which is the first event: an error or an end would be another.
async fn hears(stream: &mut TcpStream) {
    let event = until(stream, "\n\n").await;
    let event = event.rsplit("event: ").next().unwrap_or_default();
    assert!(event.starts_with("next") && event.contains("\"nodeId\":") && !event.contains("errors"), "{event}");
}

/// What comes up to that text, heartbeats left out.
async fn until(stream: &mut TcpStream, end: &str) -> String {
    let mut text = Vec::new();
    loop {
        text.push(timeout(Duration::from_secs(20), stream.read_u8()).await.unwrap().unwrap());
        if text.ends_with(end.as_bytes()) {
            let read = String::from_utf8_lossy(&text);
            if end == "\r\n\r\n" || read.contains("event: ") {
                return read.into_owned();
            }
        }
    }
}

/// Half of what can be done, nine reads through both APIs and a write, for so many seconds: memory and descriptors again
/// and again. By as many clients all the time, because each connection takes memory.
pub async fn soak(stage: &Stage, seconds: u32) -> String {
    let process = stage.docket_with(&[("RUST_LOG", "off")]).await;
    drop(sender(stage, &process).await);
    let sender = mixed(stage, &process).await;
    let rate = closed(&sender, CLIENTS, Duration::from_secs(3)).await.rate(Duration::from_secs(3)) / 2.0;
    let parts = seconds.div_ceil(TOKEN).max(6);
    let mut figures = Vec::new();
    for part in 0..parts {
        let sender = mixed(stage, &process).await;
        let outcome = paced(&sender, rate, Duration::from_secs((seconds / parts).into())).await;
        let (failed, refused) = (outcome.failed.load(Ordering::Relaxed), outcome.refused.lock().unwrap().len());
        assert_eq!((failed, refused), (0, 0), "in part {part}");
        let files = fs::read_dir(format!("/proc/{}/fd", process.pid())).unwrap().count();
        figures.push(format!("{} kB {files} files", kilobytes(process.pid())));
        println!("soak: {}", figures.last().unwrap());
    }
    format!("{rate:.0}/s for {seconds} s: {}", figures.join(", "))
}

/// So many requests a second for so long. Who is late makes up for it.
async fn paced(sender: &Sender, rate: f64, time: Duration) -> Outcome {
    let (outcome, start) = (Outcome::default(), Instant::now());
    let (between, clients) = (Duration::from_secs_f64(1.0 / rate), u32::try_from(CLIENTS).unwrap());
    let done = &outcome;
    let loops = (0..clients).map(|client| async move {
        let mut due = start + between * client;
        while due - start < time {
            sleep_until(due.into()).await;
            sender.send(due, done).await;
            due += between * clients;
        }
    });
    futures_util::future::join_all(loops).await;
    outcome
}

fn memory(pid: u32) -> u64 {
    kilobytes(pid) / 1024
}
