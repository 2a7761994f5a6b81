//! A point in time as an integer: 8 bytes, exact under virtual time, usable without std.

use core::fmt;
use core::ops::{Add, AddAssign, Sub};
use core::time::Duration;

/// A point on a [`Timer`](super::Timer)'s clock, in nanoseconds since that timer's origin
///
/// Eight bytes, `Copy`, and the same on every platform. Arithmetic saturates, so [`Instant::NEVER`]
/// needs no special case: nothing is later. Instants of two different timers do not compare
/// meaningfully; make one timer and clone it.
///
/// ```
/// use core::time::Duration;
/// use everbeat_core::time::Instant;
///
/// let start = Instant::ORIGIN + Duration::from_millis(12_500);
/// assert_eq!(format!("{start:?}"), "t+12.5s");
/// assert_eq!(start.saturating_duration_since(Instant::ORIGIN).as_secs(), 12);
/// assert_eq!(Instant::NEVER + Duration::from_secs(1), Instant::NEVER);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(u64);

impl Instant {
    /// The timer's origin, its earliest instant
    pub const ORIGIN: Self = Self(0);

    /// Later than every instant a timer reaches (584 years after its origin): "no deadline"
    pub const NEVER: Self = Self(u64::MAX);

    /// The instant `elapsed` after the timer's origin; saturates at [`Instant::NEVER`]
    #[must_use]
    pub const fn from_origin(elapsed: Duration) -> Self {
        Self(saturating_nanos(elapsed))
    }

    /// How long after the timer's origin this instant is
    #[must_use]
    pub const fn since_origin(self) -> Duration {
        Duration::from_nanos(self.0)
    }

    /// The nanoseconds since the timer's origin: what it is made of, for whoever keeps it as a
    /// number
    #[must_use]
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// The instant so many nanoseconds after the timer's origin
    #[must_use]
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// How long after `earlier` this instant is; zero if it is not later
    #[must_use]
    pub const fn saturating_duration_since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Duration> for Instant {
    type Output = Self;

    fn add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(saturating_nanos(duration)))
    }
}

/// Saturates at the origin
impl Sub<Duration> for Instant {
    type Output = Self;

    fn sub(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(saturating_nanos(duration)))
    }
}

impl AddAssign<Duration> for Instant {
    fn add_assign(&mut self, duration: Duration) {
        *self = *self + duration;
    }
}

impl fmt::Debug for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::NEVER {
            return f.write_str("never");
        }
        write!(f, "t+{:?}", self.since_origin())
    }
}

/// `Duration::as_nanos` is a `u128`; a duration beyond 584 years counts as that long
const fn saturating_nanos(duration: Duration) -> u64 {
    let nanos = duration.as_nanos();
    if nanos > u64::MAX as u128 { u64::MAX } else { nanos as u64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn saturates_at_both_ends() {
        let second = Duration::from_secs(1);
        assert_eq!(Instant::ORIGIN.saturating_duration_since(Instant::NEVER), Duration::ZERO);
        assert_eq!(Instant::from_origin(Duration::MAX), Instant::NEVER);
        assert_eq!(Instant::NEVER + second, Instant::NEVER);
        assert_eq!((Instant::ORIGIN + second).since_origin(), second);
    }

    #[test]
    fn is_eight_bytes() {
        assert_eq!(size_of::<Instant>(), 8);
    }
}
