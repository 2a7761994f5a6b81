//! The sending half of a stream: what waits, what is on the road, what has been acknowledged, and
//! what is sent again. Pure; each answer says what is to leave now.

use std::collections::VecDeque;

use everbeat_core::time::Instant;

use super::packet::{Ack, Cargo, Parcel};
use super::rtt::Rtt;

/// The sending half of a stream
#[derive(Debug)]
pub(crate) struct Sender {
    /// What was taken from the program and has not left yet
    queue: VecDeque<Parcel>,
    /// What has left and was not acknowledged yet, in the order of its numbers
    flight: VecDeque<Piece>,
    /// The number of the first piece of the flight
    first: u64,
    /// Bytes that were taken, that have left, and that were acknowledged
    taken: u64,
    left: u64,
    acknowledged: u64,
    /// How many bytes of the whole stream the other end has room for
    edge: u64,
    transmissions: u64,
    /// The newest transmission that is known to have arrived
    newest: u64,
    /// Whether something in flight may be lost
    doubtful: bool,
    /// From this number on the flight left in the order of its numbers, each once
    orderly: u64,
    rtt: Rtt,
    backoff: u32,
    /// Timeouts since the other kernel was last heard to answer
    unanswered: u32,
    /// The probe of the tail has left: one that is sent again before the first timeout counts, and
    /// doubles nothing (RFC 8985, section 7)
    probed: bool,
    deadline: Instant,
    dead: bool,
}

/// A part of the stream that travels as one
#[derive(Debug)]
struct Piece {
    bytes: usize,
    /// Until the receiver has taken it
    cargo: Option<Cargo>,
    /// Its latest transmission
    transmission: u64,
    /// The receiver has it; the sender looks at this only when an acknowledgement tells as much
    arrived: bool,
}

/// A piece that leaves, once more or for the first time
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Departure {
    pub(crate) number: u64,
    pub(crate) transmission: u64,
    pub(crate) bytes: usize,
}

/// What a timeout asks for
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expiry {
    Early,
    Resend(Departure),
    Probe,
    GiveUp,
}

impl Sender {
    /// How many timeouts in a row a kernel bears before it gives up: Linux' `tcp_retries2`, a
    /// quarter of an hour
    pub(crate) const PATIENCE: u32 = 15;

    /// A sender whose peer has room for so many bytes, with the handshake's round trip if there was
    /// one
    pub(crate) fn new(edge: u64, rtt: Rtt) -> Self {
        Self {
            queue: VecDeque::new(),
            flight: VecDeque::new(),
            first: 0,
            taken: 0,
            left: 0,
            acknowledged: 0,
            edge,
            transmissions: 0,
            newest: 0,
            doubtful: false,
            orderly: 0,
            rtt,
            backoff: 0,
            unanswered: 0,
            probed: false,
            deadline: Instant::NEVER,
            dead: false,
        }
    }

    /// How many bytes the other kernel has acknowledged
    pub(crate) const fn acknowledged(&self) -> u64 {
        self.acknowledged
    }

    /// How many bytes this kernel holds, unsent or unacknowledged
    pub(crate) const fn held(&self) -> u64 {
        self.taken - self.acknowledged
    }

    /// How many bytes this kernel has taken and not sent yet
    pub(crate) const fn unsent(&self) -> u64 {
        self.taken - self.left
    }

    /// Whether nothing waits and nothing is on the road
    pub(crate) fn is_idle(&self) -> bool {
        self.dead || self.queue.is_empty() && self.flight.is_empty()
    }

    /// When [`expire`](Self::expire) has something to do; changed by every call but `arrive` and
    /// `take`
    pub(crate) const fn deadline(&self) -> Instant {
        self.deadline
    }

    /// The other end has another window from now on; what has left has left
    pub(crate) fn fit(&mut self, edge: u64) {
        self.edge = edge.max(self.left);
    }

    /// Nothing leaves any more; what is on the road still arrives
    pub(crate) fn die(&mut self) {
        self.dead = true;
        self.queue.clear();
        self.deadline = Instant::NEVER;
    }

    /// Takes a parcel from the program
    pub(crate) fn push(&mut self, parcel: Parcel) {
        if !self.dead {
            self.taken += parcel.bytes as u64;
            self.queue.push_back(parcel);
        }
    }

    /// The next piece that may leave: at most `grain` bytes, and what the other end has room for
    pub(crate) fn depart(&mut self, grain: usize, now: Instant) -> Option<Departure> {
        let room = usize::try_from(self.edge.saturating_sub(self.left)).unwrap_or(usize::MAX);
        let most = grain.min(room);
        let parcel = self.queue.front_mut()?;
        let (bytes, cargo) = if parcel.bytes <= most || parcel.bytes == 0 {
            let Parcel { bytes, cargo } = self.queue.pop_front()?;
            (bytes, cargo)
        } else if most == grain || most > 0 && self.flight.is_empty() {
            parcel.bytes -= most;
            (most, Cargo::Part)
        } else {
            // A little room is not used while more may come (RFC 9293, section 3.8.6.2.1). If
            // there is none, and nothing on its way that is answered, somebody has to ask.
            if self.flight.is_empty() && self.deadline == Instant::NEVER {
                self.arm(now);
            }
            return None;
        };
        let first = self.flight.is_empty();
        self.left += bytes as u64;
        self.transmissions += 1;
        let transmission = self.transmissions;
        let number = self.first + self.flight.len() as u64;
        self.flight.push_back(Piece { bytes, cargo: Some(cargo), transmission, arrived: false });
        if first {
            (self.backoff, self.unanswered, self.probed) = (0, 0, false);
            self.arm(now);
        }
        Some(Departure { number, transmission, bytes })
    }

