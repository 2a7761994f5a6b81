//! A run's settings, and the bounds that follow from them.

use std::time::Duration;

/// Our heartbeat's interval, and a beating peer's
pub(super) const INTERVAL: Duration = Duration::from_millis(400);
/// A hole that costs nothing: less than a third of the timeout. The kernel sends again after a time of
/// its own, then after twice as much: the first of the two that the hole does not swallow comes before
/// three times the hole are over, whatever that time is.
pub(super) const BRIEF: Duration = Duration::from_millis(300);
/// Our heartbeat's interval where another's is to be seen
pub(super) const SELDOM: Duration = Duration::from_secs(60);
/// Our heartbeat's timeout, and a beating peer's
pub(super) const TIMEOUT: Duration = Duration::from_secs(1);
/// How long an attempt of our client's may take
pub(super) const DIAL: Duration = Duration::from_secs(1);
/// The longest delay between our client's attempts
pub(super) const RETRY: Duration = Duration::from_millis(400);
/// A peer's longest frame: several a large message, and no multiple of anything
pub(super) const FRAGMENT: usize = 50_021;

/// Our longest frame: so long may a Ping have to wait
pub(super) const OUR_FRAME: u64 = 64 << 10;

/// What every bound on real time may be exceeded by: scheduling, pipes, two kernels
pub(super) const MARGIN: Duration = Duration::from_millis(500);
/// A machine that holds a short sleep back for longer than this proves nothing: half the timeout
pub(crate) const STALLED: Duration = Duration::from_millis(500);
/// How often a trial is performed until the machine did not stall meanwhile
pub(super) const TRIES: u32 = 4;
/// How long anything may take that no promise is about: only what hangs meets it
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);
/// And until somebody is connected, who may have a browser to start first
pub(super) const START: Duration = Duration::from_secs(60);

/// When a silence must have been noticed
pub(super) const SILENCE: Duration = INTERVAL.saturating_add(TIMEOUT).saturating_add(MARGIN);
/// When what the kernel tells must have been noticed
pub(super) const TOLD: Duration = MARGIN;
/// When our client must be back at a peer that can be reached again: the attempt under way runs
/// out, the longest delay passes, and the next attempt succeeds
pub(super) const BACK: Duration = DIAL.saturating_add(RETRY).saturating_add(MARGIN);
/// How long an idle connection is watched
pub(super) const IDLE: Duration = INTERVAL.saturating_mul(10);

/// How long it may take until we have had enough of a refusal, beyond what was asked of us
pub(super) const ENOUGH: Duration = Duration::from_secs(1);

/// Trials that go on at one time: they mostly wait, and what they start is not to crowd two cores
pub(super) const AT_A_TIME: usize = 3;
/// Those besides that do nothing but wait
pub(super) const WAITING: usize = 48;
