//! Many connections on one thread and one epoll: who connects when, whose turn it is, what they are told.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::ops::Range;
use std::sync::mpsc::{self, Receiver, Sender};
use std::time::{Duration, Instant};

use anyhow::{Error, Result};
use mio::{Events, Interest, Poll, Token, Waker};
use serde_json::{Value, json};

use crate::order::{Order, Until};
use crate::peer::{Peer, ROOM};
use crate::talk::Shared;

/// Events that are asked for at once
const EVENTS: usize = 1_024;

/// How many conversations are under way at a time: more than a server of one thread has hands for, and
/// few enough that even of 64 KiB, 16 MiB in all, none keeps a Ping from being seen when it comes
pub const AT_ONCE: usize = 256;

/// How long each sleep is at most, by which lateness is measured
const STEP: Duration = Duration::from_millis(50);
/// Steps between two tellings
const A_LINE: u32 = 4;

/// Who is woken by an order
const ORDERS: Token = Token(usize::MAX);

/// What a crowd is
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a program fills it in")]
pub struct Settings {
    /// Where the server is
    pub address: SocketAddr,
    /// How many there are
    pub connections: usize,
    /// The number of the first one among all on this machine: its source follows from it
    pub first: usize,
    /// How many connect at a time: so many that it does not take long, so few that nobody waits
    pub together: usize,
    /// Whoever is let go comes back after a random part of this
    pub back: Option<Duration>,
    /// Who is longer without a Ping is overdue
    pub within: Option<Duration>,
    /// Of payloads and masks
    pub seed: u64,
    /// Bytes as they are, and no WebSocket
    pub raw: bool,
}

/// What is told of a crowd
#[derive(Debug)]
#[expect(clippy::exhaustive_enums, reason = "a program tells each")]
pub enum Told {
    /// All stand
    Connected,
    /// What was seen, or what an order came to
    Object(Value),
    /// What should not have happened
    Lost(Error),
}

/// Where a crowd takes orders from
#[derive(Debug)]
pub struct Orders {
    sender: Sender<Order>,
    waker: Waker,
}

impl Orders {
    /// Gives one more, which is carried out when all stand and those before it are done
    ///
    /// # Errors
    ///
    /// The crowd has ended.
    pub fn give(&self, order: Order) -> Result<()> {
        self.sender.send(order)?;
        Ok(self.waker.wake()?)
    }
}

/// Has a crowd connect, on a thread of its own, until the process ends
///
/// # Errors
///
/// There is no epoll to be had.
pub fn start(settings: Settings, told: impl FnMut(Told) + Send + 'static) -> Result<Orders> {
    let poll = Poll::new()?;
    let waker = Waker::new(poll.registry(), ORDERS)?;
    let (sender, orders) = mpsc::channel();
    let mut crowd = Crowd {
        settings,
        poll,
        peers: (0..settings.connections).map(|_| None).collect(),
        shared: Shared::new(settings.connections, settings.seed, settings.raw),
        orders,
        told,
        next: (0..settings.connections).collect(),
        later: BinaryHeap::new(),
        on_their_way: 0,
        all_stood: false,
        doing: None,
        waiting: VecDeque::new(),
        room: vec![0; ROOM],
    };
    std::thread::spawn(move || {
        if let Err(error) = crowd.run() {
            (crowd.told)(Told::Lost(error));
        }
    });
    Ok(Orders { sender, waker })
}

/// All of them
struct Crowd<F> {
    settings: Settings,
    poll: Poll,
    peers: Vec<Option<Peer>>,
    shared: Shared,
    orders: Receiver<Order>,
    told: F,
    /// Who is to connect, and who will be
    next: VecDeque<usize>,
    later: BinaryHeap<Reverse<(Instant, usize)>>,
    on_their_way: usize,
    all_stood: bool,
    doing: Option<Doing>,
    waiting: VecDeque<Order>,
    room: Vec<u8>,
}

/// An order that is carried out
#[derive(Debug)]
struct Doing {
    order: Order,
    since: Instant,
    /// Whose turn has not come
    waiting: Range<usize>,
    /// How many have begun their part and not done it
    busy: usize,
    echoes: u64,
}

