//! The listener: accepts connections, bounds how many there are and how long they may be idle, and lets them finish when
//! the server stops.

use std::{
    convert::Infallible,
    future::{Future, poll_fn},
    io,
    net::SocketAddr,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use axum::{Router, body::Body, extract::ConnectInfo, http::Request, response::Response};
use hyper::{
    body::{Body as _, Bytes, Frame, Incoming, SizeHint},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use prometheus_client::metrics::gauge::Gauge;
use tokio::{
    net::{TcpListener, TcpSocket, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    time,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::ServiceExt;
use tracing::{debug, warn};

use super::{
    concurrency::{ConcurrencyLimit, ConnectionPause},
    prefix::PathPrefix,
};

/// How long a connection may take until the headers of its next request are there, idle time included: longer than
/// proxies keep an idle connection, so that none is closed while a request is on its way.
pub(super) const IDLE_TIMEOUT: Duration = Duration::from_secs(75);
/// How long sent bytes may go unacknowledged.
const WRITE_TIMEOUT: Duration = Duration::from_secs(20);
/// How long the rest of a body is read when its request is answered already.
const BODY_DRAIN_TIMEOUT: Duration = Duration::from_secs(2);
/// How many bytes the headers of a request have at most.
const MAX_HEADER_BYTES: usize = 16 << 10;
/// How many connections wait in the kernel to be accepted; a client beyond that tries again after a second.
const BACKLOG: u32 = 1024;
/// How long to wait when a connection cannot be accepted, for example because there are too many open files.
const ACCEPT_RETRY_DELAY: Duration = Duration::from_millis(50);
/// How long idle connections are kept when the server stops, unless it stops without waiting for a balancer.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(1);

/// What connections are served with.
pub(super) struct Serving {
    pub(super) router: Router,
    /// Is taken off the paths of requests.
    pub(super) prefix: Option<PathPrefix>,
    /// Refuses requests before they get to the router, if anything does.
    pub(super) limit: Option<ConcurrencyLimit>,
    /// Counts the open connections.
    pub(super) open: Gauge,
    /// How many connections are open at a time; others wait to be accepted.
    pub(super) max_connections: usize,
    /// Usually [`IDLE_TIMEOUT`].
    pub(super) idle_timeout: Duration,
}

/// Takes an address.
pub(super) fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Accepts connections until told to stop, then lets the requests in flight finish. `stop` returns for how long a
/// balancer was given time to notice.
pub(super) async fn serve(
    listener: TcpListener,
    serving: Serving,
    stop: impl Future<Output = Duration> + Send,
) -> io::Result<()> {
    let permits = Arc::new(Semaphore::new(serving.max_connections));
    let connections = Connections::new(serving);
    tokio::pin!(stop);
    let drained = loop {
        let accept = async {
            let permit = Arc::clone(&permits).acquire_owned().await.ok();
            listener.accept().await.map(|(stream, peer)| (stream, peer, permit))
        };
        let accepted = tokio::select! {
            drained = &mut stop => break drained,
            accepted = accept => accepted,
        };
        match accepted {
            Ok((stream, peer, permit)) => connections.spawn(stream, peer, permit),
            Err(cause) => {
                warn!(%cause, "a connection could not be accepted");
                time::sleep(ACCEPT_RETRY_DELAY).await;
            }
        }
    };
    connections.accept_backlog(listener)?;
    // Requests that are on their way over idle connections are answered, each with the last answer of its connection.
    time::sleep(SHUTDOWN_GRACE.min(drained)).await;
    connections.finish().await;
    Ok(())
}

/// The connections that are open.
struct Connections {
    router: Router,
    prefix: Option<PathPrefix>,
    limit: Option<ConcurrencyLimit>,
    builder: http1::Builder,
    open: Gauge,
    tracker: TaskTracker,
    stopping: CancellationToken,
}

impl Connections {
    /// HTTP/1 alone: a client that begins with the preface of HTTP/2 is refused, because nothing bounds such a
    /// connection.
    fn new(serving: Serving) -> Self {
        let mut builder = http1::Builder::new();
        builder.timer(TokioTimer::new()).header_read_timeout(serving.idle_timeout).max_buf_size(MAX_HEADER_BYTES);
        let (tracker, stopping) = (TaskTracker::new(), CancellationToken::new());
        let Serving { router, prefix, limit, open, .. } = serving;
        Self { router, prefix, limit, builder, open, tracker, stopping }
    }

    /// Serves a connection, which holds its permit until it ends.
    fn spawn(&self, stream: TcpStream, peer: SocketAddr, permit: Option<OwnedSemaphorePermit>) {
        configure(&stream);
        let (router, prefix, limit) = (self.router.clone(), self.prefix.clone(), self.limit.clone());
        let pause = Arc::new(ConnectionPause::default());
        let service = service_fn(move |mut request: Request<Incoming>| {
            if let Some(prefix) = &prefix {
                prefix.take_off(&mut request);
            }
            let (router, limit, pause) = (router.clone(), limit.clone(), Arc::clone(&pause));
            async move {
                let refusal = match &limit {
                    Some(limit) => limit.refuse_early(&pause, &request).await,
                    None => None,
                };
                match refusal {
                    Some(refusal) => Ok(refusal),
                    None => respond(router, peer, request).await,
                }
            }
        });
        let connection = self.builder.serve_connection(TokioIo::new(stream), service).with_upgrades();
        let counted = Counted::new(&self.open);
        let stopping = self.stopping.clone();
        self.tracker.spawn(async move {
            let mut connection = pin!(connection);
            let ended = tokio::select! {
                ended = connection.as_mut() => ended,
                () = stopping.cancelled() => {
                    connection.as_mut().graceful_shutdown();
                    connection.await
                }
            };
            if let Err(cause) = ended {
                debug!(%cause, "a connection broke");
            }
            drop((counted, permit));
        });
    }

    /// Serves clients that are connected and were not accepted yet, whom the end of the listener would cut off.
    fn accept_backlog(&self, listener: TcpListener) -> io::Result<()> {
        let listener = listener.into_std()?;
        while let Ok((stream, peer)) = listener.accept() {
            stream.set_nonblocking(true)?;
            self.spawn(TcpStream::from_std(stream)?, peer, None);
        }
        Ok(())
    }

    /// Lets the connections finish the requests in flight.
    async fn finish(self) {
        self.stopping.cancel();
        self.tracker.close();
        self.tracker.wait().await;
    }
}

/// Counts a connection until it is dropped.
struct Counted(Gauge);

impl Counted {
    fn new(open: &Gauge) -> Self {
        open.inc();
        Self(open.clone())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// Small answers are sent at once, and a client that takes nothing is disconnected.
fn configure(stream: &TcpStream) {
    let socket = socket2::SockRef::from(stream);
    if let Err(cause) = socket.set_tcp_nodelay(true).and_then(|()| socket.set_tcp_user_timeout(Some(WRITE_TIMEOUT))) {
        warn!(%cause, "the options of a connection could not be set");
    }
}

/// Responds to one request.
async fn respond(router: Router, peer: SocketAddr, mut request: Request<Incoming>) -> Result<Response, Infallible> {
    request.extensions_mut().insert(ConnectInfo(peer));
    router.oneshot(request.map(|body| Body::new(DrainedBody(Some(body))))).await
}

/// The body of a request. What is left of it when the request is answered is read a while longer, so that a client that
/// is still sending sees the answer and not a connection that was reset.
struct DrainedBody(Option<Incoming>);

impl hyper::body::Body for DrainedBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        match &mut self.0 {
            Some(body) => Pin::new(body).poll_frame(context),
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.0.as_ref().is_none_or(Incoming::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.0.as_ref().map(Incoming::size_hint).unwrap_or_default()
    }
}

impl Drop for DrainedBody {
    fn drop(&mut self) {
        let Some(mut body) = self.0.take().filter(|body| !body.is_end_stream()) else { return };
        tokio::spawn(async move {
            let rest =
                async { while let Some(Ok(_)) = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {} };
            // A client that sends for longer than that does not want an answer.
            let _ = time::timeout(BODY_DRAIN_TIMEOUT, rest).await;
        });
    }
}

#[cfg(test)]
mod tests {
    use axum::routing::get;
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        sync::oneshot,
        time::{Instant, sleep, timeout},
    };

    use super::*;

    const IDLE: Duration = Duration::from_millis(500);
    const REQUEST: &str = "GET / HTTP/1.1\r\nhost: x\r\n\r\n";

    /// A listener that answers `/` at once and `/slow` after a moment, its address, and what stops it.
    async fn start(
        idle_timeout: Duration,
    ) -> (SocketAddr, Gauge, oneshot::Sender<()>, tokio::task::JoinHandle<io::Result<()>>) {
        let slow = || async {
            sleep(IDLE).await;
            "slow"
        };
        let router = Router::new().route("/", get(|| async { "at once" })).route("/slow", get(slow));
        let open = Gauge::default();
        let serving =
            Serving { router, prefix: None, limit: None, open: open.clone(), max_connections: 8, idle_timeout };
        let listener = listen(([127, 0, 0, 1], 0).into()).unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let stop_accepting = async {
            let _ = stopped.await;
            Duration::ZERO
        };
        (address, open, stop, tokio::spawn(serve(listener, serving, stop_accepting)))
    }

    async fn answered(stream: &mut TcpStream) -> String {
        let mut answer = vec![0; 1024];
        let count = timeout(Duration::from_secs(5), stream.read(&mut answer)).await.unwrap().unwrap();
        String::from_utf8(answer[..count].to_vec()).unwrap()
    }

    /// How long the connection stays open when so much is sent, and then a byte again and again.
    async fn open_for(address: SocketAddr, start: &str, drip: &[u8]) -> Duration {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(start.as_bytes()).await.unwrap();
        let (begun, mut answer) = (Instant::now(), [0; 1024]);
        loop {
            tokio::select! {
                read = stream.read(&mut answer) => if matches!(read, Ok(0) | Err(_)) { return begun.elapsed() },
                () = sleep(IDLE / 10) => drop(stream.write_all(drip).await),
            }
            assert!(begun.elapsed() < IDLE * 20, "it is never closed");
        }
    }

    #[tokio::test]
    async fn connections_that_are_idle_or_send_headers_slowly_are_closed_and_others_stay() {
        let (address, open, _stop, _running) = start(IDLE).await;
        let silent = open_for(address, "", b"");
        let headers = open_for(address, "GET / HTTP/1.1\r\nx: ", b"a");
        let idle = open_for(address, REQUEST, b"");
        let two = format!("{REQUEST}GET / HTTP/1.1\r\nx: ");
        let second = open_for(address, &two, b"a");
        let steady = async {
            let mut stream = TcpStream::connect(address).await.unwrap();
            for _ in 0..10 {
                stream.write_all(REQUEST.as_bytes()).await.unwrap();
                assert!(answered(&mut stream).await.ends_with("at once"));
                sleep(IDLE / 4).await;
            }
        };
        let (silent, headers, idle, second, ()) = tokio::join!(silent, headers, idle, second, steady);
        for open in [silent, headers, idle, second] {
            assert!(open >= IDLE * 9 / 10 && open < IDLE * 10, "{open:?}");
        }
        sleep(IDLE / 10).await;
        assert_eq!(open.get(), 0);
    }

    #[tokio::test]
    async fn a_request_in_flight_is_answered_when_the_listener_stops_and_idle_connections_are_closed() {
        let (address, open, stop, running) = start(IDLE * 20).await;
        let mut idle = TcpStream::connect(address).await.unwrap();
        idle.write_all(REQUEST.as_bytes()).await.unwrap();
        assert!(answered(&mut idle).await.ends_with("at once"));
        let mut busy = TcpStream::connect(address).await.unwrap();
        busy.write_all(REQUEST.replace("/ ", "/slow ").as_bytes()).await.unwrap();
        sleep(IDLE / 10).await;
        assert_eq!(open.get(), 2);
        stop.send(()).unwrap();
        assert_eq!(answered(&mut idle).await, "");
        assert!(answered(&mut busy).await.ends_with("slow"));
        running.await.unwrap().unwrap();
        assert_eq!(open.get(), 0);
        assert!(TcpStream::connect(address).await.is_err());
    }

    #[tokio::test]
    async fn connections_beyond_the_limit_wait_until_others_end() {
        let (address, open, _stop, _running) = start(IDLE * 20).await;
        let mut streams = Vec::new();
        for _ in 0..9 {
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.write_all(REQUEST.as_bytes()).await.unwrap();
            streams.push(stream);
        }
        for stream in &mut streams[..8] {
            assert!(answered(stream).await.ends_with("at once"));
        }
        assert_eq!(open.get(), 8);
        drop(streams.remove(0));
        assert!(answered(&mut streams[7]).await.ends_with("at once"));
    }
}
