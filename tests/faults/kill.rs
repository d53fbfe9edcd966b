//! The process is killed while clients write, or the power fails: no acknowledged write is lost, and nothing is there
//! that nobody asked for.
//! See docs/contracts/reliability.md#durability.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

use rand::RngExt;
use serde_json::json;

use super::{
    ledger::{WriteCounters, compare, write_all, writers},
    stage::Stage,
    support::Process,
};

const WRITERS: usize = 16;
/// How soon a process that was killed is ready again.
const READY: Duration = Duration::from_secs(1);

/// Kills, starts again and compares.
pub async fn kill(stage: &Stage, rounds: u32) -> String {
    let (mut ledgers, counters) = (writers(stage, WRITERS), Arc::new(WriteCounters::default()));
    let (mut slowest, mut compared) = (Duration::ZERO, 0);
    for _ in 0..rounds {
        let process = stage.docket().await;
        let life = Duration::from_millis(rand::rng().random_range(200..900));
        let base = process.base.clone();
        let (written, ()) = tokio::join!(write_all(stage, &base, ledgers, &counters), async {
            tokio::time::sleep(life).await;
            process.kill();
        });
        ledgers = written;
        let start = Instant::now();
        let process = stage.docket().await;
        slowest = slowest.max(start.elapsed());
        compared = compare(stage, &process.base, &mut ledgers).await;
        once_across_a_kill(stage, process).await;
    }
    assert!(slowest < READY * 3, "ready only after {slowest:?}");
    let acknowledged = counters.acknowledged.load(Ordering::Relaxed);
    assert!(acknowledged > u64::from(rounds) * 20, "only {acknowledged} writes");
    format!(
        "{rounds} kills under {WRITERS} writers: {acknowledged} acknowledged writes, {compared} tasks compared, none \
         lost or invented; ready again after {slowest:.0?} at most"
    )
}

/// The same create with the same key, sent while the process is killed and again afterwards, makes one task
/// (docs/contracts/reliability.md#idempotency). The process stays dead.
async fn once_across_a_kill(stage: &Stage, process: Process) {
    let person = &stage.people[0];
    let key = uuid::Uuid::now_v7().to_string();
    let send = |base: String| {
        let request = stage.http.post(format!("{base}/api/{}/tasks", person.id)).bearer_auth(&person.session);
        let request = request.header("idempotency-key", &key).json(&json!({ "title": key }));
        async { request.send().await.map(|it| it.status().as_u16()) }
    };
    let pause = Duration::from_micros(rand::rng().random_range(0..20_000));
    let _ = tokio::join!(send(process.base.clone()), send(process.base.clone()), async {
        tokio::time::sleep(pause).await;
        process.kill();
    });
    let process = stage.docket().await;
    assert_eq!(send(process.base.clone()).await.unwrap(), 201);
    assert_eq!(send(process.base.clone()).await.unwrap(), 201);
    let path = format!("{}/api/{}/tasks", process.base, person.id);
    let all = stage.http.get(&path).bearer_auth(&person.session).send().await.unwrap();
    let all: Vec<serde_json::Value> = serde_json::from_str(&all.text().await.unwrap()).unwrap();
    let made: Vec<_> = all.iter().filter(|it| it["title"] == key.as_str()).collect();
    assert_eq!(made.len(), 1, "{made:?}");
    let deleted = stage.http.delete(format!("{path}/{}", made[0]["id"])).bearer_auth(&person.session);
    assert_eq!(deleted.send().await.unwrap().status(), 204);
    process.kill();
}

/// Cuts the power: the process is killed, and the files are as they were when each was last synchronised.
pub async fn power(stage: &Stage, rounds: u32) -> String {
    let folder = tempfile::tempdir().unwrap();
    let library = shim(folder.path());
    let url = stage.app.database_url.clone();
    let place = PathBuf::from(url.trim_start_matches("sqlite://").trim_end_matches("?mode=rwc"));
    let (data, shadow) = (place.parent().unwrap().to_owned(), folder.path().join("shadow"));
    let (mut ledgers, counters) = (writers(stage, WRITERS), Arc::new(WriteCounters::default()));
    let mut compared = 0;
    for _ in 0..rounds {
        copy(&data, &shadow);
        let settings = [
            ("LD_PRELOAD", library.to_str().unwrap()),
            ("POWER_DATA", data.to_str().unwrap()),
            ("POWER_SHADOW", shadow.to_str().unwrap()),
        ];
        let process = stage.docket_with(&settings).await;
        let life = Duration::from_millis(rand::rng().random_range(300..900));
        let base = process.base.clone();
        let (written, ()) = tokio::join!(write_all(stage, &base, ledgers, &counters), async {
            tokio::time::sleep(life).await;
            process.kill();
        });
        ledgers = written;
        copy(&shadow, &data);
        let process = stage.docket().await;
        compared = compare(stage, &process.base, &mut ledgers).await;
        process.kill();
    }
    let acknowledged = counters.acknowledged.load(Ordering::Relaxed);
    assert!(acknowledged > u64::from(rounds) * 10, "only {acknowledged} writes");
    format!(
        "{rounds} power cuts under {WRITERS} writers: {acknowledged} acknowledged writes, {compared} tasks compared, \
         none lost or invented"
    )
}

/// What stands between the process and the disk.
fn shim(folder: &Path) -> PathBuf {
    let library = folder.join("power.so");
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/faults/power.c");
    let built =
        Command::new("cc").args(["-shared", "-fPIC", "-O1", "-o"]).arg(&library).args([source, "-ldl"]).status();
    assert!(built.unwrap().success());
    library
}

/// Makes a folder the same as another one, but for the index of the write-ahead log, which is memory.
fn copy(from: &Path, to: &Path) {
    let _ = fs::remove_dir_all(to);
    fs::create_dir_all(to).unwrap();
    for file in fs::read_dir(from).unwrap() {
        let file = file.unwrap();
        if !file.file_name().to_string_lossy().ends_with("-shm") {
            fs::copy(file.path(), to.join(file.file_name())).unwrap();
        }
    }
}
