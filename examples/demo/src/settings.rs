//! The run's settings, and the bounds that follow from them.

use std::time::Duration;

use everbeat_core::client::Queue;
use everbeat_core::reconnect::Backoff;

use crate::args::Mechanism;

pub(crate) const INTERVAL: Duration = Duration::from_secs(1);
pub(crate) const TIMEOUT: Duration = Duration::from_secs(2);
pub(crate) const DIAL: Duration = Duration::from_secs(2);
pub(crate) const BACKOFF_MIN: Duration = Duration::from_millis(100);
pub(crate) const BACKOFF_MAX: Duration = Duration::from_secs(1);
pub(crate) const HEALTHY_AFTER: Duration = Duration::from_secs(2);

/// What every bound on real time may be exceeded by: scheduling, pipes, two kernels
pub(crate) const MARGIN: Duration = Duration::from_secs(1);
/// A machine that holds a short sleep back for longer than this proves nothing: half the timeout
pub(crate) const STALLED: Duration = Duration::from_secs(1);

/// How often each client sends a message
pub(crate) const SEND_EVERY: Duration = Duration::from_millis(100);
/// How often the server sends each client one
pub(crate) const TICK_EVERY: Duration = Duration::from_millis(200);

/// The road's delay, each way, that must not count as death
pub(crate) const DELAY: Duration = Duration::from_millis(600);
/// How long it is watched while one of the two talks, and then while the other does: long enough
/// for a beat and its answer
pub(crate) const DELAYED_FOR: Duration = Duration::from_millis(2_500);
/// How long the accept-then-close server is in place
pub(crate) const FLAPPING_FOR: Duration = Duration::from_secs(5);
/// How many attempts it may see meanwhile
pub(crate) const FLAPPING_ATTEMPTS: u64 = 8;
/// How long the killed server stays away
pub(crate) const DOWN_FOR: Duration = Duration::from_millis(800);
/// How many clients are cut at once
pub(crate) const CROWD: usize = 50;
/// From how long a time each of them draws its first delay: so long that a stall which still counts
/// neither makes half of it out of one moment, nor a moment out of half of it
pub(crate) const CROWD_WINDOW: Duration = Duration::from_millis(2_500);
/// How far apart their first attempts must be at least: half the window
pub(crate) const CROWD_SPAN: Duration = Duration::from_millis(1_250);
/// How long all is well between two faults
pub(crate) const CALM: Duration = Duration::from_millis(600);

/// When a silence must have been noticed: the configuration's promise and the margin
pub(crate) const SILENCE: Duration = INTERVAL.saturating_add(TIMEOUT).saturating_add(MARGIN);
/// When what the kernel tells must have been noticed
pub(crate) const TOLD: Duration = MARGIN;
/// When a client must be back after the repair: the attempt under way runs out, the longest delay
/// passes, and the next attempt succeeds
pub(crate) const BACK: Duration = DIAL.saturating_add(BACKOFF_MAX).saturating_add(MARGIN);

/// How old an unconfirmed message may have been when its connection was cut
pub(crate) const UNPROVEN: Duration = INTERVAL.saturating_add(TIMEOUT);

/// The client's backoff; broken, it tries again at once
pub(crate) fn backoff(broken: Option<Mechanism>) -> Backoff {
    let at_once = Duration::from_millis(1);
    let steps = match broken {
        Some(Mechanism::Backoff) => at_once..=at_once,
        _ => BACKOFF_MIN..=BACKOFF_MAX,
    };
    Backoff::full_jitter(steps).with_healthy_after(HEALTHY_AFTER)
}

/// How much may wait in a client while nobody is connected; broken, next to nothing
pub(crate) fn queue(broken: Option<Mechanism>) -> Queue {
    match broken {
        Some(Mechanism::Queue) => Queue::bounded(1, 1 << 20),
        _ => Queue::default(),
    }
}

/// When a crowd's first attempts must have been made
pub(crate) const CROWD_TRIED: Duration = CROWD_WINDOW.saturating_add(MARGIN);

/// The crowd's backoff: its clients count as healthy at once, for they are cut soon
pub(crate) fn crowd_backoff() -> Backoff {
    Backoff::full_jitter(CROWD_WINDOW..=CROWD_WINDOW).with_healthy_after(Duration::ZERO)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_stall_that_counts_decides_about_jitter() {
        assert_eq!(CROWD_SPAN * 2, CROWD_WINDOW);
        assert!(STALLED < CROWD_SPAN, "tries in step, held up, would look spread");
        assert!(CROWD_WINDOW - STALLED > CROWD_SPAN, "spread tries, held up, would look in step");
    }
}
