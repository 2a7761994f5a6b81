//! Whether and when to try again: the decision about a cause ([`Retry`]), how long to wait
//! ([`Backoff`]), the state machine that counts attempts ([`Reconnect`]), and which of several
//! endpoints is next ([`Endpoints`]).

mod backoff;
mod endpoints;
mod hurry;
mod verdict;

use core::borrow::Borrow;
use core::fmt;

use fastrand::Rng;

use self::hurry::Hurry;
use crate::cause::Cause;
use crate::hint::Hint;
use crate::time::Instant;

pub use backoff::Backoff;
pub use endpoints::{Endpoints, Next};
pub use verdict::Retry;

/// What a client does after an end
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Decision {
    /// The next attempt, no earlier than this
    RetryAt(Instant),
    /// None
    GiveUp,
}

/// The reconnect policy of one client: counts attempts, remembers health, draws delays
///
/// Pure: it takes instants and causes, and returns decisions.
///
/// ```
/// use everbeat_core::Cause;
/// use everbeat_core::cause::Cut;
/// use everbeat_core::reconnect::{Backoff, Decision, Reconnect};
/// use everbeat_core::time::Instant;
///
/// let mut reconnect = Reconnect::new(Backoff::default(), 7);
/// reconnect.handle_connected(Instant::ORIGIN);
/// let cut = Cause::Cut { how: Cut::Reset, detail: "".into() };
/// let verdict = cut.default_verdict();
/// let Decision::RetryAt(at) = reconnect.handle_end(&cut, verdict, Instant::ORIGIN) else { panic!() };
/// assert!(at.since_origin().as_secs_f64() <= 1.0);
/// assert_eq!(reconnect.attempt(), 1);
/// ```
pub struct Reconnect<B = Backoff> {
    backoff: B,
    rng: Rng,
    /// When the present connection was made; never while there is none
    connected_at: Instant,
    /// Before which the server does not want us
    not_before: Instant,
    hurry: Hurry,
    /// Attempts that failed since a connection last stood
    failed: u32,
    /// Ends since the last healthy connection; like the two below it stops at its largest, where no
    /// delay grows any more, and is no wider so that all of this is 64 bytes
    ends: u16,
    /// Ends in a row of connections that the server accepted and that then ended young
    flaps: u16,
    /// How often a server has said when to come back, since the last healthy connection
    told: u16,
    /// Whether the one more try that `Retry::Once` grants has been used
    once_used: bool,
}

impl<B: Borrow<Backoff>> Reconnect<B> {
    /// A fresh policy; `seed` draws the delays: take it from the operating system
    ///
    /// `backoff` may be shared by many, as an `Arc`.
    #[must_use]
    pub const fn new(backoff: B, seed: u64) -> Self {
        Self {
            backoff,
            rng: Rng::with_seed(seed),
            connected_at: Instant::NEVER,
            not_before: Instant::ORIGIN,
            hurry: Hurry::new(),
            failed: 0,
            ends: 0,
            flaps: 0,
            told: 0,
            once_used: false,
        }
    }

    /// A connection stands
    pub const fn handle_connected(&mut self, now: Instant) {
        self.connected_at = now;
        self.failed = 0;
    }

    /// A connection ended, or an attempt failed, for which the verdict is `retry`
    pub fn handle_end(&mut self, cause: &Cause, retry: Retry, now: Instant) -> Decision {
        let backoff: &Backoff = self.backoff.borrow();
        let connected_at = core::mem::replace(&mut self.connected_at, Instant::NEVER);
        let lasted =
            (connected_at != Instant::NEVER).then(|| now.saturating_duration_since(connected_at));
        if lasted.is_none() {
            self.failed = self.failed.saturating_add(1);
        }
        let healthy = lasted.is_some_and(|lasted| lasted >= backoff.healthy_after());
        if healthy {
            (self.ends, self.flaps, self.once_used, self.told) = (0, 0, false, 0);
        } else if lasted.is_some() || hung_up_in_upgrade(cause) {
            self.flaps = self.flaps.saturating_add(1);
        } else {
            self.flaps = 0;
        }
        let told = self.told;
        self.not_before = now;
        let mut delay = match retry {
            Retry::Never => return Decision::GiveUp,
            Retry::Once if core::mem::replace(&mut self.once_used, true) => {
                return Decision::GiveUp;
            }
            Retry::Once | Retry::Alone => backoff.draw(self.ends, self.flaps, false, &mut self.rng),
            Retry::Together => backoff.draw(self.ends, self.flaps, true, &mut self.rng),
            Retry::After(floor) => {
                self.told = told.saturating_add(1);
                self.not_before = now + floor;
                floor.saturating_add(backoff.draw_behind(told, &mut self.rng))
            }
            Retry::Within(window) => {
                let width = window.to().saturating_sub(window.from());
                let drawn = window.from() + width.mul_f64(self.rng.f64());
                // Its place in the server's order: coming earlier is coming with others.
                self.not_before = now + drawn;
                self.told = told.saturating_add(1);
                if told == 0 {
                    drawn
                } else {
                    // A server that sends everybody away each time is not obeyed into a storm.
                    drawn.max(backoff.draw(self.ends, self.flaps, true, &mut self.rng))
                }
            }
        };
        if !self.hurry.is_wanted() {
            delay = delay.max(backoff.draw_unhurried(&mut self.rng));
        }
        self.ends = self.ends.saturating_add(1);
        Decision::RetryAt(now + delay)
    }

    /// Something happened outside while no attempt waits: whether the next ones hurry
    pub const fn note_hint(&mut self, hint: Hint) {
        self.hurry.note(hint);
    }

    /// Something happened outside while an attempt waits; from when on that may be made because of it,
    /// if that is earlier than it would be
    ///
    /// [`Hint`] has the table of what which hint does.
    pub fn handle_hint(&mut self, hint: Hint, now: Instant) -> Option<Instant> {
        let first = self.backoff.borrow().first();
        self.hurry.note(hint);
        if !hint.hurries() || !self.hurry.spend(first, now) {
            return None;
        }
        let soon = now + first.mul_f64(self.rng.f64());
        Some(soon.max(self.not_before))
    }

    /// Where it finds its backoff
    #[inline]
    pub(crate) const fn source(&self) -> &B {
        &self.backoff
    }

    /// The number of the attempt that comes next: 1 for the first at the start, and for the first
    /// after a connection ended
    #[must_use]
    pub const fn attempt(&self) -> u32 {
        self.failed.saturating_add(1)
    }
}

/// The server's program took the socket and dropped it: the same flap as accepting and closing
fn hung_up_in_upgrade(cause: &Cause) -> bool {
    matches!(cause, Cause::Cut { .. } | Cause::NotWebSocket { .. })
}

impl<B: Borrow<Backoff>> fmt::Debug for Reconnect<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reconnect")
            .field("backoff", self.backoff.borrow())
            .field("ends", &self.ends)
            .field("flaps", &self.flaps)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
