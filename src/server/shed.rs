//! The shed: where connections stay that come when there is no room, and whose requests are refused. One thread does
//! that, for a part of the time only, so that the rest is left to those who are served, however many come; and in turns,
//! because one refusal after the other takes a third of what it takes between other work. Who asks for what there is
//! room for goes on to be served; who asks for nothing stays, which takes a fraction of the memory.

mod answers;
mod request;

use std::{
    io::{self, Read, Write},
    mem,
    net::{Shutdown, SocketAddr},
    sync::mpsc::{self, TryRecvError},
    thread,
    time::{Duration, Instant},
};

use axum::body::Bytes;
use mio::{Events, Interest, Poll, Token, Waker, net::TcpStream};
use rustix::time::{ClockId, clock_gettime};
use slab::Slab;
use tokio::sync::mpsc::UnboundedSender;
use tracing::warn;

use self::{
    answers::Answers,
    request::{Asked, MOST, NO_HEADERS},
};
use super::{
    connections::{HEADERS, IDLE, LINGER},
    gate::{Door, Gate},
    lag::Lags,
    workers::{Accepted, Place},
};

/// How long the thread rests between two turns at least. A refusal waits for that.
const REST: Duration = Duration::from_millis(5);
/// The part of the time of all threads that serve which goes to refusing at most: a sixth. The thread rests for what is
/// left.
const PART: u32 = 6;
/// How many connections are looked at in a turn at most.
const A_TURN: usize = 256;
/// For how long those that came are looked at before the others: probes come by new connections, and are not to wait
/// behind all who ask again and again.
const FRESH: Duration = Duration::from_millis(100);
/// How often connections are let go that take too long.
const LOOK: Duration = Duration::from_secs(1);
/// How often what is not looked at any more is read at a time.
const A_LOT: usize = 64;
/// What new connections are told by.
const ARRIVED: Token = Token(usize::MAX);

/// What tells whether there is room.
#[derive(Clone, Debug)]
pub(super) struct Pressure {
    pub(super) gate: Gate,
    pub(super) lags: Lags,
}

/// The shed, as those see it who bring connections.
pub(super) struct Shed {
    pressure: Pressure,
    arrivals: Option<mpsc::Sender<Accepted>>,
    waker: Waker,
    thread: Option<thread::JoinHandle<()>>,
}

impl Shed {
    /// An empty one. Connections that are to be served come out by `served`, all of them at its end.
    pub(super) fn start(pressure: Pressure, served: UnboundedSender<Accepted>) -> io::Result<Self> {
        let poll = Poll::new()?;
        let waker = Waker::new(poll.registry(), ARRIVED)?;
        let (arrivals, arrived) = mpsc::channel();
        let keeper = Keeper {
            poll,
            arrived,
            served,
            held: Slab::new(),
            fresh: Vec::new(),
            bytes: vec![0; MOST],
            desk: Desk {
                answers: Answers::new(pressure.gate.clone()),
                pressure: pressure.clone(),
                answer: Vec::new(),
                room_taken: 0,
                refused: 0,
            },
        };
        let thread = thread::Builder::new().name("shed".to_owned()).spawn(|| keeper.keep())?;
        Ok(Self { pressure, arrivals: Some(arrivals), waker, thread: Some(thread) })
    }

    /// Whether what comes now would have to wait for long, for room or for a thread.
    pub(super) fn is_needed(&self) -> bool {
        self.pressure.gate.has_refused() || self.pressure.lags.are_long()
    }

    /// Takes a connection in.
    pub(super) fn take(&self, accepted: Accepted) {
        // A thread that is gone panicked, which is in the log; the connection ends.
        if let Some(arrivals) = &self.arrivals
            && arrivals.send(accepted).is_ok()
        {
            self.wake();
        }
    }

    fn wake(&self) {
        if let Err(cause) = self.waker.wake() {
            warn!(%cause, "connections that came wait in the shed");
        }
    }
}

impl Drop for Shed {
    fn drop(&mut self) {
        self.arrivals = None;
        self.wake();
        // A panic was in the log when it happened.
        let _ = self.thread.take().map(thread::JoinHandle::join);
    }
}

