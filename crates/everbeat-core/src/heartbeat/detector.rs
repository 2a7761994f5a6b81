//! What a silence means, by two clocks: one for the road, one for the program at its other end.
//! Private and pure: instants, bytes and the kernel's evidence go in, a judgement comes out.
//!
//! The road is gone when what we sent is not acknowledged for the path clock. The program hangs when
//! its kernel has acknowledged our Ping and nothing is heard for the application clock. Our bytes do
//! not get out when an own Ping is neither answered nor acknowledged although bytes come in. Without
//! evidence of the kernel there is one verdict, `Silent`, by the longer clock.

mod judge;
mod late;
mod look;

use core::time::Duration;

use super::short::Millis;
use crate::cause::Verdict;
use crate::config::HeartbeatConfig;
use crate::time::Instant;

/// What is known of the other end, and what is out that it has not answered
///
/// No message touches it but by storing an instant; the kernel is asked only while something of ours
/// stays unanswered.
#[derive(Debug)]
pub(super) struct Detector {
    /// When a byte was last heard; the connection's start counts as one
    last_heard: Instant,
    /// What the silence is judged by; gone as soon as anything is heard
    probe: Option<Probe>,
    /// Our first message since the kernel was last known to have everything acknowledged, or since
    /// anything was heard
    wrote_at: Instant,
    /// Once so much is acknowledged it is on the other side
    wrote_mark: u64,
    /// Our last message
    wrote_last: Instant,
    /// The first Ping that is neither answered nor known to be acknowledged: since when our bytes
    /// may not get out, whatever comes in
    outward_at: Instant,
    outward_end: u64,
    /// Bytes of ours that the kernel had taken when it was last asked to take some
    sent: u64,
    /// What the kernel said when it was last looked at: bytes acknowledged
    acknowledged: u64,
    /// Until then nothing is judged: we were late ourselves, and what came meanwhile is read first
    pause_until: Instant,
    /// How long we did not run while something was judged, since anything was last heard
    stalled: Millis,
    /// How long the machine slept meanwhile, with a clock that stood still
    slept: Millis,
    /// The longest that this road has been silent and was not gone, fading
    peak: Millis,
    /// How many seconds of stalls were excused, since anything was last heard
    excused: u8,
    sight: Sight,
    /// It was looked at since the detector began or resumed: what was acknowledged since is fresh
    looked: bool,
    suspected: bool,
    /// What was measured before our own stall says nothing: ask anew
    afresh: bool,
    /// A Ping took the place of one that was judged, since anything was last heard
    renewed: bool,
    outward: Outward,
    /// The kernel holds bytes of ours and none is on the road: the peer's window is shut
    shut: bool,
}

/// What is left of a detector while nothing is out
#[derive(Clone, Copy, Debug)]
pub(super) struct Rest {
    /// When a byte was last heard; the connection's start counts as one
    pub(super) last_heard: Instant,
    /// Bytes of ours that the kernel had taken when it was last asked to take some
    pub(super) sent: u64,
    peak: Millis,
    sight: Sight,
}

/// A Ping or a message whose silence is being judged
#[derive(Clone, Copy, Debug)]
struct Probe {
    /// From when the program's silence counts: the flush of the Ping, later the acknowledgement
    since: Instant,
    /// From when the road's silence counts: that, or an unacknowledged message before it
    road_since: Instant,
    /// Where the Ping begins in the stream of our bytes, or what is queued before it
    after: u64,
    /// How long that and the Ping are, once it is flushed
    length: u32,
    stage: Stage,
    /// The application does not read: an answer would not be seen
    unread: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// The operating system has not taken all of the Ping
    Waiting,
    Flushed,
    /// The other kernel has the Ping; it is the program's turn
    Acknowledged,
    /// Not a Ping, but a message, to which no answer is owed
    Message,
}

/// How far it is known that our bytes do not get out
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outward {
    /// The kernel was not asked about that Ping yet
    Unasked,
    Asked,
    /// Its time was over when nothing came in either: the next byte that does decides
    Over,
}

/// What the platform tells of the road
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sight {
    /// It was not asked yet
    Unknown,
    Seeing,
    Blind,
}

/// What a silence means so far
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Judgement {
    Alive,
    /// We were late: read before anything is judged
    ReadFirst,
    /// Nothing before our own stall counts: ask anew
    Afresh,
    Suspect,
    /// The road carries our bytes after all
    Recovered,
    Dead(Verdict),
}

