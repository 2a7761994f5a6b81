//! One simulation: two hosts, the road between them, what their applications want to say, and one
//! connection after the other, on which a contender watches.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use everbeat_core::Message;
use everbeat_core::time::Instant;
use everbeat_sim::{Host, Link, SimHandle, Task};

use crate::contenders::{Contender, Player};
use crate::parameters::Road;
use crate::programs::{self, Seat};

/// The name of the host whose detector is looked at, and of its peer's
pub(crate) const OURS: &str = "ours";
pub(crate) const THEIRS: &str = "theirs";

/// Where a job is played
pub(crate) struct Stage {
    pub(crate) handle: SimHandle,
    pub(crate) ours: Host,
    pub(crate) theirs: Host,
    /// All roads between the two hosts
    pub(crate) link: Link,
    pub(crate) sky: Sky,
    /// What our application wants, and the peer's
    pub(crate) wishes: Wishes,
    pub(crate) their_wishes: Wishes,
    pub(crate) counts: Counts,
}

/// What is counted on the wire
#[derive(Clone, Debug, Default)]
pub(crate) struct Counts(Rc<Cells>);

#[derive(Debug, Default)]
struct Cells {
    pings: Cell<u64>,
    heard: Cell<Option<Instant>>,
}

impl Counts {
    /// A Ping arrived, or what stands for one
    pub(crate) fn ping(&self) {
        self.0.pings.set(self.0.pings.get() + 1);
    }

    pub(crate) fn pings(&self) -> u64 {
        self.0.pings.get()
    }

    /// Our end was told something
    pub(crate) fn hear(&self, now: Instant) {
        self.0.heard.set(Some(now));
    }

    /// When our end was last told something, by a contender that can be asked
    pub(crate) fn heard(&self) -> Option<Instant> {
        self.0.heard.get()
    }
}

/// One connection, with a program at each end; dropped, both are gone
pub(crate) struct Line {
    /// Ends when the contender gives the connection up
    pub(crate) ours: Task<()>,
    theirs: Task<()>,
    hung: Rc<Cell<bool>>,
    /// The road of this connection alone
    pub(crate) link: Link,
}

impl Line {
    /// The peer's program does nothing any more
    pub(crate) fn hang(&self) {
        self.hung.set(true);
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.ours.abort();
        self.theirs.abort();
    }
}

impl Stage {
    pub(crate) fn new(handle: SimHandle, road: &Road, contender: &Contender) -> Self {
        let (ours, theirs) = (handle.host(OURS), handle.host(THEIRS));
        let link = handle.link(OURS, THEIRS);
        link.delay(road.delay()).jitter(road.jitter()).rate(road.bytes_per_second);
        road.buffer().map(|bytes| link.buffer(bytes));
        if contender.blind {
            ours.blind();
        }
        Self {
            handle,
            ours,
            theirs,
            link,
            sky: Sky::default(),
            wishes: Wishes::default(),
            their_wishes: Wishes::default(),
            counts: Counts::default(),
        }
    }

    /// A new connection; what was wanted on an earlier one is forgotten
    pub(crate) fn connect(&self, contender: &Contender, at_both_ends: bool) -> Line {
        self.wishes.clear();
        self.their_wishes.clear();
        // The detector is the server, whose beat is the one that Socket.IO's is compared with.
        let (theirs, ours) = self.handle.pipe(THEIRS, OURS);
        let link = ours.link();
        let peer = if at_both_ends { contender.peer.clone() } else { contender.player.plain_peer() };
        let ours = self.ours.spawn(programs::play(contender.player.clone(), self.seat(ours, true)));
        let hung = Rc::new(Cell::new(false));
        let program = Hangable {
            hung: hung.clone(),
            program: Box::pin(programs::play(peer, self.seat(theirs, false))),
        };
        let theirs = self.theirs.spawn(program);
        Line { ours, theirs, hung, link }
    }

    fn seat(&self, pipe: everbeat_sim::Pipe, ours: bool) -> Seat {
        let (host, wishes) =
            if ours { (&self.ours, &self.wishes) } else { (&self.theirs, &self.their_wishes) };
        Seat {
            pipe,
            timer: host.timer(),
            seed: self.handle.random(),
            wishes: wishes.clone(),
            counts: self.counts.clone(),
            ours,
        }
    }
}

/// A program that may stop for good without its kernel noticing
struct Hangable {
    hung: Rc<Cell<bool>>,
    program: Pin<Box<dyn Future<Output = ()>>>,
}

impl Future for Hangable {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.hung.get() { Poll::Pending } else { self.program.as_mut().poll(cx) }
    }
}

/// Whether there is a road, and when there was none
#[derive(Debug, Default)]
pub(crate) struct Sky {
    away: Cell<u32>,
    /// When each of the last outages began, and how long it was to last
    outages: RefCell<VecDeque<(Instant, Duration)>>,
    waiting: RefCell<Option<Waker>>,
}

impl Sky {
    /// How many outages are remembered: more than fall into the time for which they are charged
    const KEPT: usize = 64;

    /// An outage begins; whether the road was there until now
    pub(crate) fn close(&self, now: Instant, length: Duration) -> bool {
        let mut outages = self.outages.borrow_mut();
        if outages.len() == Self::KEPT {
            outages.pop_front();
        }
        outages.push_back((now, length));
        self.away.set(self.away.get() + 1);
        self.away.get() == 1
    }

    /// An outage ends; whether there is a road now
    pub(crate) fn clear(&self) -> bool {
        self.away.set(self.away.get().saturating_sub(1));
        let there = self.away.get() == 0;
        if there {
            self.waiting.borrow_mut().take().map_or((), Waker::wake);
        }
        there
    }

    /// Ready when there is a road
    pub(crate) async fn open(&self) {
        poll_fn(|cx| {
            if self.away.get() == 0 {
                return Poll::Ready(());
            }
            *self.waiting.borrow_mut() = Some(cx.waker().clone());
            Poll::Pending
        })
        .await;
    }

    /// The longest outage that an alarm now may be put down to
    pub(crate) fn blamed(&self, now: Instant, charged: Duration) -> Option<Duration> {
        let outages = self.outages.borrow();
        let near = outages.iter().filter(|(began, length)| *began + *length + charged >= now);
        near.map(|(_, length)| *length).max()
    }
}

/// What an application wants of its program
#[derive(Clone, Debug)]
pub(crate) enum Wish {
    Say(Message),
    /// It has resumed from a sleep, and wants to know
    Probe,
}

/// Wishes that wait for the program
#[derive(Clone, Debug, Default)]
pub(crate) struct Wishes(Rc<RefCell<Waiting>>);

#[derive(Debug, Default)]
struct Waiting {
    wishes: VecDeque<Wish>,
    waker: Option<Waker>,
}

impl Wishes {
    pub(crate) fn push(&self, wish: Wish) {
        let waker = {
            let mut waiting = self.0.borrow_mut();
            waiting.wishes.push_back(wish);
            waiting.waker.take()
        };
        waker.map_or((), Waker::wake);
    }

    pub(crate) fn poll_next(&self, cx: &Context<'_>) -> Poll<Wish> {
        let mut waiting = self.0.borrow_mut();
        if let Some(wish) = waiting.wishes.pop_front() {
            return Poll::Ready(wish);
        }
        waiting.waker = Some(cx.waker().clone());
        Poll::Pending
    }

    fn clear(&self) {
        self.0.borrow_mut().wishes.clear();
    }
}

impl Player {
    /// Who answers it, where only one end watches
    fn plain_peer(&self) -> Self {
        Self::Plain
    }
}
