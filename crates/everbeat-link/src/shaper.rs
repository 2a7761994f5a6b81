//! One way of a link: what becomes of each packet, and when. Pure, and seeded.
//!
//! A packet waits in the queue until all before it have been sent, is under way for its delay, and is
//! there. Packets arrive in the order in which they came: a jitter that swapped them would be taken for
//! loss by TCP, and is asked for as loss.

use std::collections::VecDeque;
use std::time::Instant;

use fastrand::Rng;

use crate::shape::{Shape, takes};

/// What one way does to packets of some kind
///
/// Whoever drives it tells it of every packet ([`handle_packet`](Self::handle_packet)), wakes at
/// [`poll_timeout`](Self::poll_timeout), and takes what is due ([`poll_packet`](Self::poll_packet)).
/// Time must not run backwards.
#[derive(Debug)]
pub struct Shaper<P> {
    shape: Shape,
    rng: Rng,
    /// Not sent yet, with their bytes
    waiting: VecDeque<(P, usize)>,
    /// The bytes of all that wait
    queued: usize,
    /// When the first that waits will be sent; nothing without one
    sent_at: Option<Instant>,
    /// Sent, and when each arrives
    under_way: VecDeque<(Instant, P)>,
    counts: Counts,
}

/// Why a packet does not arrive
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a shape has no other way to lose one")]
pub enum Lost {
    /// The way is away
    Hole,
    /// By chance
    Chance,
    /// The queue is full
    Queue,
}

/// How many packets met which fate
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "there is no other fate, and a test counts each")]
pub struct Counts {
    /// Arrived
    pub arrived: u64,
    /// Lost in a hole
    pub hole: u64,
    /// Lost by chance
    pub chance: u64,
    /// Lost because the queue was full
    pub queue: u64,
}

impl<P> Shaper<P> {
    /// A way without a packet on it
    #[must_use]
    pub fn new(shape: Shape, seed: u64) -> Self {
        Self {
            shape,
            rng: Rng::with_seed(seed),
            waiting: VecDeque::new(),
            queued: 0,
            sent_at: None,
            under_way: VecDeque::new(),
            counts: Counts::default(),
        }
    }

    /// What it is like
    #[must_use]
    pub const fn shape(&self) -> Shape {
        self.shape
    }

    /// How many packets met which fate so far
    #[must_use]
    pub const fn counts(&self) -> Counts {
        self.counts
    }

    /// How many packets are on it
    #[must_use]
    pub fn len(&self) -> usize {
        self.waiting.len() + self.under_way.len()
    }

    /// Whether no packet is on it
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A packet of so many bytes sets out; after this [`poll_timeout`](Self::poll_timeout) may be
    /// another
    ///
    /// # Errors
    ///
    /// It is lost already, and why.
    pub fn handle_packet(&mut self, now: Instant, packet: P, bytes: usize) -> Result<(), Lost> {
        self.send_what_is_due(now);
        // Drawn for each packet, so that its fate does not hang on what became of those before.
        let by_chance = self.rng.u16(0..1_000) < self.shape.loss;
        if self.shape.hole {
            self.counts.hole += 1;
            return Err(Lost::Hole);
        }
        if by_chance {
            self.counts.chance += 1;
            return Err(Lost::Chance);
        }
        let Some(rate) = self.shape.rate else {
            self.set_out(now, packet);
            return Ok(());
        };
        // One that is alone is sent, however long it is: a queue that holds none is no queue.
        if !self.waiting.is_empty() && self.queued.saturating_add(bytes) > rate.queue as usize {
            self.counts.queue += 1;
            return Err(Lost::Queue);
        }
        self.sent_at.get_or_insert_with(|| now + takes(rate, bytes));
        self.waiting.push_back((packet, bytes));
        self.queued += bytes;
        Ok(())
    }

    /// It is another way from now on
    ///
    /// What is under way arrives as it would have; what waits is sent by the new rate; a hole takes all.
    /// After this [`poll_timeout`](Self::poll_timeout) may be another.
    pub fn handle_shape(&mut self, now: Instant, shape: Shape) {
        self.send_what_is_due(now);
        self.shape = shape;
        if shape.hole {
            self.counts.hole += self.len() as u64;
            self.waiting.clear();
            self.under_way.clear();
        }
        match (shape.rate, self.waiting.front()) {
            // A packet of which part was sent is not sent later for it, and not earlier than at once.
            (Some(rate), Some((_, bytes))) => {
                let anew = now + takes(rate, *bytes);
                self.sent_at = self.sent_at.map(|sent_at| sent_at.min(anew));
            }
            (None, Some(_)) => {
                for (packet, _) in std::mem::take(&mut self.waiting) {
                    self.set_out(now, packet);
                }
            }
            (_, None) => {}
        }
        if self.waiting.is_empty() {
            (self.queued, self.sent_at) = (0, None);
        }
    }

    /// When something is due, or may be: waking then is early enough; nothing while it is empty
    ///
    /// It changes by each of the calls that take `now`.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let arrives = self.under_way.front().map(|(due, _)| *due);
        match (arrives, self.sent_at) {
            (Some(arrives), Some(sent)) => Some(arrives.min(sent)),
            (arrives, sent) => arrives.or(sent),
        }
    }

    /// The next packet that has arrived by now; nothing if there is none
    pub fn poll_packet(&mut self, now: Instant) -> Option<P> {
        self.send_what_is_due(now);
        if self.under_way.front().is_none_or(|(due, _)| *due > now) {
            return None;
        }
        let (_, packet) = self.under_way.pop_front()?;
        self.counts.arrived += 1;
        Some(packet)
    }

    /// What has been sent by now is under way
    fn send_what_is_due(&mut self, now: Instant) {
        while let Some(sent_at) = self.sent_at.filter(|sent_at| *sent_at <= now) {
            let Some((packet, bytes)) = self.waiting.pop_front() else { break };
            self.queued -= bytes;
            self.set_out(sent_at, packet);
            let next = self.waiting.front();
            let takes = next.zip(self.shape.rate).map(|((_, bytes), rate)| takes(rate, *bytes));
            self.sent_at = takes.map(|takes| sent_at + takes);
        }
    }

    fn set_out(&mut self, at: Instant, packet: P) {
        let longer = self.shape.jitter.mul_f64(self.rng.f64());
        // One that is due before another that came earlier waits behind it.
        self.under_way.push_back((at + self.shape.delay + longer, packet));
    }
}

#[cfg(test)]
#[path = "shaper_tests.rs"]
mod tests;
