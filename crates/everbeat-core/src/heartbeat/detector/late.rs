//! Our own lateness: a stall of ours is not a silence of theirs. Read first, then judge by clocks
//! that stood still meanwhile; after a long stall, ask anew.

use core::time::Duration;

use super::{Detector, Judgement, Millis, Outward};
use crate::config::HeartbeatConfig;
use crate::time::Instant;

/// A runtime's timers are coarse, and a busy task is not a stalled one
const TOLERANCE: Duration = Duration::from_millis(250);
/// What a wheel's tick, and a bit, makes us late for nothing, however short the clocks are
const TICK: Duration = Duration::from_millis(60);
/// How long what came meanwhile gets to be read: the reactor must turn once, which takes far less; so
/// that who wakes knows within the path clock and half a second
const PAUSE: Duration = Duration::from_millis(400);
/// Who was late for more seconds than these in all, while nothing was heard, excuses nothing any more
const MOST: u8 = 60;
/// But a night's sleep is one stall, and leaves something for the next
const MOST_AT_ONCE: u64 = 29;

fn tolerance(config: &HeartbeatConfig) -> Duration {
    TOLERANCE.min(config.soft()).max(TICK)
}

impl Detector {
    pub(super) fn is_paused(&self) -> bool {
        self.pause_until != Instant::ORIGIN
    }

    /// Bytes are heard, perhaps before our alarm is; whether we are late for what it was set for
    ///
    /// They answer whoever asked, but do not show that our bytes get out. As at a late look, the time
    /// for that stands still, and after a long stall begins anew: the Ping is still on its way.
    #[inline]
    pub(super) fn wake_by_byte(&mut self, config: &HeartbeatConfig, now: Instant) -> bool {
        let asks = self.probe.is_some();
        if !asks && self.outward_at == Instant::NEVER {
            return false;
        }
        let late = now.saturating_duration_since(self.next(config));
        let stalled = late > tolerance(config);
        if (stalled && late > config.soft()) || (asks && self.afresh) {
            self.outward_at = self.outward_at.max(now);
            self.outward = Outward::Unasked;
        } else if stalled {
            self.outward_at += late;
        }
        stalled
    }

    /// What a late look, or the end of a pause after one, asks for; `None` to go on and judge
    pub(super) fn pause(&mut self, config: &HeartbeatConfig, now: Instant) -> Option<Judgement> {
        let late = now.saturating_duration_since(self.next(config));
        let paused = self.is_paused();
        self.pause_until = Instant::ORIGIN;
        if late > tolerance(config) && self.excused >= MOST {
            self.note(late, now);
        } else if late > tolerance(config) {
            self.excuse(late);
            self.stand_still(late, now);
            self.afresh |= late > config.soft();
            if !paused {
                let pause = PAUSE.min(config.path_timeout() / 4);
                self.pause_until = now + pause;
                self.stand_still(pause, self.pause_until);
                return Some(Judgement::ReadFirst);
            }
        }
        core::mem::take(&mut self.afresh).then(|| {
            self.give_up(now);
            Judgement::Afresh
        })
    }

    /// The machine has slept, and the clock with it: the road may be another one, and what is asked is
    /// asked anew
    pub(in super::super) fn handle_slept(
        &mut self,
        slept: Duration,
        config: &HeartbeatConfig,
        now: Instant,
    ) {
        self.slept = Millis(self.slept.0.saturating_add(Millis::from(slept).0));
        (self.wrote_at, self.outward_at) = (Instant::NEVER, Instant::NEVER);
        if self.next(config) != Instant::NEVER {
            self.afresh = true;
            self.pause_until = now + PAUSE.min(config.path_timeout() / 4);
        }
    }

    /// What was measured so far is given up, for our sake: that, too, is time that we took
    pub(super) fn give_up(&mut self, now: Instant) {
        let probe = self.probe.take();
        let since = probe.map_or_else(|| self.wrote_at.min(now), |probe| probe.since);
        let given_up = now.saturating_duration_since(since.max(self.last_heard));
        self.note(given_up, now);
        self.excuse(given_up);
        self.wrote_at = Instant::NEVER;
        self.outward_at = Instant::NEVER;
    }

    /// A Ping goes out late, and all that follows from it
    pub(in super::super) fn note_late_ping(&mut self, late: Duration, now: Instant) {
        if late > TOLERANCE {
            self.note(late, now);
        }
    }

    /// What two of our duties were late for counts once at the most: no stall is longer than the
    /// silence that it is part of
    fn note(&mut self, late: Duration, until: Instant) {
        let silence = Millis::from(until.saturating_duration_since(self.last_heard));
        self.stalled = Millis(self.stalled.0.saturating_add(Millis::from(late).0)).min(silence);
    }

    /// Each begun second counts
    fn excuse(&mut self, late: Duration) {
        let seconds = late.as_secs().min(MOST_AT_ONCE) as u8 + 1;
        self.excused = self.excused.saturating_add(seconds);
    }

    /// The clocks did not run meanwhile
    fn stand_still(&mut self, late: Duration, until: Instant) {
        self.note(late, until);
        self.wrote_at += late;
        self.outward_at += late;
        if let Some(probe) = &mut self.probe {
            probe.since += late;
            probe.road_since += late;
        }
    }
}
