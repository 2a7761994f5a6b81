//! When something is to be judged, and how: suspicion after the soft clock, death after the hard ones.

use core::time::Duration;

use super::{Detector, Judgement, Outward, Probe, Sight, Stage};
use crate::cause::Verdict;
use crate::config::HeartbeatConfig;
use crate::time::Instant;
use crate::transport::PathEvidence;

impl Detector {
    /// When [`judge`](Self::judge) has something to say, if nothing happens until then
    #[inline]
    pub(in super::super) fn next(&self, config: &HeartbeatConfig) -> Instant {
        if self.is_paused() {
            return self.pause_until;
        }
        let judged = match &self.probe {
            Some(probe) if self.suspected => self.deadline(probe, config).0,
            Some(probe) => probe.since + config.soft(),
            None => self.message_at(config),
        };
        judged.min(self.outward_next(config))
    }

    /// What the silence means at `now`; asks the kernel at most once
    ///
    /// Nothing is judged before its time, nor before the kernel was asked about it.
    pub(in super::super) fn judge(
        &mut self,
        config: &HeartbeatConfig,
        now: Instant,
        path: impl FnOnce() -> Option<PathEvidence>,
    ) -> Judgement {
        if now < self.next(config) {
            return Judgement::Alive;
        }
        if let Some(judgement) = self.pause(config, now) {
            return judgement;
        }
        if self.sight != Sight::Blind {
            self.look(path(), now);
        }
        if self.outward_is_over(config, now) {
            return Judgement::Dead(Verdict::OneWay);
        }
        if let Some(judgement) = self.judge_probe(config, now) {
            return judgement;
        }
        if now < self.message_at(config) {
            return Judgement::Alive;
        }
        let since = self.wrote_at.max(self.last_heard);
        self.probe = Some(Probe {
            since,
            road_since: since,
            after: self.sent,
            length: 0,
            stage: Stage::Message,
            unread: false,
        });
        self.suspected = true;
        Judgement::Suspect
    }

    /// The silence after a probe, in the light of the last look
    fn judge_probe(&mut self, config: &HeartbeatConfig, now: Instant) -> Option<Judgement> {
        let Some(probe) = self.probe else {
            return core::mem::take(&mut self.suspected).then_some(Judgement::Recovered);
        };
        if !self.suspected {
            let soft = probe.since + config.soft();
            self.suspected = now >= soft;
            return Some(if self.suspected { Judgement::Suspect } else { Judgement::Alive });
        }
        let (deadline, verdict) = self.deadline(&probe, config);
        if now >= deadline && self.shut && probe.unread && probe.stage == Stage::Flushed {
            // Our program does not read either: each waits for the other.
            self.probe = Some(Probe { since: now, ..probe });
            return Some(Judgement::Alive);
        }
        Some(if now >= deadline { Judgement::Dead(verdict) } else { Judgement::Alive })
    }

    /// When the silence after a probe is death, and of what; no probe outlives a byte that is heard
    fn deadline(&self, probe: &Probe, config: &HeartbeatConfig) -> (Instant, Verdict) {
        let program = probe.since + config.app_timeout();
        if self.sight != Sight::Seeing {
            return (program, Verdict::Silent);
        }
        let road = probe.road_since + self.path_clock(config);
        match probe.stage {
            // It is the program's turn, unless something later of ours shows that the road is gone.
            Stage::Acknowledged => {
                let later = self.wrote_at.max(self.last_heard) + self.path_clock(config);
                if later < program { (later, Verdict::Path) } else { (program, Verdict::App) }
            }
            // Nothing is on the road, for the program at its end does not read.
            _ if self.shut => (program, Verdict::App),
            _ => (road, Verdict::Path),
        }
    }

    /// When a message of ours that may not have arrived is asked about
    ///
    /// Late, so that a conversation costs few alarms and no system call: its death is at the path
    /// clock all the same.
    fn message_at(&self, config: &HeartbeatConfig) -> Instant {
        if self.wrote_at == Instant::NEVER {
            return Instant::NEVER;
        }
        // Before either clock is over, for a window may be shut.
        let shorter = config.path_timeout().min(config.app_timeout());
        self.wrote_at.max(self.last_heard) + (shorter - config.soft())
    }

    /// When the Ping that nobody answered, although something is heard, is asked about or given up
    fn outward_next(&self, config: &HeartbeatConfig) -> Instant {
        if self.outward_at == Instant::NEVER || self.last_heard <= self.outward_at {
            return Instant::NEVER;
        }
        let patience = match self.outward {
            Outward::Unasked => config.soft(),
            Outward::Asked => self.path_clock(config),
            Outward::Over => Duration::ZERO,
        };
        // It was no question before something was heard.
        (self.outward_at + patience).max(self.last_heard)
    }

    /// Whether our bytes have not got out for too long; called after a look
    fn outward_is_over(&mut self, config: &HeartbeatConfig, now: Instant) -> bool {
        if now < self.outward_next(config) {
            return false;
        }
        if self.outward == Outward::Unasked {
            self.outward = Outward::Asked;
            return false;
        }
        if self.shut {
            // They wait for the peer to read, not for the road.
            (self.outward_at, self.outward) = (now, Outward::Asked);
            return false;
        }
        // What was heard right behind the Ping may have been on its way before it.
        let still_heard = self.last_heard > self.outward_at + config.soft();
        if !still_heard {
            // Nothing comes in any more either: then it is a silence like any other.
            self.wrote_at = self.wrote_at.min(self.outward_at);
            (self.outward_at, self.outward) = (self.last_heard, Outward::Over);
        }
        still_heard
    }
}
