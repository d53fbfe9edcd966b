//! Fail-over of the database to its replica: errors only until it is done, and nothing acknowledged is lost. And
//! PgBouncer, in transaction mode, between Docket and its database.
//! See docs/contracts/reliability.md#database-failures.

use std::{
    process::Stdio,
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

use serde_json::json;

use super::{
    away::Reading,
    cluster::{Bouncer, Cluster},
    ledger::{Ledger, WriteCounters, compare, write_all, writers},
    proxy::Proxy,
    stage::Stage,
    support::{App, Process},
};

/// How long a request may take, whatever happens.
const ANSWERED: Duration = Duration::from_secs(6);
/// How soon after the replica took over everything is well again.
const BACK: Duration = Duration::from_secs(2);

/// Loses the server so many times.
pub async fn failover(rounds: u32) -> String {
    let mut server = Cluster::new();
    let stage = Stage::on(App::on(server.url().into())).await;
    let proxy = Proxy::to(server.address()).await;
    let process =
        Process::start_with(proxy.instead_of(&server.url()).as_str(), &[("RUST_LOG", "off")], Stdio::null()).await;
    let base = process.base.clone();
    let (mut ledgers, mut slowest_back, mut refused) = (writers(&stage, 8), Duration::ZERO, 0);
    let acknowledged = Arc::new(WriteCounters::default());
    for _ in 0..rounds {
        let replica = server.replica().await;
        let change = async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            server.kill();
            stage.until(&base, 503).await;
            // First the replica as it is, which can be read and not written; then it takes over.
            proxy.aim(replica.address());
            tokio::time::sleep(Duration::from_secs(1)).await;
            replica.promote();
            let start = Instant::now();
            stage.until(&base, 200).await;
            written(&stage, &base).await;
            start.elapsed()
        };
        let (kept, back, window) = under_load(&stage, &base, ledgers, &acknowledged, change).await;
        ledgers = kept;
        refused += window;
        slowest_back = slowest_back.max(back);
        server = replica;
    }
    assert!(slowest_back < BACK, "well again only {slowest_back:?} after the replica took over");
    assert!(refused > 0, "nothing was refused while there was no server");
    let compared = compare(&stage, &base, &mut ledgers).await;
    process.stop().await;
    let acknowledged = acknowledged.acknowledged.load(Ordering::Relaxed);
    format!(
        "{rounds} fail-overs to a synchronous replica: {acknowledged} acknowledged writes, {refused} requests got 503, \
         writes {slowest_back:.1?} after it took over; {compared} tasks compared, none lost"
    )
}

/// Works through PgBouncer for so many seconds, in the middle of which it is restarted.
pub async fn bouncer(seconds: u32) -> String {
    let server = Cluster::new();
    let stage = Stage::on(App::on(server.url().into())).await;
    let first = Bouncer::before(&server);
    let proxy = Proxy::to(first.url.socket_addrs(|| None).unwrap()[0]).await;
    let (url, listening) = (proxy.instead_of(&server.url()), server.url());
    let settings = [("RUST_LOG", "off"), ("DATABASE_LISTEN_URL", listening.as_str())];
    let process = Process::start_with(url.as_str(), &settings, Stdio::null()).await;
    let base = process.base.clone();
    let acknowledged = Arc::new(WriteCounters::default());
    let half = Duration::from_secs(seconds.into()) / 2;
    let change = async {
        tokio::time::sleep(half).await;
        let second = Bouncer::before(&server);
        proxy.aim(second.url.socket_addrs(|| None).unwrap()[0]);
        drop(first);
        tokio::time::sleep(half).await;
        second
    };
    let (mut ledgers, _second, refused) = under_load(&stage, &base, writers(&stage, 8), &acknowledged, change).await;
    let compared = compare(&stage, &base, &mut ledgers).await;
    process.stop().await;
    let acknowledged = acknowledged.acknowledged.load(Ordering::Relaxed);
    format!(
        "{seconds} s through PgBouncer, restarted once: {acknowledged} acknowledged writes, {refused} requests got 503; \
         {compared} tasks compared, none lost"
    )
}

/// Does something while others write and read: what they wrote, what came of it, and how many were refused.
async fn under_load<T>(
    stage: &Stage,
    base: &str,
    ledgers: Vec<Ledger>,
    acknowledged: &WriteCounters,
    change: impl Future<Output = T>,
) -> (Vec<Ledger>, T, u64) {
    let (counters, reading) = (Arc::new(WriteCounters::default()), Reading::default());
    let change = async {
        let done = change.await;
        tokio::time::sleep(Duration::from_millis(500)).await;
        counters.stop.store(true, Ordering::Relaxed);
        done
    };
    let (written, (), done) =
        tokio::join!(write_all(stage, base, ledgers, &counters), reading.read(stage, base, &counters), change);
    let slowest = Duration::from_millis(reading.slowest.load(Ordering::Relaxed));
    assert!(slowest < ANSWERED, "an answer took {slowest:?}");
    acknowledged.acknowledged.fetch_add(counters.acknowledged.load(Ordering::Relaxed), Ordering::Relaxed);
    let refused = reading.refused.load(Ordering::Relaxed) + counters.refused.load(Ordering::Relaxed);
    (written, done, refused)
}

/// Waits until a write is done.
async fn written(stage: &Stage, base: &str) {
    let body = json!({ "query": "mutation { createTaskList(input: { name: \"x\" }) { taskList { id } } }" });
    let start = Instant::now();
    while !stage.graphql(base, &stage.people[0], body.clone()).await.is_some_and(|(_, it)| it["errors"].is_null()) {
        assert!(start.elapsed() < Duration::from_secs(30), "never written");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
