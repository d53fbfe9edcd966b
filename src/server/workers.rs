//! The threads that requests are served on. Each has a runtime of its own, and all that belongs to a connection happens
//! there: in a runtime that shares its work out, each answer of the database wakes one thread after another.

use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use prometheus_client::metrics::gauge::Gauge;
use tokio::{
    net::TcpStream,
    runtime::{Builder, Runtime},
    sync::{OwnedSemaphorePermit, mpsc, oneshot},
    time,
};

use super::connections::Serving;
use crate::db;

/// How often a thread wakes by itself, which is earlier than the time-outs of requests and statements: tokio tells a
/// thread of each time that is earlier than all others, by two calls of the system.
const WAKE: Duration = Duration::from_millis(500);

/// A connection that was accepted.
pub(super) struct Accepted {
    pub(super) stream: std::net::TcpStream,
    pub(super) peer: SocketAddr,
    pub(super) place: Place,
    /// Its place among those of its thread, if it has one.
    pub(super) load: Option<Load>,
}

impl Accepted {
    /// One that no thread has yet.
    pub(super) fn new(stream: std::net::TcpStream, peer: SocketAddr, place: Place) -> Self {
        Self { stream, peer, place, load: None }
    }
}

/// The place of a connection among those that there may be, which is counted as long as it is there.
pub(super) struct Place {
    open: Gauge,
    _room: Option<OwnedSemaphorePermit>,
}

impl Place {
    /// One in this room, or one more than there may be.
    pub(super) fn new(open: Gauge, room: Option<OwnedSemaphorePermit>) -> Self {
        open.inc();
        Self { open, _room: room }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.open.dec();
    }
}

/// Where connections are served: on these threads, or here where there are none.
pub(super) struct Workers {
    threads: Vec<Worker>,
    here: Serving,
}

/// One thread.
struct Worker {
    accepted: Option<mpsc::UnboundedSender<Accepted>>,
    /// How many connections it has.
    load: Arc<AtomicUsize>,
    finished: Option<oneshot::Receiver<()>>,
    end: Option<oneshot::Sender<()>>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Workers {
    /// So many threads.
    pub(super) fn start(count: usize, serving: impl Fn() -> Serving) -> io::Result<Self> {
        let threads = (0..count).map(|number| Worker::start(number, &serving)).collect::<io::Result<_>>()?;
        Ok(Self { threads, here: serving() })
    }

    /// No threads but this one.
    pub(super) fn here(serving: Serving) -> Self {
        Self { threads: Vec::new(), here: serving }
    }

    /// Serves a connection on the thread that has the fewest.
    pub(super) fn serve(&self, accepted: Accepted) {
        match self.threads.iter().min_by_key(|it| it.load.load(Ordering::Relaxed)) {
            Some(worker) => worker.take(accepted),
            None => self.here.accepted(accepted),
        }
    }

    /// Lets all connections finish what they are at. The threads live on until this value ends: connections to the
    /// database are theirs.
    pub(super) async fn finish(&mut self) {
        for worker in &mut self.threads {
            worker.accepted = None;
        }
        for worker in &mut self.threads {
            if let Some(finished) = worker.finished.take() {
                // A thread that is gone has no connection either.
                let _ = finished.await;
            }
        }
        self.here.finish().await;
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        for worker in &mut self.threads {
            worker.end = None;
        }
        for worker in &mut self.threads {
            // A panic was in the log when it happened.
            let _ = worker.thread.take().map(thread::JoinHandle::join);
        }
    }
}

impl Worker {
    fn start(number: usize, serving: impl Fn() -> Serving) -> io::Result<Self> {
        let serving = serving();
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let (accepted, incoming) = mpsc::unbounded_channel();
        let (finishing, finished) = oneshot::channel();
        let (end, ended) = oneshot::channel();
        let load = Arc::default();
        let thread = thread::Builder::new().name(format!("worker-{number}")).spawn(move || {
            db::work_as(number);
            work(&runtime, serving, incoming, (finishing, ended));
        })?;
        Ok(Self { accepted: Some(accepted), load, finished: Some(finished), end: Some(end), thread: Some(thread) })
    }

    fn take(&self, accepted: Accepted) {
        if let Some(accepting) = &self.accepted {
            // Nothing is accepted any more when the threads end.
            let _ = accepting.send(Accepted { load: Some(Load::on(&self.load)), ..accepted });
        }
    }
}

/// What a thread does: serves until nothing more comes, finishes, and waits for its end.
fn work(
    runtime: &Runtime,
    mut serving: Serving,
    mut incoming: mpsc::UnboundedReceiver<Accepted>,
    (finishing, mut ended): (oneshot::Sender<()>, oneshot::Receiver<()>),
) {
    runtime.block_on(async {
        let serve = async {
            while let Some(accepted) = incoming.recv().await {
                serving.accepted(accepted);
            }
            serving.finish().await;
            // Nobody waits for it when the server does not wait any longer.
            let _ = finishing.send(());
            std::future::pending::<()>().await;
        };
        let wake = async {
            loop {
                time::sleep(WAKE).await;
            }
        };
        tokio::select! {
            () = serve => {}
            () = wake => {}
            _ = &mut ended => {}
        }
    });
}

/// Counts a connection as long as it is there.
pub(super) struct Load(Arc<AtomicUsize>);

impl Load {
    fn on(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(count))
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The stream as its thread's runtime has it.
pub(super) fn adopted(stream: std::net::TcpStream) -> io::Result<TcpStream> {
    stream.set_nonblocking(true)?;
    TcpStream::from_std(stream)
}
