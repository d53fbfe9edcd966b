//! Connections: how they are accepted, how long they may take, and how they end. hyper knows how long a connection may
//! be idle; how long the headers of a request may take once they have begun is watched here, because a proxy keeps idle
//! connections for longer than any honest client takes to send its headers.

use std::{
    convert::Infallible,
    future::{Future, poll_fn},
    io,
    net::SocketAddr,
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
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
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpSocket, TcpStream},
    sync::{Semaphore, watch},
    time::{self, Instant},
};
use tower::ServiceExt;
use tracing::{debug, warn};

use super::workers::{Accepted, Load, Place, Workers, adopted};

/// How long a connection may be idle; longer than a proxy keeps it.
const IDLE: Duration = Duration::from_secs(75);
/// How long the headers of a request may take from their first byte on.
const HEADERS: Duration = Duration::from_secs(10);
/// How long sent bytes may wait to be taken.
const STALL: Duration = Duration::from_secs(20);
/// How long the rest of a body is read when its request is answered already.
const LINGER: Duration = Duration::from_secs(2);
/// How many bytes the headers of a request have at most.
const MAX_HEADERS: usize = 16 << 10;
/// How many connections wait in the kernel to be accepted; what comes beyond that tries again after a second.
const WAITING: u32 = 1024;
/// How long to wait when a connection cannot be accepted, for example because there are too many open files.
const PAUSE: Duration = Duration::from_millis(50);

/// What the connections of a thread are served with.
pub(super) struct Serving {
    router: Router,
    builder: http1::Builder,
    /// Tells the connections to finish, and when all have. Gone when they were told.
    finishing: Option<watch::Sender<()>>,
}

/// How long connections that say nothing are kept at the end, unless the server stops without waiting for a balancer.
const GRACE: Duration = Duration::from_secs(1);

/// Takes an address.
pub(super) fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(WAITING)
}

/// What connections are accepted for.
pub(super) struct Accepting<'a> {
    pub(super) workers: &'a mut Workers,
    /// How many there are.
    pub(super) open: Gauge,
    /// How many there may be at a time.
    pub(super) most: usize,
}

/// Accepts connections until told to stop, then lets the requests in flight finish. `stop` tells for how long a balancer
/// was given time to notice.
pub(super) async fn serve(
    listener: TcpListener,
    Accepting { workers, open, most }: Accepting<'_>,
    stop: impl Future<Output = Duration> + Send,
) -> io::Result<()> {
    let room = Arc::new(Semaphore::new(most));
    tokio::pin!(stop);
    let drained = loop {
        let accepted = async {
            let place = Arc::clone(&room).acquire_owned().await;
            let (stream, peer) = listener.accept().await?;
            Ok::<_, io::Error>(Accepted::new(stream.into_std()?, peer, Place::new(open.clone(), place.ok())))
        };
        let accepted = tokio::select! {
            drained = &mut stop => break drained,
            accepted = accepted => accepted,
        };
        match accepted {
            Ok(accepted) => workers.serve(accepted),
            Err(cause) => {
                warn!(%cause, "a connection could not be accepted");
                time::sleep(PAUSE).await;
            }
        }
    };
    last(listener, (workers, &open));
    // Requests that are on their way over these connections are answered, each with the last answer of its connection.
    time::sleep(GRACE.min(drained)).await;
    workers.finish().await;
    Ok(())
}

/// Serves those who are connected and were not accepted yet, whom the end of the listener would cut off, and ends it at
/// once.
fn last(listener: TcpListener, (workers, open): (&Workers, &Gauge)) {
    let Ok(listener) = listener.into_std() else { return };
    while let Ok((stream, peer)) = listener.accept() {
        workers.serve(Accepted::new(stream, peer, Place::new(open.clone(), None)));
    }
}

impl Serving {
    pub(super) fn new(router: Router) -> Self {
        Self { router, builder: builder(), finishing: Some(watch::Sender::new(())) }
    }

    /// Serves one connection on this thread.
    pub(super) fn accepted(&self, Accepted { stream, peer, place, load }: Accepted) {
        match adopted(stream) {
            Ok(stream) => self.connection((stream, peer), (place, load)),
            Err(cause) => warn!(%cause, "a connection could not be served"),
        }
    }

    /// Lets the connections finish what they are at.
    pub(super) async fn finish(&mut self) {
        if let Some(finishing) = self.finishing.take() {
            finishing.send_replace(());
            finishing.closed().await;
        }
    }