impl Rest {
    pub(super) const fn new(now: Instant) -> Self {
        Self { last_heard: now, sent: 0, peak: Millis(0), sight: Sight::Unknown }
    }

    /// Whether the platform tells nothing of the road
    pub(super) fn is_blind(self) -> bool {
        self.sight == Sight::Blind
    }

    /// The longest that the road has been silent and was not gone
    pub(super) const fn peak(self) -> u32 {
        self.peak.0
    }

    /// What an earlier connection has learnt of the same road
    pub(super) const fn set_peak(&mut self, peak: u32) {
        self.peak = Millis(peak);
    }
}

impl Detector {
    /// One that is about to be asked something
    pub(super) const fn resume(rest: Rest) -> Self {
        let Rest { last_heard, sent, peak, sight } = rest;
        Self {
            last_heard,
            probe: None,
            wrote_at: Instant::NEVER,
            wrote_mark: 0,
            wrote_last: last_heard,
            outward_at: Instant::NEVER,
            outward_end: 0,
            sent,
            acknowledged: 0,
            pause_until: Instant::ORIGIN,
            stalled: Millis(0),
            slept: Millis(0),
            peak,
            excused: 0,
            sight,
            looked: false,
            suspected: false,
            afresh: false,
            renewed: false,
            outward: Outward::Unasked,
            shut: false,
        }
    }

    /// What has to be kept of it, if nothing is out and nothing of its past matters any more
    #[inline]
    pub(super) fn rest(&self) -> Option<Rest> {
        let rests = self.wrote_at == Instant::NEVER
            && self.probe.is_none()
            && self.outward_at == Instant::NEVER
            && !self.is_paused()
            && (self.stalled, self.slept) == (Millis(0), Millis(0))
            && self.excused == 0
            && !(self.suspected || self.afresh || self.renewed);
        let Self { last_heard, sent, peak, sight, .. } = *self;
        rests.then_some(Rest { last_heard, sent, peak, sight })
    }

    /// Bytes were heard; whether the other end was suspected
    #[inline]
    pub(super) fn handle_heard(&mut self, config: &HeartbeatConfig, now: Instant) -> bool {
        let stalled = self.wake_by_byte(config, now);
        if let Some(probe) = self.probe {
            // Neither a slow program nor our own stall is a slow road.
            let theirs = probe.stage == Stage::Acknowledged || self.shut;
            if !theirs && !stalled {
                self.note_stall(now.saturating_duration_since(probe.since));
            }
            self.probe = None;
            self.pause_until = Instant::ORIGIN;
            self.afresh = false;
        }
        self.last_heard = now;
        (self.stalled, self.slept) = (Millis(0), Millis(0));
        (self.renewed, self.excused) = (false, 0);
        core::mem::take(&mut self.suspected)
    }

    /// A Ping was asked for
    ///
    /// While another is judged that is somebody's who learnt that we slept or moved: it is asked anew.
    /// But once in a silence, or who asks often enough would never find a dead road.
    pub(super) fn handle_ping(&mut self, now: Instant) {
        if self.is_asking() {
            if core::mem::replace(&mut self.renewed, true) {
                return;
            }
            self.give_up(now);
        }
        if core::mem::take(&mut self.afresh) {
            // It is due before the pause after a long stall is over, and asks anew all the same.
            self.give_up(now);
        }
        // A message that nobody is known to have got began to wait before the Ping did; the first look
        // tells whether somebody has it. The peer may be excused some of that already.
        let unproven = self.wrote_at >= self.last_heard;
        let known = self.probe.map_or(self.wrote_at, |probe| probe.road_since.max(self.wrote_at));
        self.probe = Some(Probe {
            since: now,
            road_since: if unproven { known.min(now) } else { now },
            after: self.sent,
            length: 0,
            stage: Stage::Waiting,
            unread: false,
        });
        self.pause_until = Instant::ORIGIN;
    }

    /// The operating system has taken everything given to it, `sent` bytes over all
    #[inline]
    pub(super) fn handle_flushed(&mut self, sent: u64, now: Instant) {
        self.sent = sent;
        let Some(probe) = self.probe.as_mut().filter(|probe| probe.stage == Stage::Waiting) else {
            return;
        };
        if probe.road_since == probe.since {
            probe.road_since = now;
        }
        // Nobody queues so much: what is cut off seems acknowledged too early, and the program's clock
        // is the longer one.
        probe.length = u32::try_from(sent.saturating_sub(probe.after)).unwrap_or(u32::MAX);
        (probe.since, probe.stage) = (now, Stage::Flushed);
        if self.outward_at == Instant::NEVER && self.sight != Sight::Blind {
            (self.outward_at, self.outward_end) = (now, sent);
            self.outward = Outward::Unasked;
        }
    }