    /// Takes what the other kernel tells; whether it acknowledges something new
    ///
    /// What it shows to be lost, [`resend`](Self::resend) yields; what it makes room for,
    /// [`depart`](Self::depart) does.
    pub(crate) fn handle_ack(&mut self, ack: &Ack, now: Instant) -> bool {
        if self.flight.is_empty() {
            self.unanswered = 0; // a probe has its answer
        }
        self.edge = self.edge.max(ack.edge);
        let (first, newest) = (self.first, self.newest);
        while self.first < ack.next {
            let Some(piece) = self.flight.pop_front() else {
                break;
            };
            self.first += 1;
            self.acknowledged += piece.bytes as u64;
        }
        self.newest = newest.max(ack.newest);
        let progress = self.first > first;
        if progress || self.newest > newest {
            if let Some(sent) = ack.echo {
                self.rtt.sample(now.saturating_duration_since(sent));
            }
            (self.backoff, self.unanswered, self.probed) = (0, 0, false);
            self.doubtful = !self.flight.is_empty();
            self.arm(now);
        }
        progress
    }

    /// The next piece that is known to be lost: it leaves anew
    ///
    /// Nothing overtakes on a road, so all that left before the newest transmission that arrived,
    /// and did not arrive itself, is lost; RFC 8985 without its allowance for reordering.
    pub(crate) fn resend(&mut self) -> Option<Departure> {
        if !self.doubtful || self.dead {
            return None;
        }
        let lost = |piece: &Piece| piece.transmission <= self.newest && !piece.arrived;
        let orderly = self.first >= self.orderly
            && self.flight.front().is_some_and(|piece| piece.transmission > self.newest);
        let found = if orderly { None } else { self.flight.iter().position(lost) };
        self.doubtful = found.is_some();
        self.again(found?)
    }

    /// The timer has fired: the oldest piece leaves anew, or the window is probed
    pub(crate) fn expire(&mut self, now: Instant, patience: u32) -> Expiry {
        if self.dead || now < self.deadline {
            return Expiry::Early;
        }
        if self.is_idle() {
            self.deadline = Instant::NEVER;
            return Expiry::Early;
        }
        if self.unanswered >= patience {
            return Expiry::GiveUp;
        }
        if !self.probed && !self.flight.is_empty() && self.rtt.is_known() {
            self.probed = true;
            self.deadline = now + self.rtt.timeout(self.backoff);
            return self.again(0).map_or(Expiry::Probe, Expiry::Resend);
        }
        self.unanswered += 1;
        self.backoff += 1;
        self.deadline = now + self.rtt.timeout(self.backoff);
        self.again(0).map_or(Expiry::Probe, Expiry::Resend)
    }

    /// The kernel stands still until then: its timer cannot fire before
    pub(crate) fn postpone(&mut self, until: Instant) {
        if self.deadline != Instant::NEVER {
            self.deadline = self.deadline.max(until);
        }
    }

    /// A transmission of a piece has reached the receiver
    pub(crate) fn arrive(&mut self, number: u64) {
        if let Some(piece) = self.at(number) {
            piece.arrived = true;
        }
    }

    /// The receiver takes the piece that is its next, if it has arrived
    pub(crate) fn take(&mut self, number: u64) -> Option<Parcel> {
        let piece = self.at(number).filter(|piece| piece.arrived)?;
        Some(Parcel { bytes: piece.bytes, cargo: piece.cargo.take()? })
    }

    /// What a piece that was not taken yet carries
    pub(crate) fn cargo(&self, number: u64) -> Option<&Cargo> {
        let place = usize::try_from(number.checked_sub(self.first)?).ok()?;
        self.flight.get(place)?.cargo.as_ref()
    }

    fn at(&mut self, number: u64) -> Option<&mut Piece> {
        let place = usize::try_from(number.checked_sub(self.first)?).ok()?;
        self.flight.get_mut(place)
    }

    fn again(&mut self, place: usize) -> Option<Departure> {
        let piece = self.flight.get_mut(place)?;
        self.transmissions += 1;
        piece.transmission = self.transmissions;
        let (number, bytes) = (self.first + place as u64, piece.bytes);
        self.orderly = self.orderly.max(number + 1);
        Some(Departure { number, transmission: piece.transmission, bytes })
    }

    fn arm(&mut self, now: Instant) {
        let timeout = now + self.rtt.timeout(self.backoff);
        self.deadline = if self.is_idle() { Instant::NEVER } else { timeout };
    }
}