impl Doing {
    /// Who begins now, and what; nobody when the time is over, or while enough speak
    fn next(&mut self, until: Option<Instant>) -> Option<(usize, Order)> {
        if until.is_some_and(|until| Instant::now() >= until) {
            self.waiting = 0..0;
        }
        if matches!(self.order, Order::Echo { .. }) && self.busy >= AT_ONCE {
            return None;
        }
        let who = self.waiting.next()?;
        self.busy += 1;
        Some((who, self.order))
    }

    fn is_done(&self) -> bool {
        self.busy == 0 && self.waiting.is_empty()
    }
}

impl<F: FnMut(Told)> Crowd<F> {
    /// Connects all, carries out orders and tells, until the epoll fails
    fn run(&mut self) -> Result<()> {
        let mut events = Events::with_capacity(EVENTS);
        let (mut due, mut steps, mut late) = (Instant::now() + STEP, 0, Duration::ZERO);
        loop {
            self.come();
            let left = due.saturating_duration_since(Instant::now());
            match self.poll.poll(&mut events, Some(left)) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                polled => polled?,
            }
            for event in &events {
                match event.token() {
                    ORDERS => self.waiting.extend(self.orders.try_iter()),
                    Token(who) => self.turn(who, event.is_read_closed()),
                }
            }
            self.obey();
            let now = Instant::now();
            if now >= due {
                late = late.max(now - due);
                (due, steps) = (now + STEP, steps + 1);
                if steps % A_LINE == 0 {
                    let told = self.shared.counts.tell(late, self.settings.within);
                    (self.told)(Told::Object(told));
                    late = Duration::ZERO;
                }
            }
        }
    }

    /// Has those connect whose time has come
    fn come(&mut self) {
        while self.later.peek().is_some_and(|Reverse((at, _))| *at <= Instant::now()) {
            self.next.extend(self.later.pop().map(|Reverse((_, who))| who));
        }
        while self.on_their_way < self.settings.together
            && let Some(who) = self.next.pop_front()
        {
            self.shared.counts.attempts += 1;
            match self.connect(who) {
                Ok(peer) => {
                    self.peers[who] = Some(peer);
                    self.on_their_way += 1;
                }
                Err(error) => self.lost(who, error),
            }
        }
    }

    fn connect(&self, who: usize) -> Result<Peer> {
        let mut peer = Peer::connect(self.settings.address, who, self.settings.first + who)?;
        let both = Interest::READABLE | Interest::WRITABLE;
        self.poll.registry().register(&mut peer.stream, Token(who), both)?;
        Ok(peer)
    }

    fn turn(&mut self, who: usize, closed: bool) {
        let Some(peer) = &mut self.peers[who] else { return };
        let (stood, busy) = (peer.stands(), peer.is_busy());
        let there = peer.turn(closed, &mut self.room, &mut self.shared);
        let (stands, done) = (peer.stands(), busy && !peer.is_busy());
        if done {
            self.done();
        }
        if stands && !stood {
            self.on_their_way -= 1;
            let all = self.shared.counts.standing() == self.peers.len() as u64;
            if all && !std::mem::replace(&mut self.all_stood, true) {
                (self.told)(Told::Connected);
            }
        }
        match there {
            Ok(true) => {}
            Ok(false) => self.gone(who),
            Err(error) => {
                self.gone(who);
                self.lost(who, error);
            }
        }
    }

    /// Its socket goes; whoever is to come back will
    fn gone(&mut self, who: usize) {
        let Some(peer) = self.peers[who].take() else { return };
        match peer.stands() {
            true => self.shared.counts.closed(who),
            false => self.on_their_way -= 1,
        }
        if peer.is_busy() {
            self.done();
        }
        if let Some(back) = self.settings.back {
            let wait = back.mul_f64(self.shared.random.f64());
            self.later.push(Reverse((Instant::now() + wait, who)));
        }
    }

    /// What is not in order; where all come back, an end is
    fn lost(&mut self, who: usize, error: Error) {
        if self.settings.back.is_some() {
            if self.later.iter().all(|Reverse((_, waits))| *waits != who) {
                self.later.push(Reverse((Instant::now() + STEP, who)));
            }
            return;
        }
        self.shared.counts.errors += 1;
        (self.told)(Told::Lost(error));
    }

    /// One more has done its part
    fn done(&mut self) {
        if let Some(doing) = &mut self.doing {
            doing.busy -= 1;
        }
    }

    /// Goes on with the order that is carried out, or begins the next one, when all stand
    fn obey(&mut self) {
        if let Some(doing) = self.doing.take_if(|doing| doing.is_done()) {
            let object = self.outcome(&doing);
            (self.told)(Told::Object(object));
        }
        if self.doing.is_none()
            && self.all_stood
            && let Some(order) = self.waiting.pop_front()
        {
            self.start(order);
        }
        while let Some((who, order)) =
            self.doing.as_mut().and_then(|doing| doing.next(self.shared.until))
        {
            self.begin(who, order);
        }
    }

    fn start(&mut self, order: Order) {
        self.shared.latency = crate::latency::Latency::default();
        self.shared.until = None;
        match order {
            Order::Echo { bytes, until } => {
                self.shared.block.hold(bytes);
                if let Until::Over(over) = until {
                    self.shared.until = Some(Instant::now() + over);
                }
            }
            Order::Hear { .. } => {}
            Order::Forget => self.shared.counts.forget(),
        }
        let (since, echoes) = (Instant::now(), self.shared.counts.echoes);
        (self.told)(Told::Object(json!({ "begun": name(order) })));
        let waiting = 0..self.peers.len();
        self.doing = Some(Doing { order, since, waiting, busy: 0, echoes });
    }

    /// One connection's part, which may be done at once
    fn begin(&mut self, who: usize, order: Order) {
        let peer = self.peers[who].as_mut().filter(|peer| peer.stands());
        let began = peer.map(|peer| (peer.begin(order, &mut self.shared), peer.is_busy()));
        if !matches!(began, Some((_, true))) {
            self.done();
        }
        if let Some((Err(error), _)) = began {
            self.gone(who);
            self.lost(who, error);
        }
    }

    fn outcome(&self, doing: &Doing) -> Value {
        let latency = &self.shared.latency;
        let us = |time: Duration| time.as_secs_f64() * 1e6;
        json!({
            "done": name(doing.order), "seconds": doing.since.elapsed().as_secs_f64(),
            "messages": self.shared.counts.echoes - doing.echoes,
            "p50_us": us(latency.percentile(0.5)), "p99_us": us(latency.percentile(0.99)),
            "max_us": us(latency.most()), "errors": self.shared.counts.errors,
            "standing": self.shared.counts.standing(),
        })
    }
}

