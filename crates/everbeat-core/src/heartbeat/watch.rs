//! The detector and the Pings that are out, for as long as anything is: a connection that waits for
//! its next beat has neither, only what both begin with again.

use core::time::Duration;

use alloc::boxed::Box;

use super::detector::{Detector, Judgement, Rest};
use super::pings::{Pings, Sent};
use crate::config::HeartbeatConfig;
use crate::time::Instant;
use crate::transport::PathEvidence;

/// A detector, or what is left of one while nothing is asked
#[derive(Debug)]
pub(super) enum Watch {
    Resting(Rest),
    Asking(Box<Asked>),
}

/// What is out, and how its silence is judged
#[derive(Debug)]
pub(super) struct Asked {
    detector: Detector,
    pub(super) pings: Pings,
    /// From what the next silence is counted: the last byte heard, or the last Ping
    quiet_since: Instant,
    /// The first write that no Ping vouches for yet, or the last Ping that a talking peer came after;
    /// never if there is none
    unproven_since: Instant,
    /// How many Pings went out since anything was last heard
    unanswered: u32,
}

impl Watch {
    pub(super) const fn new(now: Instant) -> Self {
        Self::Resting(Rest::new(now))
    }

    /// Both, from now on if there was neither
    pub(super) fn asked(&mut self) -> &mut Asked {
        if let Self::Resting(rest) = self {
            *self = Self::Asking(Box::new(Asked {
                detector: Detector::resume(*rest),
                pings: Pings::default(),
                quiet_since: rest.last_heard,
                unproven_since: Instant::NEVER,
                unanswered: 0,
            }));
        }
        match self {
            Self::Asking(asked) => asked,
            Self::Resting(_) => unreachable!("it was replaced above"),
        }
    }

    fn detector(&mut self) -> &mut Detector {
        &mut self.asked().detector
    }

    /// The detector, if anything is out
    fn judging(&self) -> Option<&Detector> {
        match self {
            Self::Resting(_) => None,
            Self::Asking(asked) => Some(&asked.detector),
        }
    }

    /// Lets both go once nothing is out
    #[inline]
    fn rest(&mut self) {
        if let Self::Asking(asked) = self {
            if asked.unproven_since == Instant::NEVER && asked.pings.are_settled() {
                if let Some(rest) = asked.detector.rest() {
                    *self = Self::Resting(rest);
                }
            }
        }
    }

    #[inline]
    pub(super) fn handle_heard(&mut self, config: &HeartbeatConfig, now: Instant) -> bool {
        match self {
            Self::Resting(rest) => {
                rest.last_heard = now;
                false
            }
            Self::Asking(asked) => {
                let suspected = asked.detector.handle_heard(config, now);
                (asked.quiet_since, asked.unanswered) = (now, 0);
                self.rest();
                suspected
            }
        }
    }

    pub(super) fn handle_ping(&mut self, now: Instant) {
        let asked = self.asked();
        asked.detector.handle_ping(now);
        (asked.quiet_since, asked.unproven_since) = (now, Instant::NEVER);
        asked.unanswered = asked.unanswered.saturating_add(1);
    }

    /// A Ping is to go out within an interval of then, whatever is heard
    #[inline]
    pub(super) fn handle_unproven(&mut self, since: Instant) {
        let asked = self.asked();
        asked.unproven_since = asked.unproven_since.min(since);
    }

    #[inline]
    pub(super) fn handle_write(&mut self, now: Instant) {
        if !matches!(self, Self::Resting(rest) if rest.is_blind()) {
            self.detector().handle_write(now);
        }
    }

    #[inline]
    pub(super) fn handle_flushed(&mut self, sent: u64, now: Instant) {
        match self {
            Self::Resting(rest) => rest.sent = sent,
            Self::Asking(asked) => {
                asked.pings.flushed(now);
                asked.detector.handle_flushed(sent, now);
            }
        }
    }