/// A connection that stays.
struct Held {
    stream: TcpStream,
    peer: SocketAddr,
    place: Place,
    /// What has come of a request that is not there yet.
    read: Vec<u8>,
    /// When it last did something.
    since: Instant,
    /// It came just now and has not asked for anything.
    is_new: bool,
    /// It had its last answer; what still comes is not looked at.
    is_ending: bool,
}

/// What becomes of a connection.
enum Fate {
    Stays,
    IsRefused {
        /// Whether it may ask for something else.
        stays: bool,
    },
    Ends,
    IsServed,
}

/// The thread.
struct Keeper {
    poll: Poll,
    arrived: mpsc::Receiver<Accepted>,
    served: UnboundedSender<Accepted>,
    held: Slab<Held>,
    /// Those that are looked at first.
    fresh: Vec<Token>,
    /// What came just now.
    bytes: Vec<u8>,
    desk: Desk,
}

/// What requests are refused with.
struct Desk {
    pressure: Pressure,
    answers: Answers,
    /// What is sent just now.
    answer: Vec<u8>,
    /// How many went on in this turn, which may not have come to their room yet.
    room_taken: usize,
    /// How many requests were refused in this turn.
    refused: usize,
}

impl Keeper {
    fn keep(mut self) {
        let mut events = Events::with_capacity(A_TURN);
        let mut looked = Instant::now();
        loop {
            let wait = (!self.held.is_empty()).then_some(LOOK);
            if let Err(cause) = self.poll.poll(&mut events, wait)
                && cause.kind() != io::ErrorKind::Interrupted
            {
                warn!(%cause, "connections in the shed cannot be looked at");
            }
            let begun = worked();
            (self.desk.room_taken, self.desk.refused) = (0, 0);
            let is_open = self.take_in();
            for token in mem::take(&mut self.fresh) {
                self.visit(token, false);
                if self.held.get(token.0).is_some_and(Held::is_fresh) {
                    self.fresh.push(token);
                }
            }
            for event in &events {
                self.visit(event.token(), event.is_read_closed());
            }
            if looked.elapsed() > LOOK {
                looked = Instant::now();
                self.held.retain(|_, held| !held.is_overdue());
            }
            if !is_open {
                return self.give_back();
            }
            if self.desk.refused > 0 {
                thread::sleep(self.rest(worked().saturating_sub(begun)));
            }
        }
    }

    /// How long to rest after so much work.
    fn rest(&self, work: Duration) -> Duration {
        let threads = u32::try_from(self.desk.pressure.lags.0.len()).unwrap_or(PART).clamp(1, PART);
        REST.max(work * (PART - threads) / threads)
    }

    /// Takes in who came; whether others may come.
    fn take_in(&mut self) -> bool {
        loop {
            match self.arrived.try_recv() {
                Ok(accepted) => self.hold(accepted),
                Err(TryRecvError::Empty) => return true,
                Err(TryRecvError::Disconnected) => return false,
            }
        }
    }

    fn hold(&mut self, Accepted { stream, peer, place, read, .. }: Accepted) {
        let entry = self.held.vacant_entry();
        let token = Token(entry.key());
        let mut stream = TcpStream::from_std(stream);
        match self.poll.registry().register(&mut stream, token, Interest::READABLE) {
            Ok(()) => {
                let read = read.into();
                entry.insert(Held { stream, peer, place, read, since: Instant::now(), is_new: true, is_ending: false });
                self.fresh.push(token);
            }
            Err(cause) => warn!(%cause, "a connection could not be held"),
        }
    }

    /// Looks at what came over a connection, after which nothing comes if it `is_over`. A token may be that of one that
    /// is gone, or of another one since, which then has nothing to say.
    fn visit(&mut self, token: Token, is_over: bool) {
        let Some(held) = self.held.get_mut(token.0) else { return };
        match held.fate(&mut self.bytes, &mut self.desk, is_over) {
            Fate::Stays => {}
            Fate::IsRefused { .. } => self.desk.refused += 1,
            Fate::Ends => drop(self.held.remove(token.0)),
            Fate::IsServed => {
                self.desk.room_taken += 1;
                let held = self.held.remove(token.0);
                self.serve(held);
            }
        }
    }

