//! A connection's socket, which its task lends while it waits: who says something to many writes it
//! there himself, and nobody is woken for it.
//!
//! # Why there is one writer at a time
//!
//! The word is `KEPT`, `LENT`, `TAKEN` or `LEFT`. Only the task, which alone holds the transport, goes
//! from `KEPT` to `LENT` and from `LENT` or `LEFT` to `KEPT`, and it writes and lets go of the socket
//! only in `KEPT`. Only who holds the corner's lock goes from `LENT` to `TAKEN`, writes, and leaves
//! something else before he gives up the lock: `LENT`, `LEFT` if he has begun a frame that did not fit,
//! or `KEPT` if he panicked. So a task that finds `TAKEN` waits for that lock, which lasts one call that
//! does not wait; and when it has `KEPT`, nobody else is in a call, nor will be.
//!
//! # Why the order is kept
//!
//! The task lends only when all that it was given is with the operating system, and keeps the socket
//! before it takes anything out of the mailbox. Who writes past it holds the mailbox's lock and has
//! seen it empty. So what was left before is written before, and what is left later comes later. What
//! did not fit of a frame is in the mailbox's stead before he gives up the lock, and nothing goes past
//! it; the task has it written before it takes anything out.

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU32, Ordering};

use bytes::Bytes;
use everbeat_core::Message;
use everbeat_core::transport::{Hatch, Hatches};

use super::Record;
use super::aside::Aside;

/// The word, and the way to the socket
pub(super) struct Lent {
    to: Option<Arc<dyn Hatches>>,
    /// What was written while it was lent, in bytes, and the task does not know of
    bytes: AtomicU32,
    seat: u8,
    state: AtomicU8,
}

/// The task's own
const KEPT: u8 = 0;
/// Anybody's who is to say something
const LENT: u8 = 1;
/// Somebody's who is saying it
const TAKEN: u8 = 2;
/// The task's own again, who begins with what is left of a frame
const LEFT: u8 = 3;

/// So much may be written until the task is told, for the count has half of a word
const MOST: u32 = 1 << 31;

impl Lent {
    pub(super) fn new(hatch: Option<Hatch>) -> Self {
        let (to, seat) = hatch.map_or((None, 0), |hatch| (Some(hatch.of), hatch.seat));
        Self { to, bytes: AtomicU32::new(0), seat, state: AtomicU8::new(KEPT) }
    }
}

/// A message to many, and its frame, which is made when the first has a use for it
#[derive(Debug)]
pub(super) struct ToMany {
    pub(super) message: Message,
    frame: Option<Option<Bytes>>,
    /// To how many more its thread may write before others have their turn
    pub(super) turn: usize,
}

impl ToMany {
    pub(super) const fn new(message: Message, turn: usize) -> Self {
        Self { message, frame: None, turn }
    }

    fn frame(&mut self, by: &dyn Hatches) -> Option<&Bytes> {
        self.frame.get_or_insert_with(|| by.frame(&self.message)).as_ref()
    }
}

/// What came of a message that was to go past the task
pub(super) enum Passed {
    /// It is with the operating system
    Whole,
    /// Its beginning is; the task is to be woken
    Part,
    /// Nothing of it
    Not,
}

/// A socket that is being written to: whatever happens, nobody waits for ever for who does it
struct Taken<'a> {
    state: &'a AtomicU8,
    next: u8,
}

impl<'a> Taken<'a> {
    fn take(state: &'a AtomicU8) -> Option<Self> {
        let taken = state.compare_exchange(LENT, TAKEN, Ordering::AcqRel, Ordering::Relaxed);
        taken.is_ok().then_some(Self { state, next: KEPT })
    }
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        self.state.store(self.next, Ordering::Release);
    }
}

impl<P: ?Sized> Record<P> {
    /// Whether there is a way to the socket, past who holds the transport
    #[inline]
    pub(crate) const fn may_lend(&self) -> bool {
        self.lent.to.is_some()
    }

    /// Others may write to the socket; called by who holds the transport, which has nothing to write
    #[inline]
    pub(crate) fn lend(&self) -> bool {
        let may = self.may_lend();
        if may {
            self.lent.state.store(LENT, Ordering::Release);
        }
        may
    }

    /// Nobody else writes to the socket from now on; what was written meanwhile, and is to be told to
    /// the transport before it is asked for anything
    #[inline]
    pub(crate) fn keep(&self) -> Option<(u64, Option<Bytes>)> {
        // Nobody but the task leaves this state
        if self.lent.state.load(Ordering::Relaxed) == KEPT { None } else { self.keep_lent() }
    }

    fn keep_lent(&self) -> Option<(u64, Option<Bytes>)> {
        let state = &self.lent.state;
        let mut left = None;
        while let Err(found) =
            state.compare_exchange(LENT, KEPT, Ordering::Acquire, Ordering::Acquire)
        {
            match found {
                TAKEN => drop(self.corner.look()), // one call's time
                LEFT => {
                    let mut lock = self.corner.look();
                    left = lock.as_mut().and_then(|aside| aside.begun.take()).map(|left| *left);
                    state.store(KEPT, Ordering::Relaxed);
                }
                _ => break,
            }
        }
        let bytes = self.lent.bytes.swap(0, Ordering::Relaxed);
        (bytes > 0).then_some((bytes.into(), left))
    }

    /// How many bytes were written while it was lent, and the transport does not know of
    pub(crate) fn sent_past(&self) -> u64 {
        self.lent.bytes.load(Ordering::Relaxed).into()
    }

    /// Writes past the task, if that has lent its socket and nothing waits for it; called under the
    /// corner's lock
    pub(super) fn pass(&self, to_many: &mut ToMany, aside: &mut Option<Box<Aside>>) -> Passed {
        let Lent { to: Some(to), bytes, seat, state } = &self.lent else { return Passed::Not };
        if state.load(Ordering::Relaxed) != LENT || bytes.load(Ordering::Relaxed) >= MOST {
            return Passed::Not;
        }
        if aside.as_ref().is_some_and(|aside| !aside.is_silent()) {
            return Passed::Not;
        }
        let Some(turn) = to_many.turn.checked_sub(1) else { return Passed::Not };
        let Some(frame) = to_many.frame(&**to) else { return Passed::Not };
        let Some(mut taken) = Taken::take(state) else { return Passed::Not };
        let written = to.pass(*seat, frame).min(frame.len());
        let left = (written < frame.len()).then(|| frame.slice(written..));
        to_many.turn = turn;
        if written == 0 {
            taken.next = LENT;
            return Passed::Not;
        }
        bytes.fetch_add(written as u32, Ordering::Relaxed);
        self.note_passed(written as u64);
        self.corner.note_sent();
        let Some(left) = left else {
            taken.next = LENT;
            return Passed::Whole;
        };
        aside.get_or_insert_default().begun = Some(Box::new(left));
        taken.next = LEFT;
        Passed::Part
    }
}
