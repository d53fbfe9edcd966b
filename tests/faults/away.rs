//! The database is away for a while, cut off or silent: every request is answered in time, the process is not ready,
//! and is ready again soon after the database is back; nothing acknowledged is lost.
//! See docs/contracts/reliability.md#database-failures.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use serde_json::json;
use url::Url;

use super::{
    ledger::{WriteCounters, compare, write_all, writers},
    proxy::{Mode, Proxy},
    stage::Stage,
    support::Process,
};

/// How soon it is noticed that the database is away or back.
const NOTICED: Duration = Duration::from_secs(2);
/// How long a request may take, whatever happens.
const ANSWERED: Duration = Duration::from_secs(6);

/// Cuts the connections and loses all bytes, for so many seconds each.
pub async fn away(stage: &Stage, seconds: u32) -> String {
    let url: Url = stage.app.database_url.parse().unwrap();
    let proxy = Proxy::to(url.socket_addrs(|| Some(5432)).unwrap()[0]).await;
    let url = proxy.instead_of(&url);
    let process = Process::start_with(url.as_str(), &[("RUST_LOG", "off")], std::process::Stdio::null()).await;
    let base = process.base.clone();

    let (mut ledgers, mut reports) = (writers(stage, 8), Vec::new());
    for mode in [Mode::Refuse, Mode::Silent] {
        let counters = Arc::new(WriteCounters::default());
        let reading = Reading::default();
        let (written, (), report) = tokio::join!(
            write_all(stage, &base, ledgers, &counters),
            reading.read(stage, &base, &counters),
            outage((stage, &base), (&proxy, mode), seconds, &counters)
        );
        ledgers = written;
        let refused = reading.refused.load(Ordering::Relaxed) + counters.refused.load(Ordering::Relaxed);
        assert!(refused > 0, "nothing was refused while the database was away");
        let slowest = Duration::from_millis(reading.slowest.load(Ordering::Relaxed));
        assert!(slowest < ANSWERED, "an answer took {slowest:?}");
        reports.push(format!("{mode:?}: {report}, {refused} requests got 503, the slowest answer took {slowest:.1?}"));
    }
    let compared = compare(stage, &base, &mut ledgers).await;
    process.stop().await;
    format!("away for {seconds} s. {}. {compared} tasks compared, none lost", reports.join("; "))
}

/// Makes the database go away and come back, and measures how soon that is noticed.
async fn outage(
    (stage, base): (&Stage, &str),
    (proxy, mode): (&Proxy, Mode),
    seconds: u32,
    counters: &WriteCounters,
) -> String {
    tokio::time::sleep(Duration::from_millis(500)).await;
    let start = Instant::now();
    proxy.set(mode);
    let gone = stage.until(base, 503).await;
    assert!(gone < NOTICED, "not ready only after {gone:?}");
    let live = stage.http.get(format!("{base}/health")).send().await.unwrap();
    assert_eq!(live.status(), 200, "the process lives");
    tokio::time::sleep(Duration::from_secs(seconds.into()).saturating_sub(start.elapsed())).await;
    proxy.set(Mode::Pass);
    let back = stage.until(base, 200).await;
    assert!(back < NOTICED, "ready again only after {back:?}");
    tokio::time::sleep(Duration::from_millis(500)).await;
    counters.stop.store(true, Ordering::Relaxed);
    format!("not ready after {gone:.1?}, ready again after {back:.1?}")
}

/// What those see who only read.
#[derive(Default)]
pub struct Reading {
    pub refused: AtomicU64,
    /// In milliseconds.
    pub slowest: AtomicU64,
}

impl Reading {
    /// Reads at both APIs until told to stop.
    pub async fn read(&self, stage: &Stage, base: &str, counters: &WriteCounters) {
        let readers = (0..4).map(|number| self.one(stage, base, number, counters));
        futures_util::future::join_all(readers).await;
    }

    async fn one(&self, stage: &Stage, base: &str, number: usize, counters: &WriteCounters) {
        let person = &stage.people[number];
        while !counters.stop.load(Ordering::Relaxed) {
            let start = Instant::now();
            let request = if number.is_multiple_of(2) {
                stage.http.get(format!("{base}/api/{}/tasks?limit=5", person.id))
            } else {
                let body = json!({ "query": "{ tasks(first: 5) { nodes { id } } }" });
                stage.http.post(format!("{base}/graphql")).json(&body)
            };
            let answer = request.bearer_auth(&person.session).send().await.unwrap();
            let (status, later) = (answer.status().as_u16(), answer.headers().contains_key("retry-after"));
            let text = answer.text().await.unwrap();
            let millis = u64::try_from(start.elapsed().as_millis()).unwrap();
            self.slowest.fetch_max(millis, Ordering::Relaxed);
            if status == 503 || text.contains("SERVICE_UNAVAILABLE") {
                assert!(status == 200 || later, "{text}");
                self.refused.fetch_add(1, Ordering::Relaxed);
                tokio::time::sleep(Duration::from_millis(20)).await;
            } else {
                assert_eq!(status, 200, "{text}");
            }
        }
    }
}
