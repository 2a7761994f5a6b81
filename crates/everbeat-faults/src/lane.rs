//! One direction of one connection, without sockets: what is read, held, dropped and written, and
//! when. Every fault's meaning is decided here; `relay` does as it is told.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

use crate::fault::LaneFaults;

/// The most bytes held by a direction: beyond it the sender waits
const HELD: usize = 256 << 10;
/// How much of its rate a lane that was woken late may make up for
const CATCH_UP: Duration = Duration::from_millis(100);
/// A rate is spent in so many portions a second
const PORTIONS: u32 = 100;

/// How a direction ends
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// Its receiver sees the end of the stream
    Fin,
    /// Its receiver sees the end of the stream, its sender a reset
    Cut,
    /// Both ends see a reset
    Reset,
}

/// What is due now
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Step<'a> {
    /// These bytes are written to the receiver
    Write(&'a [u8]),
    /// Nothing more comes behind them
    End(End),
}

/// One direction of one connection
#[derive(Debug, Default)]
pub(crate) struct Lane {
    faults: LaneFaults,
    held: VecDeque<Chunk>,
    held_bytes: usize,
    /// How it will end, and not before when
    end: Option<(Instant, End)>,
    /// What the black hole hid of the sender's end
    hidden: Option<End>,
    /// The black hole took bytes: the stream has a hole
    holed: bool,
    /// Nothing more is taken: the sender ended, or the direction was closed behind what is held
    closed: bool,
    /// How the sender ended: nothing more comes from it, but for a reset behind an end of stream
    sender: Option<End>,
    /// The sender's socket is known to be reset, though not yet read to its end
    broken: bool,
    /// The receiver is gone: what still comes is dropped
    deaf: bool,
    /// The receiver was shown the end
    ended: bool,
    carried: u64,
    /// When the rate has room again
    free_at: Option<Instant>,
}

#[derive(Debug)]
struct Chunk {
    due: Instant,
    bytes: Vec<u8>,
    written: usize,
}

impl Lane {
    /// Takes new faults
    pub(crate) fn obey(&mut self, faults: LaneFaults, now: Instant) {
        let healed = self.faults.black_hole && !faults.black_hole;
        let slowed_before = self.faults.rate;
        self.faults = faults;
        if slowed_before != faults.rate {
            self.free_at = None;
        }
        if faults.black_hole {
            self.swallow();
        }
        if healed {
            self.surface(now);
        }
        if faults.half_close && !self.closed {
            self.close(now, End::Fin);
        }
        self.cut_if_due(now);
    }

    /// Whether the sender should be read
    pub(crate) fn wants_bytes(&self) -> bool {
        self.sender.is_none() && !self.faults.stall && self.held_bytes < HELD
    }

    /// Whether the sender, unread, should be watched for a reset
    pub(crate) fn wants_reset(&self) -> bool {
        match self.sender {
            None => self.faults.stall,
            Some(end) => end != End::Reset,
        }
    }

    /// The sender sent this
    pub(crate) fn take(&mut self, now: Instant, bytes: &[u8]) {
        if bytes.is_empty() || self.closed || self.deaf {
            return;
        }
        if self.faults.black_hole {
            self.holed = true;
            return;
        }
        let due = self.due(now);
        self.held_bytes += bytes.len();
        self.held.push_back(Chunk { due, bytes: bytes.to_vec(), written: 0 });
        self.cut_if_due(now);
    }

    /// Writing to the sender failed: it is gone, but what it sent before is still to be read
    pub(crate) fn sender_broke(&mut self, now: Instant) {
        self.broken = true;
        if self.sender.is_some() || self.faults.stall {
            self.sender_ended(now, End::Reset);
        }
    }

    /// The sender ended, or reset
    pub(crate) fn sender_ended(&mut self, now: Instant, end: End) {
        // Whoever meets a reset first takes the error with it: the other call sees an end.
        let end = if self.broken { End::Reset } else { end };
        self.sender = Some(end);
        if self.closed && end != End::Reset {
            return;
        }
        if self.faults.black_hole {
            self.hide(end);
        } else {
            self.close(now, end);
        }
    }

    /// Writing failed: the receiver is gone, and what still comes is dropped
    pub(crate) fn receiver_gone(&mut self) {
        self.deaf = true;
        self.drop_held();
    }