    fn serve(&self, Held { mut stream, peer, place, read, .. }: Held) {
        if let Err(cause) = self.poll.registry().deregister(&mut stream) {
            warn!(%cause, "a connection could not be let out");
            return;
        }
        // Nobody serves any more at the end.
        let _ = self.served.send(Accepted { stream: stream.into(), peer, place, load: None, read: Bytes::from(read) });
    }

    /// Lets those go on that may still ask for something.
    fn give_back(mut self) {
        for (_, held) in mem::take(&mut self.held).into_iter().filter(|(_, held)| !held.is_ending) {
            self.serve(held);
        }
    }
}

impl Held {
    /// Whether it is looked at before others.
    fn is_fresh(&self) -> bool {
        self.is_new && self.since.elapsed() < FRESH
    }

    fn is_overdue(&self) -> bool {
        let most = match (self.is_ending, self.read.is_empty()) {
            (true, _) => LINGER,
            (false, true) => IDLE,
            (false, false) => HEADERS,
        };
        self.since.elapsed() > most
    }

    /// Reads what came, and refuses it if there is no room for it. What reads less than it could has read all.
    fn fate(&mut self, bytes: &mut [u8], desk: &mut Desk, is_over: bool) -> Fate {
        if self.is_ending {
            return self.pass_over(bytes, is_over);
        }
        let came = match self.stream.read(bytes) {
            Ok(0) => return Fate::Ends,
            Ok(count) => bytes.get(..count).unwrap_or_default(),
            Err(cause) if cause.kind() == io::ErrorKind::WouldBlock => return Fate::Stays,
            Err(_) => return Fate::Ends,
        };
        self.is_new = false;
        let fate = if self.read.is_empty() {
            self.since = Instant::now();
            desk.fate(came, is_over)
        } else {
            self.read.extend_from_slice(came);
            desk.fate(&self.read, is_over)
        };
        match fate {
            Fate::IsRefused { stays } => self.refuse((bytes, &desk.answer), stays),
            Fate::Stays | Fate::IsServed if self.read.is_empty() => {
                self.read = came.to_vec();
                fate
            }
            fate => fate,
        }
    }

    /// Sends a refusal.
    fn refuse(&mut self, (bytes, answer): (&mut [u8], &[u8]), stays: bool) -> Fate {
        // Who does not take a short answer does not want one.
        if !self.stream.write(answer).is_ok_and(|written| written == answer.len()) {
            return Fate::Ends;
        }
        (self.read, self.since, self.is_ending) = (Vec::new(), Instant::now(), !stays);
        if self.is_ending && self.stream.shutdown(Shutdown::Write).is_err() {
            return Fate::Ends;
        }
        if self.is_ending {
            self.pass_over(bytes, false);
        }
        Fate::IsRefused { stays }
    }

    /// Reads what still comes, and forgets it.
    fn pass_over(&mut self, bytes: &mut [u8], is_over: bool) -> Fate {
        for _ in 0..A_LOT {
            match self.stream.read(bytes) {
                Ok(0) => return Fate::Ends,
                Ok(count) if count == bytes.len() || is_over => {}
                Ok(_) => return Fate::Stays,
                Err(cause) if cause.kind() == io::ErrorKind::WouldBlock => return Fate::Stays,
                Err(_) => return Fate::Ends,
            }
        }
        Fate::Stays
    }
}

impl Desk {
    /// What becomes of a connection over which this came. A refusal is written down.
    fn fate(&mut self, bytes: &[u8], is_over: bool) -> Fate {
        let mut headers = NO_HEADERS;
        let mut request = match request::read(bytes, &mut headers) {
            Asked::Part if is_over => return Fate::Ends,
            Asked::Part => return Fate::Stays,
            Asked::Unclear => return Fate::IsServed,
            Asked::Request(request) => request,
        };
        let Some(door) = Door::of(request.path) else { return Fate::IsServed };
        let Pressure { gate, lags } = &self.pressure;
        if gate.places(door) > self.room_taken && !lags.are_long() {
            return Fate::IsServed;
        }
        request.stays &= !is_over;
        gate.count_refusal();
        self.answer.clear();
        self.answers.write(door, &request, &mut self.answer);
        Fate::IsRefused { stays: request.stays }
    }
}

/// How long this thread has worked.
fn worked() -> Duration {
    Duration::try_from(clock_gettime(ClockId::ThreadCPUTime)).unwrap_or_default()
}
