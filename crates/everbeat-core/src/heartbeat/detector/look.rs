//! What the kernel's evidence changes: what is acknowledged, what is not, and what that proves.

use super::{Detector, Outward, Probe, Sight, Stage};
use crate::time::Instant;
use crate::transport::PathEvidence;

impl Detector {
    /// Takes in what the kernel knows of the road; `None` if this platform tells nothing
    pub(super) fn look(&mut self, evidence: Option<PathEvidence>, now: Instant) {
        match evidence {
            Some(evidence) => self.see(evidence, now),
            None => self.go_blind(),
        }
        let blind = self.sight == Sight::Blind;
        self.probe = self.probe.filter(|probe| !probe.cannot_be_judged(blind));
    }

    fn see(&mut self, evidence: PathEvidence, now: Instant) {
        // When there is news, it came at the latest then. Without news the other kernel's word tells
        // nothing of the way out: it may be that it sends again what it does not know to have arrived.
        let word_at = now - evidence.last_acknowledged;
        let news = evidence.acknowledged > self.acknowledged;
        // What was acknowledged before the first look may be old. That is a doubt in the road's favour,
        // but not in that of a way out while something is heard: each of those segments is a word.
        let fresh = news && self.looked;
        (self.sight, self.looked) = (Sight::Seeing, true);
        self.acknowledged = self.acknowledged.max(evidence.acknowledged);
        let was_shut = self.shut;
        self.shut =
            evidence.waiting > 0 && self.acknowledged.saturating_add(evidence.waiting) >= self.sent;

        if self.acknowledged >= self.sent {
            self.wrote_at = Instant::NEVER;
        } else if news && self.wrote_at != Instant::NEVER {
            self.wrote_at = self.wrote_at.max(word_at);
            if self.acknowledged >= self.wrote_mark {
                // It has arrived, and what has not is younger: as young as the last at most.
                (self.wrote_at, self.wrote_mark) = (self.wrote_at.max(self.wrote_last), self.sent);
            }
        }
        if self.acknowledged >= self.outward_end {
            self.outward_at = Instant::NEVER;
        } else if fresh && self.outward_at != Instant::NEVER {
            self.outward_at = self.outward_at.max(word_at);
            self.outward = Outward::Asked;
        }
        if let Some(mut probe) = self.probe.take() {
            if was_shut || self.shut {
                // Nothing was on the road, so that nothing of ours is late on it.
                probe.road_since = now;
            }
            self.probe = self.acknowledge(probe, word_at, news, now);
        }
    }

    /// The probe by what is acknowledged; `None` if that is all that it asked
    fn acknowledge(
        &mut self,
        mut probe: Probe,
        at: Instant,
        news: bool,
        now: Instant,
    ) -> Option<Probe> {
        match probe.stage {
            Stage::Message if self.wrote_at == Instant::NEVER => return None,
            Stage::Flushed if self.acknowledged >= probe.end() => {
                probe.stage = Stage::Acknowledged;
                if self.sent == probe.end() {
                    // A slow program is no slow road.
                    self.note_stall(at.saturating_duration_since(probe.since));
                    probe.since = probe.since.max(at);
                }
                // Else the last acknowledgement was of something later.
            }
            Stage::Flushed | Stage::Waiting | Stage::Message if news => {
                probe.since = probe.since.max(at);
                probe.road_since = probe.road_since.max(at);
                let behind = match probe.stage {
                    // All that was before the Ping has arrived.
                    Stage::Flushed if self.acknowledged >= probe.after => probe.since,
                    Stage::Flushed => self.wrote_at.min(probe.since),
                    _ => self.wrote_at.min(now),
                };
                probe.road_since = probe.road_since.max(behind);
            }
            _ => {}
        }
        Some(probe)
    }

    /// Without evidence a message proves nothing, and nothing is known of the way out
    fn go_blind(&mut self) {
        self.sight = Sight::Blind;
        self.shut = false;
        self.wrote_at = Instant::NEVER;
        self.outward_at = Instant::NEVER;
        self.probe = self.probe.filter(|probe| probe.stage != Stage::Message);
    }
}