    /// The operating system took some bytes of ours: a Ping behind a long upload is not late as long
    /// as the upload moves
    pub(super) fn handle_progress(&mut self, sent: u64, now: Instant) {
        self.sent = sent;
        if let Some(probe) = self.probe.as_mut().filter(|probe| probe.stage == Stage::Waiting) {
            (probe.since, probe.road_since) = (now, now);
        }
    }

    /// A message of ours was given to the transport
    #[inline]
    pub(super) fn handle_write(&mut self, now: Instant) {
        if self.sight == Sight::Blind {
            return;
        }
        // An older one is judged from what was heard after it, and may long be acknowledged: it must
        // not make this one seem to wait since then.
        if self.wrote_at == Instant::NEVER || self.wrote_at < self.last_heard {
            (self.wrote_at, self.wrote_mark) = (now, self.sent.saturating_add(1));
        }
        self.wrote_last = now;
    }

    /// A Ping of ours was answered: our bytes get out
    pub(super) fn handle_answered(&mut self) {
        self.outward_at = Instant::NEVER;
    }

    /// Nothing more is read, so that an answer would not be seen
    pub(super) fn handle_unread(&mut self, now: Instant) {
        let blind = self.sight == Sight::Blind;
        if let Some(probe) = &mut self.probe {
            probe.unread = true;
            if probe.cannot_be_judged(blind) {
                self.probe = None;
                if self.suspected && !self.is_paused() {
                    // Nothing is suspected any more, which is to be told.
                    self.pause_until = now;
                }
            }
        }
    }

    /// Whether anything is out whose silence is judged
    pub(super) const fn is_judging(&self) -> bool {
        self.probe.is_some()
    }

    /// Whether a Ping must not go out, for one is being judged
    pub(super) fn is_asking(&self) -> bool {
        self.probe.is_some_and(|probe| probe.stage != Stage::Message)
    }

    pub(super) const fn sent(&self) -> u64 {
        self.sent
    }

    pub(super) const fn last_heard(&self) -> Instant {
        self.last_heard
    }

    /// How long the operating system has not taken a byte of a Ping that waits to be written, or the
    /// other one none of a message
    pub(super) fn blocked_for(&self, now: Instant) -> Option<Duration> {
        let waits = |probe: &Probe| match probe.stage {
            Stage::Waiting => true,
            Stage::Message => self.shut,
            Stage::Flushed | Stage::Acknowledged => false,
        };
        self.probe.filter(waits).map(|probe| now.saturating_duration_since(probe.since))
    }

    /// How long we did not run while something was judged
    pub(super) fn stalled_for(&self) -> Duration {
        self.stalled.into()
    }

    /// How long the machine slept, with a clock that stood still
    pub(super) fn slept_for(&self) -> Duration {
        self.slept.into()
    }

    /// The longest that the road has been silent and was not gone
    pub(super) const fn peak(&self) -> u32 {
        self.peak.0
    }

    /// What an earlier connection has learnt of the same road
    pub(super) const fn set_peak(&mut self, peak: u32) {
        self.peak = Millis(peak);
    }

    /// The road was silent for so long, and spoke again
    fn note_stall(&mut self, stall: Duration) {
        let faded = self.peak.0 - self.peak.0 / 256;
        self.peak = Millis::from(stall).max(Millis(faded));
    }

    /// How long the road may be silent: four times what it has survived, within the clocks
    fn path_clock(&self, config: &HeartbeatConfig) -> Duration {
        let longest = config.path_timeout().max(config.app_timeout());
        (Duration::from(self.peak) * 4).clamp(config.path_timeout(), longest)
    }
}

impl Probe {
    /// Where the Ping ends in the stream of our bytes
    const fn end(&self) -> u64 {
        self.after.saturating_add(self.length as u64)
    }

    /// Of an application that does not read, only the kernel can still tell something
    fn cannot_be_judged(&self, blind: bool) -> bool {
        self.unread
            && (self.stage == Stage::Acknowledged || (blind && self.stage == Stage::Flushed))
    }
}

#[cfg(test)]
mod tests;
