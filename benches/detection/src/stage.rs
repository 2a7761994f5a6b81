//! One simulation: two hosts, the road between them, and one connection after the other, on which a
//! contender watches.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use everbeat_core::time::Instant;
use everbeat_sim::{Host, Link, Pipe, SimHandle, Task};

use crate::contenders::{Contender, Player};
use crate::parameters::{Road, Scenario};
use crate::programs::{Seat, Seen, Tap, play};
use crate::traffic::{Speaker, Traffic};

/// The host whose detector is looked at, and its peer's
const OURS: &str = "ours";
const THEIRS: &str = "theirs";

/// Where a job is played
pub(crate) struct Stage {
    pub(crate) handle: SimHandle,
    pub(crate) ours: Host,
    pub(crate) theirs: Host,
    /// All roads between the two hosts
    pub(crate) link: Link,
    pub(crate) sky: Sky,
    pub(crate) seen: Seen,
    pub(crate) seen_by_them: Seen,
    /// Our application asks for a probe
    pub(crate) call: Call,
    traffic: Traffic,
    their_traffic: Traffic,
    player: Player,
    peer: Player,
}

/// One connection, with a program at each end; dropped, both are gone
pub(crate) struct Line {
    /// Ends when the contender gives the connection up
    pub(crate) ours: Task<()>,
    theirs: Task<()>,
    hung: Rc<Cell<bool>>,
    link: Link,
}

impl Line {
    /// The peer's program does nothing any more
    pub(crate) fn hang(&self) {
        self.hung.set(true);
    }

    /// Nothing on this connection gets through any more, either way
    pub(crate) fn cut(&self) {
        self.link.cut();
    }

    /// Nothing of ours gets through any more
    pub(crate) fn cut_outward(&self) {
        self.link.to(THEIRS).cut();
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.ours.abort();
        self.theirs.abort();
    }
}

impl Stage {
    pub(crate) fn new(
        handle: SimHandle,
        scenario: &Scenario,
        road: &Road,
        contender: &Contender,
        seed: u64,
    ) -> Self {
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
            seen: Seen::default(),
            seen_by_them: Seen::default(),
            call: Call::default(),
            traffic: Traffic::of(scenario, Speaker::We, seed),
            their_traffic: Traffic::of(scenario, Speaker::They, seed),
            player: contender.player.clone(),
            peer: if scenario.at_both_ends { contender.peer.clone() } else { Player::Plain },
        }
    }

    /// A new connection
    ///
    /// The detector is the server's, whose beat is the one that Socket.IO's is compared with.
    pub(crate) fn connect(&self) -> Line {
        let (theirs, ours) = self.handle.pipe(THEIRS, OURS);
        let link = ours.link();
        let seat = self.seat(ours, &self.ours, &self.seen, &self.traffic);
        let ours = self.ours.spawn(play(self.player.clone(), seat));
        let seat = self.seat(theirs, &self.theirs, &self.seen_by_them, &self.their_traffic);
        let hung = Rc::new(Cell::new(false));
        let program = Box::pin(play(self.peer.clone(), seat));
        let theirs = self.theirs.spawn(Hangable { hung: hung.clone(), program });
        Line { ours, theirs, hung, link }
    }

    fn seat(&self, pipe: Pipe, host: &Host, seen: &Seen, traffic: &Traffic) -> Seat {
        let call = if host.name() == OURS { self.call.clone() } else { Call::default() };
        Seat {
            tap: Tap { pipe, timer: self.handle.timer(), seen: seen.clone() },
            timer: host.timer(),
            seed: self.handle.random(),
            messages: traffic.from(self.handle.now()),
            call,
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
            if let Some(waker) = self.waiting.borrow_mut().take() {
                waker.wake();
            }
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

/// A call that its program answers once
#[derive(Clone, Debug, Default)]
pub(crate) struct Call(Rc<RefCell<Called>>);

#[derive(Debug, Default)]
struct Called {
    called: bool,
    waker: Option<Waker>,
}

impl Call {
    pub(crate) fn call(&self) {
        let waker = {
            let mut state = self.0.borrow_mut();
            state.called = true;
            state.waker.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    pub(crate) fn poll(&self, cx: &Context<'_>) -> Poll<()> {
        let mut state = self.0.borrow_mut();
        if std::mem::take(&mut state.called) {
            return Poll::Ready(());
        }
        match &mut state.waker {
            Some(waker) => waker.clone_from(cx.waker()),
            None => state.waker = Some(cx.waker().clone()),
        }
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: u64) -> Instant {
        Instant::ORIGIN + Duration::from_secs(second)
    }

    #[test]
    fn an_alarm_is_put_down_to_the_longest_outage_that_is_near() {
        let (sky, second, minute) =
            (Sky::default(), Duration::from_secs(1), Duration::from_secs(60));
        assert_eq!(sky.blamed(at(1_000), minute), None);
        sky.close(at(1_000), 20 * second);
        sky.close(at(1_030), 2 * second);
        assert_eq!(sky.blamed(at(1_010), minute), Some(20 * second));
        assert_eq!(sky.blamed(at(1_080), minute), Some(20 * second));
        assert_eq!(sky.blamed(at(1_081), minute), Some(2 * second));
        assert_eq!(sky.blamed(at(1_093), minute), None);
    }

    #[test]
    fn outages_that_overlap_end_with_the_last() {
        let sky = Sky::default();
        assert!(sky.close(at(1), Duration::from_secs(5)));
        assert!(!sky.close(at(2), Duration::from_secs(5)));
        assert!(!sky.clear());
        assert!(sky.clear());
    }
}
