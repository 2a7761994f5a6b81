//! Whether anybody waits for the next attempt, and how often a hint may bring it forward.

use core::time::Duration;

use crate::hint::Hint;
use crate::time::Instant;

/// How many hints in a row hurry, so that each of the few that one change brings may
const AT_ONCE: u32 = 5;
/// How many first steps of the backoff it takes until one more may
const STEPS_PER_HURRY: u32 = 10;

/// What the hints so far come to
#[derive(Clone, Copy, Debug)]
pub(super) struct Hurry {
    offline: bool,
    background: bool,
    /// Up to when hurry has been spent
    spent_until: Instant,
}

impl Hurry {
    pub(super) const fn new() -> Self {
        Self { offline: false, background: false, spent_until: Instant::ORIGIN }
    }

    /// Whether attempts are to come as soon as the backoff allows
    pub(super) const fn is_wanted(&self) -> bool {
        !self.offline && !self.background
    }

    /// Something happened outside
    pub(super) const fn note(&mut self, hint: Hint) {
        match hint {
            Hint::Offline => self.offline = true,
            Hint::Background => self.background = true,
            Hint::Online => self.offline = false,
            Hint::Foreground => self.background = false,
            Hint::NetworkChanged | Hint::AddressGone(_) => {}
        }
    }

    /// Whether an attempt that waits may be brought forward now
    pub(super) fn spend(&mut self, first_step: Duration, now: Instant) -> bool {
        if !self.is_wanted() {
            return false;
        }
        let every = first_step.saturating_mul(STEPS_PER_HURRY);
        let spent = self.spent_until.max(now) + every;
        if spent > now + every.saturating_mul(AT_ONCE) {
            return false;
        }
        self.spent_until = spent;
        true
    }
}
