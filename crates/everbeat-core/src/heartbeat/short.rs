//! Durations in four bytes, for what each of a million connections remembers.

use core::time::Duration;

use crate::time::Instant;

/// In nanoseconds
const MILLI: u64 = 1_000_000;

/// A duration of up to 49 days, in milliseconds
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Millis(pub(super) u32);

/// A duration of up to 71 minutes, in microseconds
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Micros(pub(super) u32);

impl Millis {
    /// A total that only grows, of which only the growth matters: it goes round
    pub(crate) const fn of_total(total: Duration) -> Self {
        Self(total.as_millis() as u32)
    }

    /// How much such a total has grown
    pub(crate) fn until(self, later: Self) -> Duration {
        Self(later.0.wrapping_sub(self.0)).into()
    }

    pub(super) const fn as_nanos(self) -> u64 {
        self.0 as u64 * MILLI
    }

    /// Cuts off as [`From<Duration>`] does, and costs a third of it
    pub(super) const fn of_nanos(nanos: u64) -> Self {
        let millis = nanos / MILLI;
        Self(if millis > u32::MAX as u64 { u32::MAX } else { millis as u32 })
    }

    /// The instant so long after another
    pub(super) const fn after(self, instant: Instant) -> Instant {
        Instant::from_nanos(instant.as_nanos().saturating_add(self.as_nanos()))
    }
}

/// Cuts off what is less than one, and what is more than the most
impl From<Duration> for Millis {
    fn from(duration: Duration) -> Self {
        Self(u32::try_from(duration.as_millis()).unwrap_or(u32::MAX))
    }
}

impl From<Millis> for Duration {
    fn from(millis: Millis) -> Self {
        Self::from_millis(millis.0.into())
    }
}

/// Cuts off what is less than one, and what is more than the most
impl From<Duration> for Micros {
    fn from(duration: Duration) -> Self {
        Self(u32::try_from(duration.as_micros()).unwrap_or(u32::MAX))
    }
}

impl From<Micros> for Duration {
    fn from(micros: Micros) -> Self {
        Self::from_micros(micros.0.into())
    }
}
