//! The run's settings, and the bounds that follow from them.

use std::time::Duration;

use everbeat_core::reconnect::Backoff;

/// The beat of either side: with twice the demo's, 2,000 connections leave two cores mostly idle,
/// and a machine that is busy with itself is late
pub(crate) const INTERVAL: Duration = Duration::from_secs(2);
pub(crate) const TIMEOUT: Duration = Duration::from_secs(2);
/// Shorter than the timeout by as much as a stall may last that still counts: a client that hears no
/// answer to its upgrade gives up before the server, whose Pings it does not hear either, can call it
/// dead
pub(crate) const DIAL: Duration = Duration::from_millis(1_500);
const BACKOFF_MIN: Duration = Duration::from_millis(100);
const BACKOFF_MAX: Duration = Duration::from_secs(1);
const HEALTHY_AFTER: Duration = Duration::from_secs(2);

/// What every bound on real time may be exceeded by, beside the run's own lateness: scheduling, and
/// three kernels' queues
pub(crate) const MARGIN: Duration = Duration::from_secs(1);
/// A machine that holds a short sleep back for longer than this proves nothing
pub(crate) const STALLED: Duration = Duration::from_millis(500);

/// How often each client sends a message
pub(crate) const SEND_EVERY: Duration = Duration::from_secs(1);
/// A message is a number and up to so many bytes behind it
pub(crate) const FILL: usize = 400;
/// The server answers every message whose number can be divided by this
pub(crate) const ANSWER_EVERY: u64 = 4;

/// How many clients begin in a second: one crowd at a time is enough, and comes with each fault
pub(crate) const STARTS_PER_SECOND: u32 = 500;
/// How long the run before the run takes: one fault of each kind, so that pools, slabs and arenas
/// have their size
pub(crate) const WARM_UP: Duration = Duration::from_secs(8);

/// When a silence must have been noticed
pub(crate) const SILENCE: Duration = INTERVAL.saturating_add(TIMEOUT).saturating_add(MARGIN);
/// When a client must be back after the last fault: the attempt under way runs out, the longest
/// delay passes, and the next attempt succeeds
pub(crate) const BACK: Duration = DIAL.saturating_add(BACKOFF_MAX).saturating_add(MARGIN);

/// How slow a slow road is, each way, in bytes a second: some ten times what a connection needs
pub(crate) const RATE: u32 = 8 << 10;
/// The delay of a long road, each way: with the margin far from the timeout
pub(crate) const DELAY: Duration = Duration::from_millis(200);
/// How long before its fault a road becomes a long one, if it does: then messages, Pings and Pongs are
/// under way when it breaks, and a message that a Pong did not prove is lost
pub(crate) const LEAD: Duration = Duration::from_secs(1);
/// How many bytes more a connection carries before it is cut, at most: less than two beats
pub(crate) const CUT_WITHIN: u64 = 20;

/// How long tasks, registries and descriptors may take to be gone once all have been told to end
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// How many descriptors a client's connection needs: its own, the proxy's two, the server's, and room
/// for those that linger in the proxy while a fault hides their end; 4.1 were seen at most
pub(crate) const DESCRIPTORS_EACH: u64 = 5;

pub(crate) fn backoff() -> Backoff {
    Backoff::full_jitter(BACKOFF_MIN..=BACKOFF_MAX).with_healthy_after(HEALTHY_AFTER)
}