    pub(super) fn handle_progress(&mut self, sent: u64, now: Instant) {
        match self {
            Self::Resting(rest) => rest.sent = sent,
            Self::Asking(asked) => asked.detector.handle_progress(sent, now),
        }
    }

    #[inline]
    pub(super) fn sent(&self) -> u64 {
        match self {
            Self::Resting(rest) => rest.sent,
            Self::Asking(asked) => asked.detector.sent(),
        }
    }

    pub(super) fn handle_unread(&mut self, now: Instant) {
        if let Self::Asking(asked) = self {
            asked.detector.handle_unread(now);
            self.rest();
        }
    }

    pub(super) fn handle_slept(&mut self, slept: Duration, config: &HeartbeatConfig, now: Instant) {
        self.detector().handle_slept(slept, config, now);
    }

    pub(super) fn note_late_ping(&mut self, late: Duration, now: Instant) {
        self.detector().note_late_ping(late, now);
    }

    /// What `pick` finds among the Pings that are out; with it our bytes are known to get out
    pub(super) fn answered(
        &mut self,
        pick: impl FnOnce(&mut Pings) -> Option<Sent>,
    ) -> Option<Sent> {
        let Self::Asking(asked) = self else {
            return None;
        };
        let sent = pick(&mut asked.pings)?;
        asked.detector.handle_answered();
        self.rest();
        Some(sent)
    }

    #[inline]
    pub(super) fn next(&self, config: &HeartbeatConfig) -> Instant {
        self.judging().map_or(Instant::NEVER, |detector| detector.next(config))
    }

    #[inline]
    pub(super) fn judge(
        &mut self,
        config: &HeartbeatConfig,
        now: Instant,
        path: impl FnOnce() -> Option<PathEvidence>,
    ) -> Judgement {
        let Self::Asking(asked) = self else {
            return Judgement::Alive;
        };
        let judgement = asked.detector.judge(config, now, path);
        self.rest();
        judgement
    }

    pub(super) fn is_judging(&self) -> bool {
        self.judging().is_some_and(Detector::is_judging)
    }

    #[inline]
    pub(super) fn is_asking(&self) -> bool {
        self.judging().is_some_and(Detector::is_asking)
    }

    #[inline]
    pub(super) fn last_heard(&self) -> Instant {
        match self {
            Self::Resting(rest) => rest.last_heard,
            Self::Asking(asked) => asked.detector.last_heard(),
        }
    }

    /// From what the next silence is counted; while nothing is out, from what was last heard
    #[inline]
    pub(super) fn quiet_since(&self) -> Instant {
        match self {
            Self::Resting(rest) => rest.last_heard,
            Self::Asking(asked) => asked.quiet_since,
        }
    }

    #[inline]
    pub(super) fn unproven_since(&self) -> Instant {
        match self {
            Self::Resting(_) => Instant::NEVER,
            Self::Asking(asked) => asked.unproven_since,
        }
    }

    pub(super) fn unanswered(&self) -> u32 {
        match self {
            Self::Resting(_) => 0,
            Self::Asking(asked) => asked.unanswered,
        }
    }

    pub(super) fn blocked_for(&self, now: Instant) -> Option<Duration> {
        self.judging()?.blocked_for(now)
    }

    pub(super) fn stalled_for(&self) -> Duration {
        self.judging().map_or(Duration::ZERO, Detector::stalled_for)
    }

    pub(super) fn slept_for(&self) -> Duration {
        self.judging().map_or(Duration::ZERO, Detector::slept_for)
    }

    pub(super) fn peak(&self) -> u32 {
        match self {
            Self::Resting(rest) => rest.peak(),
            Self::Asking(asked) => asked.detector.peak(),
        }
    }

    pub(super) fn set_peak(&mut self, millis: u32) {
        match self {
            Self::Resting(rest) => rest.set_peak(millis),
            Self::Asking(asked) => asked.detector.set_peak(millis),
        }
    }
}

/// Every connection has one, and most of them rest
#[test]
fn it_is_three_words_at_most() {
    assert!(size_of::<Watch>() <= 24, "{}", size_of::<Watch>());
}
