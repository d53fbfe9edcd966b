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
    pub refused: Mutex<Vec<f64>>,
    pub failed: AtomicUsize,
}

impl Sender {
    /// Sends these to a server at `http://address`.
    pub fn new(base: &str, requests: Vec<Vec<u8>>) -> Arc<Self> {
        let address = base.trim_start_matches("http://").to_owned();
        Arc::new(Self { address, requests, next: AtomicUsize::default(), idle: Mutex::default() })
    }

    /// Sends the next one, which was due then.
    pub async fn send(&self, since: Instant, outcome: &Outcome) {
        let status = self.status().await;
        let millis = since.elapsed().as_secs_f64() * 1000.0;
        match status {
            Some(200 | 201) => outcome.done.lock().unwrap().push(millis),
            Some(503 | 429) => outcome.refused.lock().unwrap().push(millis),
            _ => {
                outcome.failed.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// The status of one answer; nothing when there was none.
    pub async fn status(&self) -> Option<u16> {
        let idle = self.idle.lock().unwrap().pop();
        // A server ends connections that were idle for long.
        if let Some(stream) = idle
            && let Some(status) = self.answered(stream).await
        {
            return Some(status);
        }
        self.answered(TcpStream::connect(&self.address).await.ok()?).await
    }

    async fn answered(&self, mut stream: TcpStream) -> Option<u16> {
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
                let status = head.get(9..12)?.parse().ok();
                self.idle.lock().unwrap().push(stream);
                return status;
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
    sleep(Duration::from_secs(1)).await;
    // Those that are still on their way are not answered in time.
    let failed = outcome.failed.load(Ordering::Relaxed) + waiting.load(Ordering::Relaxed);
    let taken = |times: &Mutex<Vec<f64>>| Mutex::new(std::mem::take(&mut *times.lock().unwrap()));
    Outcome { done: taken(&outcome.done), refused: taken(&outcome.refused), failed: failed.into() }
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
pub fn request(method: &str, path: &str, (token, body): (&str, &str)) -> Vec<u8> {
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