const fn name(order: Order) -> &'static str {
    match order {
        Order::Echo { .. } => "echo",
        Order::Hear { .. } => "hear",
        Order::Forget => "forget",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_begins_when_the_time_is_over_and_who_has_begun_is_waited_for() {
        let (since, until) = (Instant::now(), Until::Over(Duration::ZERO));
        let order = Order::Echo { bytes: 64, until };
        let mut doing = Doing { order, since, waiting: 0..3, busy: 0, echoes: 0 };
        assert!(!doing.is_done(), "nobody has begun");
        assert_eq!(doing.next(None), Some((0, order)));
        assert_eq!(doing.next(Some(since)), None);
        assert!(!doing.is_done());
        doing.busy -= 1;
        assert!(doing.is_done());
    }

    #[test]
    fn as_many_speak_as_may_and_all_listen() {
        let began = |order| {
            let waiting = 0..AT_ONCE + 9;
            let mut doing = Doing { order, since: Instant::now(), waiting, busy: 0, echoes: 0 };
            std::iter::from_fn(|| doing.next(None)).count()
        };
        assert_eq!(began(Order::Echo { bytes: 64, until: Until::Times(1) }), AT_ONCE);
        assert_eq!(began(Order::Hear { bytes: 64, times: 1 }), AT_ONCE + 9);
    }
}
