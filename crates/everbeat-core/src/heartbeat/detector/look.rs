//! What the kernel's evidence changes: what is acknowledged, what is not, and what that proves.

use super::{Detector, Probe, Sight, Stage};
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
        // The last segment of the other kernel; it need not be the one that acknowledged something
        // new, for each of its segments says how far it got.
        let word_at = now - evidence.last_acknowledged;
        // What was acknowledged before the first look, nobody knows when.
        let news = self.sight == Sight::Seeing && evidence.acknowledged > self.acknowledged;
        self.sight = Sight::Seeing;
        self.acknowledged = self.acknowledged.max(evidence.acknowledged);
        self.word_at = self.word_at.max(word_at);

        if self.acknowledged >= self.sent {
            self.wrote_at = Instant::NEVER;
        } else if news && self.wrote_at != Instant::NEVER {
            self.wrote_at = self.wrote_at.max(word_at);
        }
        if self.acknowledged >= self.outward_end {
            self.outward_at = Instant::NEVER;
        } else if news && self.outward_at != Instant::NEVER {
            self.outward_at = self.outward_at.max(word_at);
        }
        if let Some(probe) = self.probe.take() {
            self.probe = self.acknowledge(probe, word_at, news);
        }
    }

    /// The probe by what is acknowledged; `None` if that is all that it asked
    fn acknowledge(&mut self, mut probe: Probe, at: Instant, news: bool) -> Option<Probe> {
        match probe.stage {
            Stage::Message if self.wrote_at == Instant::NEVER => return None,
            Stage::Flushed if self.acknowledged >= probe.end => {
                // A slow program is no slow road.
                self.note_stall(at.saturating_duration_since(probe.since));
                probe.stage = Stage::Acknowledged;
                probe.since = probe.since.max(at);
            }
            Stage::Flushed | Stage::Waiting if news => {
                probe.since = probe.since.max(at);
                probe.road_since = probe.road_since.max(at);
            }
            Stage::Message if news => probe.road_since = probe.road_since.max(at),
            _ => {}
        }
        Some(probe)
    }

    /// Without evidence a message proves nothing, and nothing is known of the way out
    fn go_blind(&mut self) {
        self.sight = Sight::Blind;
        self.wrote_at = Instant::NEVER;
        self.outward_at = Instant::NEVER;
        self.probe = self.probe.filter(|probe| probe.stage != Stage::Message);
    }
}
