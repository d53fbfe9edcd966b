//! Instances beside each other on one PostgreSQL: their connections, their memory, and what they hear of each other.

use std::{fs, process::Stdio, time::Duration};

use futures_util::{StreamExt, stream};
use serde_json::json;

use crate::support::{App, Person, Process, free_port};

/// The connections that each may have.
const CONNECTIONS: &str = "5";
/// How many people each instance has a subscription of.
const LISTENERS: usize = 8;
/// Over how many channels people are spread.
const CHANNELS: u64 = 256;
/// How many tasks each of them makes, at the first instance.
const WRITES: usize = 10;
/// How many write at a time.
const CLIENTS: usize = 32;
/// What one instance may take, with its subscriptions.
const MAX_KILOBYTES: u64 = 100_000;
/// How long it may take until all is heard.
const PATIENCE: Duration = Duration::from_secs(20);
/// Longer than events wait to be sent.
const SETTLED: Duration = Duration::from_millis(2500);

/// An instance, where its metrics are, and who is listened to there.
struct Instance {
    process: Process,
    metrics: String,
    people: Vec<Person>,
}

impl Instance {
    async fn start(app: &App, people: Vec<Person>) -> Self {
        let address = format!("127.0.0.1:{}", free_port());
        let settings = [("DATABASE_MAX_CONNECTIONS", CONNECTIONS), ("DOCKET_METRICS", address.as_str())];
        let process = Process::start_with(&app.database_url, &settings, Stdio::null()).await;
        Self { process, metrics: format!("http://{address}/metrics"), people }
    }

    async fn count(&self, series: &str) -> u64 {
        let text = reqwest::get(&self.metrics).await.unwrap().text().await.unwrap();
        let line = text.lines().find(|it| it.starts_with(series)).unwrap_or_else(|| panic!("no {series} in {text}"));
        line.rsplit(' ').next().unwrap().parse().unwrap()
    }

    fn kilobytes(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.pid())).unwrap();
        let line = status.lines().find_map(|it| it.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }
}

/// Prints what so many instances take, and fails when one takes much, or hears what it has no use for.
pub async fn check(count: usize) {
    let mut app = App::unstarted().await;
    if app.is_sqlite() {
        return;
    }
    app.start(&[]).await;
    let mut people = Vec::new();
    for number in 0..count * LISTENERS {
        people.push(app.person(&format!("person{number}")).await);
    }
    app.stop().await;
    let mut instances = Vec::new();
    for people in people.chunks(LISTENERS) {
        instances.push(Instance::start(&app, people.to_vec()).await);
    }
    app.base.clone_from(&instances[0].process.base);
    let idle: u64 = instances.iter().map(Instance::kilobytes).max().unwrap();
    let mut streams = Vec::new();
    for instance in &instances {
        for person in &instance.people {
            streams.push(subscribe(&app, instance, person).await);
        }
    }
    tokio::time::sleep(SETTLED).await;
    for _ in 0..WRITES {
        let people = stream::iter(instances.iter().flat_map(|it| &it.people));
        people.for_each_concurrent(CLIENTS, async |it| drop(app.task(it, "told").await)).await;
    }
    let all = futures_util::future::join_all(streams.iter_mut().map(hear));
    tokio::time::timeout(PATIENCE, all).await.unwrap_or_else(|_| panic!("not all is heard"));
    tokio::time::sleep(SETTLED).await;
    report(&app, &instances, idle).await;
    drop(streams);
    for instance in &instances {
        instance.process.stop().await;
    }
}

async fn report(app: &App, instances: &[Instance], idle: u64) {
    let connections = "select count(*)::text from pg_stat_activity where datname = current_database()
                       and pid <> pg_backend_pid()";
    let connections: f64 = app.sql_text(connections).await.parse().unwrap();
    let sent = instances[0].count("docket_events_sent_total").await;
    let mut received = 0;
    for instance in instances {
        received += instance.count("docket_events_received_total").await;
        let channels = instance.count("docket_event_channels").await;
        assert!(channels <= LISTENERS as u64, "it listens to {channels} channels");
    }
    let (most, number) = (instances.iter().map(Instance::kilobytes).max().unwrap(), instances.len());
    println!(
        "{number} instances: {:.1} connections each; {idle} kB each at most, {most} kB with subscriptions; of {sent} \
         events {received} were heard, {} by one channel",
        connections / number as f64,
        sent * number as u64
    );
    assert!(connections <= number as f64 * 8.0, "{connections} connections");
    assert!(most < MAX_KILOBYTES, "an instance takes {most} kB");
    // Each is of use at one instance. With one of the channels of another one it is heard there too.
    let shared = 3 * sent * (LISTENERS * number) as u64 / CHANNELS;
    assert!((sent..=sent + sent / 10 + shared).contains(&received), "of {sent} events {received} were heard");
}

type Stream = stream::BoxStream<'static, String>;

/// The events of somebody's subscription.
async fn subscribe(app: &App, instance: &Instance, person: &Person) -> Stream {
    let body = json!({ "query": "subscription { changes { revision } }" });
    let request = app.http.post(format!("{}/graphql", instance.process.base)).bearer_auth(&person.token);
    let response = request.header("accept", "text/event-stream").json(&body).send().await.unwrap();
    assert_eq!(response.status(), 200);
    response.bytes_stream().map(|it| String::from_utf8_lossy(&it.unwrap()).into_owned()).boxed()
}

/// Reads until the last write is there.
async fn hear(stream: &mut Stream) {
    let mut read = String::new();
    while !read.contains(&format!("\"revision\":{WRITES}}}")) {
        read.push_str(&stream.next().await.unwrap());
    }
}
