//! What the silence after a Ping means. Private, so that better rules can come in behind the same
//! heartbeat: today one rule, on time alone; rules on evidence take its place in the enum.

use core::time::Duration;

use crate::cause::Verdict;
use crate::time::Instant;

/// The rule by which a silence is judged
#[derive(Debug)]
pub(super) enum Detector {
    /// One clock: suspected at half the timeout, dead at the whole
    Plain,
}

/// A Ping whose silence is being judged; gone as soon as anything is heard
#[derive(Clone, Copy, Debug)]
pub(super) struct Probe {
    /// When the Ping was flushed; until then, when the operating system last took a byte of ours
    since: Instant,
    flushed: bool,
}

/// What a silence means so far
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Judgement {
    Alive,
    Suspect,
    Dead(Verdict),
}

impl Probe {
    pub(super) const fn new(now: Instant) -> Self {
        Self { since: now, flushed: false }
    }

    pub(super) fn flushed(&mut self, now: Instant) {
        if !self.flushed {
            *self = Self { since: now, flushed: true };
        }
    }

    /// A Ping behind a long upload is not late as long as the upload moves
    pub(super) fn progressed(&mut self, now: Instant) {
        if !self.flushed {
            self.since = now;
        }
    }

    pub(super) const fn is_flushed(&self) -> bool {
        self.flushed
    }

    pub(super) const fn since(&self) -> Instant {
        self.since
    }
}

impl Detector {
    /// What the silence after `probe` means at `now`
    pub(super) fn judge(&self, probe: Probe, timeout: Duration, now: Instant) -> Judgement {
        match self {
            Self::Plain if now >= probe.since + timeout => Judgement::Dead(Verdict::Silent),
            Self::Plain if now >= probe.since + timeout / 2 => Judgement::Suspect,
            Self::Plain => Judgement::Alive,
        }
    }

    /// When the judgement changes next
    pub(super) fn next(&self, probe: Probe, timeout: Duration, suspected: bool) -> Instant {
        match self {
            Self::Plain if suspected => probe.since + timeout,
            Self::Plain => probe.since + timeout / 2,
        }
    }
}
