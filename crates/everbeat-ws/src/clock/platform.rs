//! The clock that runs on while the machine sleeps, beside the one that does not.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

/// The clock that runs on in sleep
#[cfg(not(target_vendor = "apple"))]
const ALWAYS: ClockId = ClockId::Boottime;
#[cfg(target_vendor = "apple")]
const ALWAYS: ClockId = ClockId::Monotonic;

/// How far apart two readings of one clock may be for one of the other to belong to both
const NEAR: Duration = Duration::from_millis(1);
/// How often they are read if the process is not let run between them
const TRIES: usize = 8;

pub(super) fn slept() -> Duration {
    static FIRST: OnceLock<(Instant, Duration)> = OnceLock::new();
    let (origin, first) = *FIRST.get_or_init(|| (awake(), always()));
    gained(|| awake().saturating_duration_since(origin), || always().saturating_sub(first))
}

/// The clock that stands still
#[expect(clippy::disallowed_methods, reason = "it is compared with another one of the system's")]
fn awake() -> Instant {
    Instant::now()
}

fn always() -> Duration {
    clock_gettime(ALWAYS).try_into().unwrap_or_default()
}

/// What one clock has gained over the other, as far as it is certain
///
/// They cannot be read at once, and what passes between must not seem to be sleep: the one that
/// stands still is read before and after.
fn gained(mut awake: impl FnMut() -> Duration, mut always: impl FnMut() -> Duration) -> Duration {
    let mut certain = Duration::ZERO;
    let mut before = awake();
    for _ in 0..TRIES {
        let (always, after) = (always(), awake());
        certain = certain.max(always.saturating_sub(after));
        if after.saturating_sub(before) < NEAR {
            break;
        }
        before = after;
    }
    Duration::from_millis(certain.as_millis() as u64)
}

#[cfg(test)]
mod tests;