    /// It keeps its place as long as it is there.
    fn connection(&self, (stream, peer): (TcpStream, SocketAddr), kept: (Place, Option<Load>)) {
        // Nothing is accepted after the end.
        let Some(mut finishing) = self.finishing.as_ref().map(watch::Sender::subscribe) else { return };
        prepare(&stream);
        let pace = Pace::new();
        let (router, answering) = (self.router.clone(), pace.clone());
        let service = service_fn(move |request| answer((peer, answering.clone()), router.clone(), request));
        let stream = TokioIo::new(Paced { stream, pace: pace.clone() });
        let connection = self.builder.serve_connection(stream, service).with_upgrades();
        tokio::spawn(async move {
            let served = async {
                let mut connection = pin!(connection);
                tokio::select! {
                    ended = connection.as_mut() => return ended,
                    _ = finishing.changed() => connection.as_mut().graceful_shutdown(),
                }
                connection.await
            };
            tokio::select! {
                ended = served => if let Err(cause) = ended { debug!(%cause, "a connection broke") },
                () = pace.overdue() => debug!("a connection took too long over its headers"),
            }
            drop((kept, finishing));
        });
    }
}

/// Small answers are not held back to be sent together, and a client that takes nothing is let go.
fn prepare(stream: &TcpStream) {
    let socket = socket2::SockRef::from(stream);
    if let Err(cause) = socket.set_tcp_nodelay(true).and_then(|()| socket.set_tcp_user_timeout(Some(STALL))) {
        warn!(%cause, "a connection keeps its usual ways");
    }
}

/// HTTP/1 alone: who begins with the preface of HTTP/2 is refused, because nothing here bounds such a connection.
fn builder() -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(IDLE).max_buf_size(MAX_HEADERS);
    builder
}

/// Answers one request.
async fn answer(
    (peer, pace): (SocketAddr, Pace),
    router: Router,
    mut request: Request<Incoming>,
) -> Result<Response, Infallible> {
    pace.headers_are_there();
    request.extensions_mut().insert(ConnectInfo(peer));
    let answer = router.oneshot(request.map(|body| Body::new(Lingering(Some(body))))).await;
    pace.next_may_begin();
    answer
}

/// The body of a request. What is left of it when it is answered is read a while longer, so that a client that is still
/// sending sees its answer and not a connection that was reset.
struct Lingering(Option<Incoming>);

impl hyper::body::Body for Lingering {
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

impl Drop for Lingering {
    fn drop(&mut self) {
        let Some(mut body) = self.0.take().filter(|body| !body.is_end_stream()) else { return };
        tokio::spawn(async move {
            let rest =
                async { while let Some(Ok(_)) = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {} };
            // A client that sends for longer than that does not want an answer.
            let _ = time::timeout(LINGER, rest).await;
        });
    }
}

/// Says where a connection is in its requests: until when the headers that are coming may take, in milliseconds from the
/// start on; or that nothing of the next request has come, or that one is being answered.
#[derive(Clone)]
struct Pace(Arc<Progress>);

struct Progress {
    start: Instant,
    headers_until: AtomicU64,
}

/// Nothing of the next request has come.
const IDLING: u64 = 0;
/// A request is being answered.
const ANSWERING: u64 = u64::MAX;

impl Pace {
    fn new() -> Self {
        Self(Arc::new(Progress { start: Instant::now(), headers_until: AtomicU64::new(IDLING) }))
    }

    fn bytes_have_come(&self) {
        if self.0.headers_until.load(Ordering::Relaxed) == IDLING {
            let until = (self.0.start.elapsed() + HEADERS).as_millis();
            self.0.headers_until.store(u64::try_from(until).unwrap_or(ANSWERING), Ordering::Relaxed);
        }
    }

    fn headers_are_there(&self) {
        self.0.headers_until.store(ANSWERING, Ordering::Relaxed);
    }

    fn next_may_begin(&self) {
        self.0.headers_until.store(IDLING, Ordering::Relaxed);
    }

    /// Waits for headers that take too long. It looks only as often as they can, so that a request wakes nobody.
    async fn overdue(self) {
        loop {
            let until = match self.0.headers_until.load(Ordering::Relaxed) {
                // What begins now may take as long.
                IDLING | ANSWERING => Instant::now() + HEADERS,
                until => self.0.start + Duration::from_millis(until),
            };
            if until <= Instant::now() {
                return;
            }
            time::sleep_until(until).await;
        }
    }
}

/// A stream that tells when bytes come.
struct Paced {
    stream: TcpStream,
    pace: Pace,
}

impl AsyncRead for Paced {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = into.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, into);
        if read.is_ready() && into.filled().len() > before {
            self.pace.bytes_have_come();
        }
        read
    }
}

impl AsyncWrite for Paced {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
