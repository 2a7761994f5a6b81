//! The run's settings, and the bounds that follow from them.

use std::time::Duration;

use everbeat_core::reconnect::Backoff;

/// What either side is promised: whoever is gone is found dead within this time
pub(crate) const PROMISE: Duration = Duration::from_secs(5);
/// A silence that no promise of ours calls a death: shorter than the clocks under [`PROMISE`], and by
/// as much as TCP takes to try again
pub(crate) const BLINK: Duration = Duration::from_millis(1_200);
/// A process that stands still answers as soon as it goes on, so that more is no death either
pub(crate) const PAUSE: Duration = Duration::from_millis(2_500);
/// By how much a death lasts longer than the promise
pub(crate) const LONGER: Duration = Duration::from_millis(1_500);
/// How far a clock jumps
pub(crate) const JUMP: Duration = Duration::from_secs(3_600);

pub(crate) const DIAL: Duration = Duration::from_secs(2);
const BACKOFF_MIN: Duration = Duration::from_millis(250);
const BACKOFF_MAX: Duration = Duration::from_secs(2);
/// Scheduling, and a few round trips of the longest link
const MARGIN: Duration = Duration::from_secs(1);
/// When a client must be back after a fault: the attempt under way runs out, the longest delay passes,
/// and the next attempt succeeds
pub(crate) const BACK: Duration = DIAL.saturating_add(BACKOFF_MAX).saturating_add(MARGIN);
/// How long nothing happens between two faults, at least: all are back, and have been for a second
pub(crate) const CALM: Duration = BACK.saturating_add(MARGIN);

/// How often a client sends a message, unless it is quiet
pub(crate) const SEND_EVERY: Duration = Duration::from_millis(250);
/// A message is a number and up to so many bytes behind it
pub(crate) const FILL: usize = 200;
/// The server answers every message whose number can be divided by this
pub(crate) const ANSWER_EVERY: u64 = 4;
/// What is uploaded at once: so many messages of so many bytes
pub(crate) const UPLOAD: (usize, usize) = (12, 60_000);
/// A client hands back all that it has no proof of: more than it uploads
pub(crate) const RETAIN: usize = 4 << 20;

/// A machine that holds a short sleep back for longer than this proves nothing
pub(crate) const STALLED: Duration = Duration::from_millis(500);
/// How long a process that was hindered may be late because of that alone
pub(crate) const AFTER: Duration = Duration::from_secs(1);
/// How long anything may take that no promise is about
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) fn backoff() -> Backoff {
    Backoff::full_jitter(BACKOFF_MIN..=BACKOFF_MAX)
}
