//! How long to wait: full jitter over doubling steps, and a floor for servers that accept and then
//! close.

use core::ops::RangeInclusive;
use core::time::Duration;

use fastrand::Rng;

use crate::config::{ConfigError, LONGEST, defaults, within};

/// The delays between attempts
///
/// The first delay after a healthy connection is drawn from zero to the first step if we were cut
/// alone, and to five times that if everybody was (a restart). The following are drawn from zero to
/// a step that doubles up to the last: full jitter, which spreads a crowd best.
///
/// Full jitter bounds the mean, not the rate, and a server that accepts and then closes would be
/// met ever again by lucky draws. So after a connection that ended young the delay is at least 0.8
/// of a step that quadruples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    min: Duration,
    max: Duration,
    healthy_after: Duration,
}

/// A crowd's first delay, in first steps
const TOGETHER: u32 = 5;

impl Backoff {
    /// Full jitter between a first and a last step
    ///
    /// The range is checked when a client is built.
    #[must_use]
    pub const fn full_jitter(steps: RangeInclusive<Duration>) -> Self {
        Self { min: *steps.start(), max: *steps.end(), healthy_after: defaults::HEALTHY_AFTER }
    }

    /// How long a connection must have stood for its end to be a new beginning; 30 s by default
    #[must_use]
    pub const fn with_healthy_after(mut self, healthy_after: Duration) -> Self {
        self.healthy_after = healthy_after;
        self
    }

    /// How long a connection must have stood for its end to be a new beginning
    #[must_use]
    pub const fn healthy_after(&self) -> Duration {
        self.healthy_after
    }

    /// Checks that the steps can be
    ///
    /// # Errors
    ///
    /// The first step is under 1 ms or longer than the last, or a duration is over 24 h.
    pub fn check(self) -> Result<Self, ConfigError> {
        let millisecond = Duration::from_millis(1);
        within("backoff", self.max, millisecond, LONGEST)?;
        within("backoff", self.min, millisecond, self.max)?;
        within("healthy_after", self.healthy_after, Duration::ZERO, LONGEST)?;
        Ok(self)
    }

    /// The delay after `ends` ends without health, `flaps` of them in a row of young connections
    pub(super) fn draw(&self, ends: u16, flaps: u16, together: bool, rng: &mut Rng) -> Duration {
        if let Some(flaps) = flaps.checked_sub(1) {
            return self.grown(4, flaps).mul_f64(0.8 + 0.2 * rng.f64());
        }
        let step = match (ends, together) {
            (0, true) => self.min.saturating_mul(TOGETHER).min(self.max),
            (ends, _) => self.grown(2, ends),
        };
        step.mul_f64(rng.f64())
    }

    /// How much later than told, by whoever was told so `told` times in a row before
    pub(super) fn draw_behind(&self, told: u16, rng: &mut Rng) -> Duration {
        self.grown(2, told).mul_f64(rng.f64())
    }

    /// The delay of whoever need not hurry: about the last step
    pub(super) fn draw_unhurried(&self, rng: &mut Rng) -> Duration {
        self.max.mul_f64(0.8 + 0.2 * rng.f64())
    }

    pub(crate) const fn first(&self) -> Duration {
        self.min
    }

    fn grown(&self, factor: u32, times: u16) -> Duration {
        let factor = factor.checked_pow(times.into()).unwrap_or(u32::MAX);
        self.min.saturating_mul(factor).min(self.max)
    }
}

/// 1 s doubling to 30 s
impl Default for Backoff {
    fn default() -> Self {
        Self::full_jitter(defaults::BACKOFF_MIN..=defaults::BACKOFF_MAX)
    }
}
