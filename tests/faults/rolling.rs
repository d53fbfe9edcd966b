//! Two instances on one PostgreSQL behind nginx, then behind HAProxy, are restarted in turn under load: no request
//! fails.
//! See docs/contracts/reliability.md#starting-and-stopping.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    time::Duration,
};

use reqwest::Client;
use serde_json::json;

use super::{
    stage::Stage,
    support::{Process, free_port},
};

const CLIENTS: usize = 16;
/// How long an instance is left alone after it has started.
const PAUSE: Duration = Duration::from_secs(2);

/// A proxy as a process.
struct Proxy {
    child: Child,
    base: String,
    _folder: tempfile::TempDir,
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status();
        let _ = self.child.wait();
    }
}

/// What the clients saw.
#[derive(Default)]
struct Seen {
    answered: AtomicU64,
    failed: AtomicU64,
    stop: AtomicBool,
}

/// Restarts each instance so many times behind each proxy.
pub async fn rolling(stage: &Stage, rounds: u32) -> String {
    let mut reports = Vec::new();
    for name in ["nginx", "haproxy"] {
        let ports = [free_port(), free_port()];
        let mut instances = Vec::new();
        for port in ports {
            instances.push(instance(stage, port).await);
        }
        let proxy = start(name, ports);
        wait_for(stage, &proxy.base).await;
        let seen = Seen::default();
        let load = futures_util::future::join_all((0..CLIENTS).map(|number| client(stage, &proxy.base, number, &seen)));
        let restarts = async {
            for _ in 0..rounds {
                for (place, port) in ports.into_iter().enumerate() {
                    tokio::time::sleep(PAUSE).await;
                    // It must end by itself, and well.
                    instances[place].stop().await;
                    instances[place] = instance(stage, port).await;
                }
            }
            tokio::time::sleep(PAUSE).await;
            seen.stop.store(true, Ordering::Relaxed);
        };
        tokio::join!(load, restarts);
        let (answered, failed) = (seen.answered.load(Ordering::Relaxed), seen.failed.load(Ordering::Relaxed));
        assert_eq!(failed, 0, "behind {name}, of {answered} requests");
        assert!(answered > 500, "only {answered} requests");
        reports.push(format!("{name}: {answered} requests, {} restarts, none failed", rounds * 2));
    }
    reports.join("; ")
}

async fn instance(stage: &Stage, port: u16) -> Process {
    let port = port.to_string();
    stage.docket_with(&[("PORT", port.as_str()), ("DOCKET_DRAIN_SECONDS", "2"), ("TRUSTED_PROXIES", "127.0.0.1")]).await
}

/// Reads and writes by turns, as fast as it is answered, until told to stop.
async fn client(stage: &Stage, base: &str, number: usize, seen: &Seen) {
    let person = &stage.people[number % stage.people.len()];
    let http = Client::builder().timeout(Duration::from_secs(10)).build().unwrap();
    let url = format!("{base}/api/{}/tasks", person.id);
    while !seen.stop.load(Ordering::Relaxed) {
        for (request, status) in [
            (http.get(format!("{url}?limit=5")), 200),
            (http.post(&url).json(&json!({ "title": "x" })), 201),
            (http.post(format!("{base}/graphql")).json(&json!({ "query": "{ me { id } }" })), 200),
        ] {
            match request.bearer_auth(&person.session).send().await {
                Ok(answer) if answer.status() == status => {
                    let is_whole = answer.bytes().await.is_ok();
                    if is_whole { &seen.answered } else { &seen.failed }.fetch_add(1, Ordering::Relaxed);
                }
                other => {
                    println!("failed: {other:?}");
                    seen.failed.fetch_add(1, Ordering::Relaxed);
                }
            }
        }
    }
}

/// Starts a proxy with the configuration that is shipped, but for its addresses.
fn start(name: &str, ports: [u16; 2]) -> Proxy {
    let folder = tempfile::tempdir().unwrap();
    let port = free_port();
    let file = if name == "nginx" { "nginx.conf" } else { "haproxy.cfg" };
    let shipped = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy").join(file)).unwrap();
    let config = shipped
        .replace("docket-1:8000", &format!("127.0.0.1:{}", ports[0]))
        .replace("docket-2:8000", &format!("127.0.0.1:{}", ports[1]))
        .replace("listen 8000", &format!("listen 127.0.0.1:{port}"))
        .replace("bind :8000", &format!("bind 127.0.0.1:{port}"));
    assert_eq!(config.matches("127.0.0.1").count(), 3, "{config}");
    let place = folder.path().join(file);
    fs::write(&place, config).unwrap();
    let mut command = Command::new(program(name));
    if name == "nginx" {
        let globals = format!("daemon off; pid {}/pid; error_log {0}/log;", folder.path().display());
        command.arg("-p").arg(folder.path()).arg("-c").arg(&place).args(["-g", &globals]);
    } else {
        command.arg("-db").arg("-f").arg(&place);
    }
    let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    Proxy { child, base: format!("http://127.0.0.1:{port}"), _folder: folder }
}

fn program(name: &str) -> PathBuf {
    let places = ["/usr/sbin", "/usr/bin", "/usr/local/sbin", "/usr/local/bin"].map(|it| Path::new(it).join(name));
    places.into_iter().find(|it| it.exists()).unwrap_or_else(|| panic!("{name} is not installed"))
}

async fn wait_for(stage: &Stage, base: &str) {
    for _ in 0..200 {
        if stage.http.get(format!("{base}/health/ready")).send().await.is_ok_and(|it| it.status() == 200) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the proxy does not answer");
}