    /// What is due
    pub(crate) fn step(&self, now: Instant) -> Option<Step<'_>> {
        if self.next().is_none_or(|due| due > now) {
            return None;
        }
        let Some(chunk) = self.held.front() else {
            return self.end.map(|(_, end)| Step::End(end));
        };
        let rest = &chunk.bytes[chunk.written..];
        Some(Step::Write(&rest[..rest.len().min(self.portion())]))
    }

    /// The receiver's socket took so many of the bytes that [`step`](Self::step) showed
    pub(crate) fn wrote(&mut self, now: Instant, count: usize) {
        let Some(chunk) = self.held.front_mut() else {
            return;
        };
        chunk.written += count;
        self.held_bytes -= count;
        self.carried += count as u64;
        if chunk.written == chunk.bytes.len() {
            self.held.pop_front();
        }
        if let Some(rate) = self.faults.rate {
            let earliest = now.checked_sub(CATCH_UP).unwrap_or(now);
            let from = self.free_at.unwrap_or(now).max(earliest);
            self.free_at = Some(from + Duration::from_secs(count as u64) / rate.get());
        }
    }

    /// The receiver was shown the end
    pub(crate) fn ended(&mut self) {
        self.end = None;
        self.ended = true;
    }

    /// Whether nothing will ever happen here again, but for a reset
    pub(crate) fn is_over(&self) -> bool {
        self.ended && self.end.is_none() && self.hidden.is_none()
    }

    /// When the next step is due; changes with every call that takes `&mut self`
    pub(crate) fn next(&self) -> Option<Instant> {
        match self.held.front() {
            Some(chunk) => Some(self.free_at.map_or(chunk.due, |free| free.max(chunk.due))),
            None => self.end.map(|(due, _)| due),
        }
    }

    /// How many bytes the receiver's socket has taken
    pub(crate) const fn carried(&self) -> u64 {
        self.carried
    }

    /// Later than all that is held, so that a smaller delay overtakes nothing
    fn due(&self, now: Instant) -> Instant {
        let due = now.checked_add(self.faults.delay).unwrap_or(now);
        self.held.back().map_or(due, |last| due.max(last.due))
    }

    fn portion(&self) -> usize {
        let Some(rate) = self.faults.rate else {
            return usize::MAX;
        };
        usize::try_from(rate.get() / PORTIONS).unwrap_or(usize::MAX).max(1)
    }

    fn close(&mut self, now: Instant, end: End) {
        self.closed = true;
        self.end = Some((self.due(now), end));
    }

    fn swallow(&mut self) {
        self.holed |= !self.held.is_empty();
        self.drop_held();
        if let Some((_, end)) = self.end.take() {
            self.hide(end);
        }
    }

    /// A reset behind an end of stream is what counts
    fn hide(&mut self, end: End) {
        if self.hidden != Some(End::Reset) {
            self.hidden = Some(end);
        }
    }

    /// The black hole is gone: what it hid comes to light
    fn surface(&mut self, now: Instant) {
        let hidden = self.hidden.take();
        if self.holed {
            self.close(now, End::Reset);
        } else if let Some(end) = hidden {
            self.close(now, end);
        }
    }

    fn cut_if_due(&mut self, now: Instant) {
        let Some(cut_at) = self.faults.cut_at else {
            return;
        };
        let room = cut_at.saturating_sub(self.carried);
        let settled = self.ended || matches!(self.end, Some((_, End::Cut | End::Reset)));
        if settled || self.faults.black_hole || (self.held_bytes as u64) < room {
            return;
        }
        let mut surplus = self.held_bytes - usize::try_from(room).unwrap_or(usize::MAX);
        self.held_bytes -= surplus;
        while surplus > 0 {
            let Some(last) = self.held.back_mut() else {
                break;
            };
            let dropped = surplus.min(last.bytes.len() - last.written);
            last.bytes.truncate(last.bytes.len() - dropped);
            surplus -= dropped;
            if last.bytes.len() == last.written {
                self.held.pop_back();
            }
        }
        self.close(now, End::Cut);
    }

    fn drop_held(&mut self) {
        self.held.clear();
        self.held_bytes = 0;
    }
}

#[cfg(test)]
#[path = "lane_tests.rs"]
mod tests;
