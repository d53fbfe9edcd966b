//! A client that costs little: requests in bytes over kept connections, as many as are answered or at a given rate.

use std::{
    fs,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{MissedTickBehavior, interval, sleep},
};

/// How many requests are on their way at most.
const MOST: usize = 8000;

/// For how long answers are waited for after the last request at a given rate.
pub const DRAIN: Duration = Duration::from_secs(1);

/// Requests in bytes, sent by turns over kept connections.
pub struct Sender {
    address: String,
    requests: Vec<Vec<u8>>,
    next: AtomicUsize,
    pub idle: Mutex<Vec<TcpStream>>,
}

/// What became of requests: how long each took, in milliseconds.
#[derive(Default)]
pub struct Outcome {
    pub done: Mutex<Vec<f64>>,
    /// Refused, and told when to try again.
    pub refused: Mutex<Vec<f64>>,
    /// Answered in any other way, or not at all.
    pub failed: AtomicUsize,
    /// Those of them that were answered.
    pub wrong: AtomicUsize,
}

/// The head of an answer.
#[derive(Clone, Copy)]
pub struct Head {
    pub status: u16,
    pub has_retry_after: bool,
}

impl Sender {
    /// Sends these to a server at `http://address`.
    pub fn new(base: &str, requests: Vec<Vec<u8>>) -> Arc<Self> {
        let address = base.trim_start_matches("http://").to_owned();
        Arc::new(Self { address, requests, next: AtomicUsize::default(), idle: Mutex::default() })
    }

    /// Sends the next one, which was due then.
    pub async fn send(&self, since: Instant, outcome: &Outcome) {
        let head = self.head().await;
        let millis = since.elapsed().as_secs_f64() * 1000.0;
        match head {
            Some(Head { status: 200 | 201, .. }) => outcome.done.lock().unwrap().push(millis),
            Some(Head { status: 503 | 429, has_retry_after: true }) => outcome.refused.lock().unwrap().push(millis),
            other => {
                outcome.failed.fetch_add(1, Ordering::Relaxed);
                outcome.wrong.fetch_add(other.is_some().into(), Ordering::Relaxed);
            }
        }
    }

    /// The head of one answer; nothing when there was none.
    pub async fn head(&self) -> Option<Head> {
        let idle = self.idle.lock().unwrap().pop();
        // A server ends connections that were idle for long.
        if let Some(stream) = idle
            && let Some(head) = self.answered(stream).await
        {
            return Some(head);
        }
        self.answered(TcpStream::connect(&self.address).await.ok()?).await
    }

    async fn answered(&self, mut stream: TcpStream) -> Option<Head> {
        let turn = self.next.fetch_add(1, Ordering::Relaxed);
        stream.write_all(&self.requests[turn % self.requests.len()]).await.ok()?;
        let mut answer = Vec::with_capacity(4096);
        loop {
            if stream.read_buf(&mut answer).await.ok()? == 0 {
                return None;
            }
            let Some(end) = answer.windows(4).position(|it| it == b"\r\n\r\n") else { continue };
            let head = std::str::from_utf8(&answer[..end]).ok()?;
            let length = head.lines().find_map(|it| it.strip_prefix("content-length: "))?.parse::<usize>().ok()?;
            if answer.len() >= end + 4 + length {
                let has_retry_after = head.lines().any(|it| it.starts_with("retry-after: "));
                let head = Head { status: head.get(9..12)?.parse().ok()?, has_retry_after };
                self.idle.lock().unwrap().push(stream);
                return Some(head);
            }
        }
    }
}

/// As many requests as are answered, from so many clients, for so long.
pub async fn closed(sender: &Arc<Sender>, clients: usize, time: Duration) -> Outcome {
    let outcome = Outcome::default();
    let start = Instant::now();
    let loops = (0..clients).map(|_| async {
        while start.elapsed() < time {
            sender.send(Instant::now(), &outcome).await;
        }
    });
    futures_util::future::join_all(loops).await;
    outcome
}

/// So many requests a second, whatever is answered, for so long.
pub async fn open(sender: &Arc<Sender>, rate: f64, time: Duration) -> Outcome {
    let (outcome, waiting) = (Arc::new(Outcome::default()), Arc::new(AtomicUsize::default()));
    let mut ticks = interval(Duration::from_millis(2));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let (start, mut sent) = (Instant::now(), 0.0);
    while start.elapsed() < time {
        ticks.tick().await;
        while sent < start.elapsed().as_secs_f64() * rate {
            sent += 1.0;
            if waiting.fetch_add(1, Ordering::Relaxed) >= MOST {
                waiting.fetch_sub(1, Ordering::Relaxed);
                outcome.failed.fetch_add(1, Ordering::Relaxed);
                continue;
            }
            let (sender, outcome, waiting) = (Arc::clone(sender), Arc::clone(&outcome), Arc::clone(&waiting));
            tokio::spawn(async move {
                sender.send(Instant::now(), &outcome).await;
                waiting.fetch_sub(1, Ordering::Relaxed);
            });
        }
    }
    sleep(DRAIN).await;
    // Those that are still on their way are not answered in time.
    let failed = outcome.failed.load(Ordering::Relaxed) + waiting.load(Ordering::Relaxed);
    let taken = |times: &Mutex<Vec<f64>>| Mutex::new(std::mem::take(&mut *times.lock().unwrap()));
    let wrong = outcome.wrong.load(Ordering::Relaxed).into();
    Outcome { done: taken(&outcome.done), refused: taken(&outcome.refused), failed: failed.into(), wrong }
}

impl Outcome {
    /// How many were done in a second.
    pub fn rate(&self, time: Duration) -> f64 {
        f64::from(u32::try_from(self.done.lock().unwrap().len()).unwrap()) / time.as_secs_f64()
    }

    /// The time that all but one in a hundred took at most.
    pub fn p99(times: &Mutex<Vec<f64>>) -> f64 {
        Self::within(times, 99)
    }

    /// The time that so many of a hundred took at most.
    pub fn within(times: &Mutex<Vec<f64>>, of_hundred: usize) -> f64 {
        let mut times = times.lock().unwrap().clone();
        times.sort_by(f64::total_cmp);
        times.get(times.len() * of_hundred / 100).copied().unwrap_or_default()
    }
}

/// A request of HTTP/1.1 with a token, and with a JSON body unless that is empty.
pub fn request(method: &str, path: &str, token: &str, body: &str) -> Vec<u8> {
    let head = format!("{method} {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\n");
    let rest = match body {
        "" => "\r\n".to_owned(),
        body => format!("content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}", body.len()),
    };
    (head + &rest).into_bytes()
}

/// The memory that the process has in use.
pub fn kilobytes(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find(|it| it.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}
