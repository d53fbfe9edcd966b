//! What instances on one PostgreSQL tell each other of changes: those hear it that have listeners, and these miss
//! nothing while they come, go, and lose their connection.

use std::{
    fs,
    time::{Duration, Instant},
};

use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream, tcp},
    task::JoinSet,
};

use crate::{
    support::{App, Person, Process, at_once, free_port, until},
    sync::Live,
    telemetry::{scraped, value},
};

/// How long a change may take from one instance to a listener at another one.
const SOON: Duration = Duration::from_millis(100);
/// Longer than it takes to find out that notifications arrive; until then revisions are polled.
const SETTLED: Duration = Duration::from_secs(3);

async fn count(app: &App, series: &str) -> f64 {
    value(&scraped(app).await, series)
}

async fn received(app: &App) -> f64 {
    count(app, "docket_events_received_total").await
}

/// How long each of some writes at one instance takes to a listener at another one: the median.
async fn delay(app: &App, person: &Person, live: &mut Live) -> Duration {
    let mut delays = Vec::new();
    for number in 0..11 {
        let title = format!("told {number}");
        app.task(person, &title).await;
        let start = Instant::now();
        while live.next().await.1 != title {}
        delays.push(start.elapsed());
    }
    delays.sort();
    delays[5]
}

/// A way to a server on which what is sent arrives late.
async fn slow_way(url: &str, late: Duration) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (server, slow) = diverted(url, &listener.local_addr().unwrap().to_string());
    tokio::spawn(carry(listener, server, late));
    slow
}

/// The server of a URL, and the URL that leads to another address instead.
fn diverted(url: &str, address: &str) -> (String, String) {
    let (start, rest) = url.split_once('@').unwrap();
    let (server, database) = rest.split_once('/').unwrap();
    (server.to_owned(), format!("{start}@{address}/{database}"))
}

/// Carries what comes to a server, and what it answers, until this is dropped.
async fn carry(listener: TcpListener, server: String, late: Duration) {
    let mut passing = JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        let (from_client, to_client) = client.into_split();
        let (from_server, to_server) = TcpStream::connect(&server).await.unwrap().into_split();
        passing.spawn(pass(from_client, to_server, late));
        passing.spawn(pass(from_server, to_client, Duration::ZERO));
    }
}

async fn pass(mut from: tcp::OwnedReadHalf, mut to: tcp::OwnedWriteHalf, late: Duration) {
    let mut bytes = vec![0; 8192];
    while let Ok(count) = from.read(&mut bytes).await {
        tokio::time::sleep(late).await;
        if count == 0 || to.write_all(&bytes[..count]).await.is_err() {
            break;
        }
    }
}

#[tokio::test]
async fn an_instance_hears_of_those_who_are_listened_to_there() {
    let metrics = [("DOCKET_METRICS", "127.0.0.1:0")];
    let app = App::spawn_with(&metrics).await;
    if app.is_sqlite() {
        return;
    }
    let ann = app.person("ann").await;
    let mut bob = app.person("bob").await;
    // One in 256 shares the channel of ann.
    let channel = async |person: &Person| app.owner(person).await.parse::<i32>().unwrap() & 0xff;
    while channel(&bob).await == channel(&ann).await {
        bob = app.person(&format!("not{}", bob.id)).await;
    }
    let (near, far, silent) = (app.beside(&metrics).await, app.beside(&metrics).await, app.beside(&metrics).await);
    let mut listening = Live::open(&near, &ann, 0).await;
    let mut other = Live::open(&far, &bob, 0).await;
    app.task(&ann, "first").await;
    listening.next().await;
    app.task(&bob, "first").await;
    other.next().await;
    tokio::time::sleep(SETTLED).await;
    let before = (received(&near).await, received(&far).await);

    let delay = delay(&app, &ann, &mut listening).await;

    assert!(delay < SOON, "{delay:?}");
    assert!(received(&near).await >= before.0 + 5.0, "the listeners' own instance hears nothing");
    assert_eq!(received(&far).await, before.1, "it hears of somebody who is not listened to there");
    assert_eq!((received(&silent).await, received(&app).await), (0.0, 0.0), "nobody listens there");
    let channels = "docket_event_channels";
    assert_eq!((count(&near, channels).await, count(&silent, channels).await), (1.0, 0.0));
    // One that a poll has found first is sent together with the next one.
    until("they are counted", async || count(&app, "docket_events_sent_total").await >= 7.0).await;
}

