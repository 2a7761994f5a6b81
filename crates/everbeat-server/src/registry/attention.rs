//! What a connection's task is told over its handler's head: that it is to end, or to drop the
//! handler, or only to look again. And who is woken for what.
//!
//! # Why no wake-up is lost
//!
//! There is one waker for each connection, of its handler's task, which leaves it at each poll and
//! then looks at the flags; whoever sets a flag takes the waker afterwards. So either the flag is
//! seen, or the waker was there to be taken. Who finds it taken finds a task that is about to be
//! polled.
//!
//! What is for the connection itself (`MAIL`) is for whoever polls that. In the handler's task it is
//! the same as above. Elsewhere the poll leaves its own waker beside the first, and then looks at the
//! flag; it is preferred by who sets the flag. A connection that has come back takes that waker
//! away before it looks: if somebody else was faster, his flag is seen.

#[cfg(test)]
mod tests;

use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Waker};

use super::Record;
use super::here::{self, Here};

/// Flags for a task, and what is known of it
#[derive(Default)]
pub(super) struct Flags(AtomicU8);

/// An order was given that the connection has `close_timeout` to obey
const ORDERED: u8 = 1;
/// The server's last word: the task drops its handler
const CUT: u8 = 2;
/// An order was given that the server itself sees to, at the end of its shutdown
const LEAVING: u8 = 4;
/// There is something in the mailbox
const MAIL: u8 = 8;
/// Another task than the handler's has polled the connection, or one with a waker of its own
const ELSEWHERE: u8 = 16;
/// There is nothing more to end
const OVER: u8 = 32;
/// The one report of why it was expired was made
const REPORTED: u8 = 64;
/// Something was said of the peer's authentication
const AUTHENTICATED: u8 = 128;

/// What the task was told so far
#[derive(Clone, Copy)]
pub(crate) struct Told(u8);

impl Told {
    pub(crate) const fn ordered(self) -> bool {
        self.0 & ORDERED != 0
    }

    pub(crate) const fn cut(self) -> bool {
        self.0 & CUT != 0
    }

    pub(crate) const fn leaving(self) -> bool {
        self.0 & LEAVING != 0
    }
}

impl Flags {
    #[inline]
    fn get(&self) -> u8 {
        self.0.load(Ordering::SeqCst)
    }

    /// Whether the flag was set before
    fn set(&self, flag: u8) -> bool {
        self.0.fetch_or(flag, Ordering::SeqCst) & flag != 0
    }

    fn clear(&self, flag: u8) {
        self.0.fetch_and(!flag, Ordering::SeqCst);
    }
}

impl<P: ?Sized> Record<P> {
    pub(super) fn tell_ordered(&self) {
        self.tell(ORDERED);
    }

    pub(super) fn tell_leaving(&self) {
        self.tell(LEAVING);
    }

    pub(crate) fn cut(&self) {
        self.tell(CUT);
    }

    pub(crate) fn is_cut(&self) -> bool {
        Told(self.flags.get()).cut()
    }

    /// Has the task look at what may have changed
    pub(crate) fn look(&self) {
        self.waker.wake();
    }

    fn tell(&self, flag: u8) {
        self.flags.set(flag);
        self.waker.wake();
    }

    /// What was told, for good; the task is woken when there is more
    ///
    /// The waker is left at each poll, for nobody but the one who takes it knows when it was taken:
    /// two steps on a word of the task's own, and no lock. Until the result is dropped the thread is
    /// known to poll the handler.
    pub(crate) fn poll_told(&self, cx: &Context<'_>) -> (Told, impl Drop + use<P>) {
        self.waker.register(cx.waker());
        (Told(self.flags.get()), Here::enter(self, cx.waker()))
    }

    /// Whether nothing was left for the connection, and who asks is woken when something is: true at
    /// nearly every look of the handler's task
    #[inline]
    pub(crate) fn is_quiet(&self, cx: &Context<'_>) -> bool {
        here::is_here(self, cx.waker()) && self.flags.get() & (MAIL | ELSEWHERE) == 0
    }

    /// Whether something was left for the connection since this was last asked; if not, who asks is
    /// woken when it is
    pub(crate) fn poll_raised(&self, cx: &Context<'_>) -> bool {
        if !here::is_here(self, cx.waker()) {
            drop(self.leave_elsewhere(cx.waker()));
            self.flags.set(ELSEWHERE);
        } else if self.flags.get() & ELSEWHERE != 0 {
            drop(self.take_elsewhere());
            self.flags.clear(ELSEWHERE);
        }
        let raised = self.flags.get() & MAIL != 0;
        if raised {
            self.flags.clear(MAIL);
        }
        raised
    }

    /// Says that there is something; whether somebody is to be [woken](Self::wake) for it
    pub(super) fn raise(&self) -> bool {
        !self.flags.set(MAIL)
    }

    /// Wakes whoever polls the connection; not to be called under a lock, for its code is not ours
    pub(super) fn wake(&self) {
        // Who leaves a waker sets the flag behind it, and then looks whether there is something.
        let away = self.flags.get() & ELSEWHERE != 0;
        match away.then(|| self.take_elsewhere()).flatten() {
            Some(elsewhere) => Waker::wake(elsewhere),
            None => self.waker.wake(),
        }
    }

    /// Leaves the waker of a task that is not the handler's; one of another task that was there, which
    /// is not to be dropped under the lock
    fn leave_elsewhere(&self, waker: &Waker) -> Option<Waker> {
        let mut lock = self.corner.lock();
        let place = &mut lock.get_or_insert_default().elsewhere;
        let known = place.as_ref().is_some_and(|known| known.will_wake(waker));
        if known { None } else { place.replace(waker.clone()) }
    }

    fn take_elsewhere(&self) -> Option<Waker> {
        self.corner.lock().as_mut()?.elsewhere.take()
    }

    /// Something was said of the peer's authentication, or the task knows of it
    pub(super) fn mark_authenticated(&self, said: bool) {
        if said {
            self.flags.set(AUTHENTICATED);
        } else {
            self.flags.clear(AUTHENTICATED);
        }
    }

    /// Whether [`take_authenticated`](Self::take_authenticated) has something to say
    pub(crate) fn is_authenticated(&self) -> bool {
        self.flags.get() & AUTHENTICATED != 0
    }

    pub(crate) fn set_over(&self) {
        self.flags.set(OVER);
    }

    /// Whether there is nothing more to end
    pub(crate) fn is_over(&self) -> bool {
        self.flags.get() & OVER != 0
    }

    /// Whether the one report is still to be made, which whoever asks makes
    pub(crate) fn claim_report(&self) -> bool {
        !self.flags.set(REPORTED)
    }
}
