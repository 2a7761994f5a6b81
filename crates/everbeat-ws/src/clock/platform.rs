//! The clock that runs on while the machine sleeps, beside the one that does not.

use std::sync::OnceLock;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// The clock that runs on in sleep
#[cfg(not(target_vendor = "apple"))]
const ALWAYS: ClockId = ClockId::Boottime;
#[cfg(target_vendor = "apple")]
const ALWAYS: ClockId = ClockId::Monotonic;

// It is asked with each beat, and a `Duration`'s own arithmetic costs several times as much as a
// number's: so clocks are numbers here, of nanoseconds.
const MILLI: u64 = 1_000_000;

/// How far apart two readings of one clock may be for one of the other to belong to both
const NEAR: u64 = MILLI;
/// How often they are read if the process is not let run between them
const TRIES: usize = 8;

pub(super) fn slept() -> Duration {
    static FIRST: OnceLock<(u64, u64)> = OnceLock::new();
    let (awake_first, always_first) = *FIRST.get_or_init(|| (awake(), always()));
    gained(|| awake().saturating_sub(awake_first), || always().saturating_sub(always_first))
}

/// The clock that stands still, which is the standard library's
#[cfg(not(target_vendor = "apple"))]
fn awake() -> u64 {
    read(ClockId::Monotonic)
}

/// The clock that stands still, which only the standard library reads
#[cfg(target_vendor = "apple")]
#[expect(clippy::disallowed_methods, reason = "it is compared with another one of the system's")]
fn awake() -> u64 {
    use std::time::Instant;

    static FIRST: OnceLock<Instant> = OnceLock::new();
    FIRST.get_or_init(Instant::now).elapsed().as_nanos() as u64
}

fn always() -> u64 {
    read(ALWAYS)
}

fn read(clock: ClockId) -> u64 {
    let time = clock_gettime(clock);
    (time.tv_sec as u64).saturating_mul(1_000 * MILLI).saturating_add(time.tv_nsec as u64)
}

/// What one clock has gained over the other, as far as it is certain
///
/// They cannot be read at once, and what passes between must not seem to be sleep: the one that
/// stands still is read before and after.
fn gained(mut awake: impl FnMut() -> u64, mut always: impl FnMut() -> u64) -> Duration {
    let mut certain = 0;
    let mut before = awake();
    for _ in 0..TRIES {
        let (always, after) = (always(), awake());
        certain = always.saturating_sub(after).max(certain);
        if after.saturating_sub(before) < NEAR {
            break;
        }
        before = after;
    }
    Duration::from_millis(certain / MILLI)
}

#[cfg(test)]
mod tests;