#[tokio::test]
async fn with_replicas_an_instance_hears_of_all() {
    let app = App::spawn().await;
    if app.is_sqlite() {
        return;
    }
    let ann = app.person("ann").await;
    let replicated = app.beside(&[("DOCKET_METRICS", "127.0.0.1:0"), ("DATABASE_READ_URL", &app.database_url)]).await;
    until("something is heard", async || {
        app.task(&ann, "heard").await;
        received(&replicated).await > 0.0
    })
    .await;
    assert_eq!(count(&replicated, "docket_event_channels").await, 256.0);
}

/// The notification of a write that falls between a listener's first read and its LISTEN is received by nobody.
#[tokio::test]
async fn a_write_before_the_channel_is_listened_to_is_found() {
    let app = App::spawn().await;
    if app.is_sqlite() {
        return;
    }
    let (ann, bob) = (app.person("ann").await, app.person("bob").await);
    let late = slow_way(&app.database_url, Duration::from_millis(400)).await;
    let other = app.beside(&[("DATABASE_LISTEN_URL", &late)]).await;
    // While somebody listens it is known that notifications arrive, and nobody is polled for half a minute.
    let _standing = Live::open(&other, &bob, 0).await;
    tokio::time::sleep(SETTLED * 2).await;
    let mut live = Live::open(&other, &ann, 0).await;
    app.task(&ann, "between").await;
    assert_eq!(live.next().await.1, "between");
}

#[tokio::test]
async fn a_way_to_the_others_that_is_away_is_logged_when_it_goes_and_comes() {
    let app = App::spawn().await;
    if app.is_sqlite() {
        return;
    }
    let address = format!("127.0.0.1:{}", free_port());
    let (server, url) = diverted(&app.database_url, &address);
    let log = tempfile::NamedTempFile::new().unwrap();
    let settings = [("DATABASE_LISTEN_URL", url.as_str()), ("RUST_LOG", "info")];
    let process = Process::start_with(&app.database_url, &settings, log.reopen().unwrap()).await;
    let said = |text: &str| fs::read_to_string(log.path()).unwrap().matches(text).count();
    let comes_to = async |counts: [usize; 2]| {
        let texts = ["events cannot be received", "events are received again"];
        until(&format!("lines: {counts:?}"), async || texts.map(said) == counts).await;
    };
    comes_to([1, 0]).await;
    tokio::time::sleep(SETTLED).await;
    comes_to([1, 0]).await;
    let listener = TcpListener::bind(&address).await.unwrap();
    let carrying = tokio::spawn(carry(listener, server, Duration::ZERO));
    comes_to([1, 1]).await;
    carrying.abort();
    comes_to([2, 1]).await;
    process.stop().await;
}

#[tokio::test]
async fn listeners_that_come_and_go_miss_nothing() {
    const TASKS: i64 = 150;
    let app = App::spawn().await;
    if app.is_sqlite() {
        return;
    }
    let people = at_once(4, async |number| app.person(&format!("person{number}")).await).await;
    let other = app.beside(&[]).await;
    let write = async |person: &Person| {
        for number in 1..=TASKS {
            app.rest_task(person, json!({ "title": format!("task {number}") })).await;
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let follow = async |person: &Person, stays: i64| {
        let mut seen = 0;
        while seen < TASKS {
            let mut live = Live::open(&other, person, seen).await;
            for _ in 0..stays.min(TASKS - seen) {
                let (revision, title) = live.next().await;
                assert_eq!((revision, title), (seen + 1, format!("task {}", seen + 1)));
                seen = revision;
            }
        }
    };
    at_once(4, async |number| {
        let stays = i64::try_from(number).unwrap() * 3 + 1;
        tokio::join!(write(&people[number]), follow(&people[number], stays), follow(&people[number], 7))
    })
    .await;
}

#[tokio::test]
async fn channels_are_listened_to_again_after_their_connection_was_lost() {
    let app = App::spawn().await;
    if app.is_sqlite() {
        return;
    }
    let ann = app.person("ann").await;
    let other = app.beside(&[]).await;
    let mut live = Live::open(&other, &ann, 0).await;
    tokio::time::sleep(SETTLED).await;
    app.sql(
        "select pg_terminate_backend(pid) from pg_stat_activity
         where datname = current_database() and query like 'LISTEN %'",
    )
    .await;
    app.task(&ann, "meanwhile").await;
    assert_eq!(live.next().await.1, "meanwhile");
    tokio::time::sleep(SETTLED).await;
    let delay = delay(&app, &ann, &mut live).await;
    assert!(delay < SOON, "{delay:?}");
}
