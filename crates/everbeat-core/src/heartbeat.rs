//! When to send a Ping, which Pong belongs to which, and what a silence means: a state machine
//! that takes instants and returns what to do.

mod detector;
mod pings;
mod round_trip;
mod seed;
mod short;
mod tempo;
mod watch;

use core::borrow::Borrow;
use core::time::Duration;

use fastrand::Rng;

use self::detector::Judgement;
use self::pings::{Pings, Sent};
use self::round_trip::RoundTrips;
use self::seed::Seed;
pub(crate) use self::short::Millis;
use self::tempo::Tempo;
use self::watch::Watch;
use crate::cause::{Evidence, Verdict};
use crate::config::HeartbeatConfig;
use crate::time::Instant;
use crate::transport::PathEvidence;

pub use round_trip::RoundTrip;

/// What the heartbeat asks of its driver
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Beat {
    /// Send a Ping with this payload (RFC 6455, section 5.5.2), then call
    /// [`handle_flushed`](Heartbeat::handle_flushed) once it is written
    Ping([u8; 8]),
    /// Send the message that is a beat of one's own, and call
    /// [`handle_own_sent`](Heartbeat::handle_own_sent) once it is sent, then
    /// [`handle_flushed`](Heartbeat::handle_flushed) once it is written
    ///
    /// It may have to wait for room. If another is asked for meanwhile, one is enough.
    Own,
    /// We are late ourselves: read what came meanwhile. Nothing is judged before the next
    /// [`poll_timeout`](Heartbeat::poll_timeout), which leaves time for it
    ReadFirst,
    /// There should have been an answer by now; tell the application, for it may still come
    Suspect,
    /// What was suspected is well, for the road has carried our bytes; tell the application
    Alive,
    /// The peer is gone: drop the connection, there is nobody to say Close to
    Dead(Verdict),
}

/// What the answer to a beat tells
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Answer {
    /// From the Ping's flush to its Pong; `None` if the flush was not seen before the Pong
    pub round_trip: Option<Duration>,
    /// The mark that [`handle_ping_sent`](Heartbeat::handle_ping_sent) or
    /// [`handle_own_sent`](Heartbeat::handle_own_sent) was given for that beat
    pub mark: u64,
}

/// The heartbeat of one connection, either role
///
/// Any byte heard is life, also in mid-message, and keeps us quiet. After an interval of silence
/// (the first at a random phase, then 0.9 to 1 times the interval, so that a fleet does not beat in
/// step) a Ping is due; earlier, if who is usually heard often is not, and earlier silences have been
/// spared their Pings. Our own sends prove nothing and postpone nothing, but where the kernel tells
/// what was acknowledged they ask the road as well as a Ping does.
///
/// Its silence is death by two clocks, which start when the Ping was flushed, or as long as it cannot
/// be flushed, when the operating system last took a byte of ours: see [`HeartbeatConfig`] for how
/// long they run, and [`Verdict`] for what they tell.
///
/// No method reads a clock, allocates or waits. Calls that come early are no-ops.
///
/// ```
/// use core::time::Duration;
/// use everbeat_core::config::HeartbeatConfig;
/// use everbeat_core::heartbeat::{Beat, Heartbeat};
/// use everbeat_core::time::Instant;
///
/// let second = Duration::from_secs(1);
/// let mut now = Instant::ORIGIN;
/// let mut heartbeat = Heartbeat::new(HeartbeatConfig::new(10 * second, 5 * second)?, 7, now);
///
/// now = heartbeat.poll_timeout(); // nothing was heard until the first beat
/// let path = || None; // what the kernel knows of the road, if somebody asks it
/// let Some(Beat::Ping(payload)) = heartbeat.handle_timeout(now, path) else { panic!() };
/// heartbeat.handle_flushed(14, now); // bytes that the operating system took so far
///
/// heartbeat.handle_heard(now + second / 10);
/// let answer = heartbeat.handle_pong(&payload, now + second / 10).unwrap();
/// assert_eq!(answer.round_trip, Some(second / 10));
/// # Ok::<_, everbeat_core::config::ConfigError>(())
/// ```
#[derive(Debug)]
pub struct Heartbeat<C = HeartbeatConfig> {
    config: C,
    watch: Watch,
    tempo: Tempo,
    round_trips: RoundTrips,
    seed: Seed,
    /// The length of silence that the next Ping ends, drawn anew for each
    period: Millis,
    /// It is the random phase of one of whom nothing was heard and who was not asked yet
    phase: bool,
    /// Whether a message of one's own is sent in place of a Ping
    own: bool,
}

// What is asked for each message may be inlined into the driver, which is compiled in a user's crate.
impl<C: Borrow<HeartbeatConfig>> Heartbeat<C> {
    /// A heartbeat that begins at `now`, the moment the connection stands
    ///
    /// `config` may be shared by many, as an `Arc`. `seed` draws the phase, the jitter and the
    /// payloads: take it from the operating system. It is folded to 32 bits: so no two connections are
    /// in step, and no Pong of another Ping is taken for this one's; a secret it is not.
    #[must_use]
    pub fn new(config: C, seed: u64, now: Instant) -> Self {
        let mut seed = Seed::from(seed);
        let interval = config.borrow().interval();
        // Never at once: whoever makes a connection has not awaited it yet.
        let phase = Millis::from(interval.mul_f64(seed.rng(now).f64())).max(Millis(1));
        Self {
            config,
            watch: Watch::new(now),
            tempo: Tempo::new(now, interval),
            round_trips: RoundTrips::NONE,
            seed,
            period: phase,
            phase: true,
            own: false,
        }
    }

    /// The same with a message of one's own in place of the Pings: it asks for [`Beat::Own`], and
    /// [`handle_answer`](Self::handle_answer) takes the place of `handle_pong`
    #[must_use]
    pub fn with_own_beat(mut self) -> Self {
        self.own = true;
        self
    }

    /// A Ping ahead of its time, for what it proves; the payload
    ///
    /// It is sent and judged like any other. The first in a silence that is being judged takes the
    /// place of the Ping before it, and the clocks begin anew; later ones change nothing, so that
    /// whoever asks again and again still learns that the road is gone.
    pub fn ping_now(&mut self, now: Instant) -> [u8; 8] {
        let mut rng = self.begin_probe(now);
        self.watch.asked().pings.send(&mut rng)
    }

    /// A beat ahead of its time, for what it proves: a Ping, or one's own
    ///
    /// It is sent and judged like any other.
    pub fn beat_now(&mut self, now: Instant) -> Beat {
        if self.own {
            self.begin_probe(now);
            Beat::Own
        } else {
            Beat::Ping(self.ping_now(now))
        }
    }

    /// A beat that was due at `due`
    fn beat_late(&mut self, due: Instant, now: Instant) -> Beat {
        self.watch.note_late_ping(now.saturating_duration_since(due), now);
        self.beat_now(now)
    }

    fn begin_probe(&mut self, now: Instant) -> Rng {
        self.watch.handle_ping(now);
        let interval = self.config().interval();
        self.tempo.handle_ping(now, interval);
        self.draw_period(now)
    }

    /// Draws the length of the next silence; what more may be drawn from
    fn draw_period(&mut self, now: Instant) -> Rng {
        let mut rng = self.seed.rng(now);
        let Millis(interval) = self.config().interval().into();
        // A little less than the interval, so that a fleet does not beat in step
        self.period = Millis(interval - rng.u32(..=interval / 10));
        self.phase = false;
        rng
    }

    /// When [`handle_timeout`](Heartbeat::handle_timeout) has something to say
    ///
    /// The answer may change after any other call. It moves earlier only after `handle_write`,
    /// `handle_unproven`, `handle_talk`, `handle_heard`, `handle_flushed`, `handle_unread`, `ping_now`,
    /// `beat_now` and `handle_timeout`.
    #[must_use]
    #[inline]
    pub fn poll_timeout(&self) -> Instant {
        let judged = self.watch.next(self.config.borrow());
        if self.watch.is_asking() { judged } else { judged.min(self.due()) }
    }

    /// What is to be done now, if anything; call it again until it returns `None`
    ///
    /// Read everything the socket holds first: an answer that waits there is an answer. `path` asks
    /// the kernel what it knows of the road, as [`Transport::path`](crate::transport::Transport::path)
    /// does; it is called at most once, and only if something of ours has been unanswered for a
    /// while. If it once returns `None` it is not called again.
    #[inline]
    pub fn handle_timeout(
        &mut self,
        now: Instant,
        path: impl FnOnce() -> Option<PathEvidence>,
    ) -> Option<Beat> {
        if now < self.poll_timeout() {
            return None;
        }
        self.handle_due(now, path)
    }

    /// [`handle_timeout`](Self::handle_timeout) for whoever has just seen that
    /// [`poll_timeout`](Self::poll_timeout) has come
    pub(crate) fn handle_due(
        &mut self,
        now: Instant,
        path: impl FnOnce() -> Option<PathEvidence>,
    ) -> Option<Beat> {
        match self.watch.judge(self.config.borrow(), now, path) {
            Judgement::Alive if self.watch.is_asking() => None,
            Judgement::Alive => {
                let due = self.due();
                (now >= due).then(|| self.beat_late(due, now))
            }
            Judgement::ReadFirst => Some(Beat::ReadFirst),
            Judgement::Afresh => Some(self.beat_now(now)),
            Judgement::Suspect => Some(Beat::Suspect),
            Judgement::Recovered => Some(Beat::Alive),
            Judgement::Dead(verdict) => Some(Beat::Dead(verdict)),
        }
    }

    /// Bytes were heard, a whole message or the middle of one; whether the peer was suspected
    #[inline]
    pub fn handle_heard(&mut self, now: Instant) -> bool {
        self.tempo.handle_heard(now.saturating_duration_since(self.watch.last_heard()));
        if self.phase {
            self.draw_period(now);
        }
        self.watch.handle_heard(self.config.borrow(), now)
    }

    /// The peer said something of its own, a message, so that its being heard does not show that it
    /// hears us
    ///
    /// A peer that pings finds out by itself that it hears nothing. Of one that only talks a promise
    /// ([`detect_within`](HeartbeatConfig::detect_within)) asks for a Ping within an interval.
    #[inline]
    pub fn handle_talk(&mut self, now: Instant) {
        if self.config().watches_the_way_out() {
            // From the last Ping on nothing has shown that our bytes get out, and the promise runs.
            let since = self.tempo.asked_at().min(now);
            self.watch.handle_unproven(since);
        }
    }

    /// A Pong came; `None` if it is late, foreign or unsolicited, which RFC 6455, section 5.5.3
    /// allows and which tells nothing beyond the bytes it is made of
    pub fn handle_pong(&mut self, payload: &[u8], now: Instant) -> Option<Answer> {
        let sent = self.watch.answered(|pings| pings.answer(payload))?;
        Some(self.answered(sent, now))
    }

    /// The answer to a beat of one's own came; `None` if none is outstanding
    ///
    /// Answers belong to the beats in their order, for nothing else tells them apart. So a peer
    /// that leaves one out makes all later ones prove too little, never too much, and seem slow.
    pub fn handle_answer(&mut self, now: Instant) -> Option<Answer> {
        let sent = self.watch.answered(Pings::answer_in_order)?;
        Some(self.answered(sent, now))
    }

    fn answered(&mut self, sent: Sent, now: Instant) -> Answer {
        let round_trip = sent.flushed_at.map(|flushed| now.saturating_duration_since(flushed));
        if let Some(round_trip) = round_trip {
            self.round_trips.sample(round_trip);
        }
        Answer { round_trip, mark: sent.mark }
    }

    /// A message was given to the transport: until the kernel knows it to be acknowledged, it asks
    /// the road what a Ping would
    #[inline]
    pub fn handle_write(&mut self, now: Instant) {
        self.watch.handle_write(now);
    }

    /// A message was given to the transport that a Pong must vouch for: a Ping is due within an
    /// interval, even if the peer is heard
    #[inline]
    pub fn handle_unproven(&mut self, now: Instant) {
        self.watch.handle_unproven(now);
    }

    /// The newest Ping stands behind everything up to `mark`; its [`Answer`] will name it
    pub fn handle_ping_sent(&mut self, mark: u64) {
        self.watch.asked().pings.mark(mark);
    }

    /// A beat of one's own was sent, behind everything up to `mark`; its [`Answer`] will name it
    pub fn handle_own_sent(&mut self, mark: u64) {
        self.watch.asked().pings.send_own(mark);
    }

    /// Everything given to the transport, the beat too, has been taken by the operating system:
    /// `sent` bytes so far, counted as [`PathEvidence::acknowledged`] is
    #[inline]
    pub fn handle_flushed(&mut self, sent: u64, now: Instant) {
        self.watch.handle_flushed(sent, now);
    }

    /// How many bytes the operating system had taken when it was last told
    #[must_use]
    pub fn sent(&self) -> u64 {
        self.watch.sent()
    }

    /// The operating system took some bytes of ours, `sent` so far, but not yet all
    pub fn handle_progress(&mut self, sent: u64, now: Instant) {
        self.watch.handle_progress(sent, now);
    }

    /// What the peer says is not being read, for the application reads nothing more: silence is ours
    ///
    /// A Ping that was flushed is judged only by what the kernel knows of the road, and others follow
    /// it as a sign of life. A kernel that takes no byte of ours counts against the peer as ever;
    /// `progressed` is how many it has taken so far, if that is more than when it was last told.
    pub fn handle_unread(&mut self, progressed: Option<u64>, now: Instant) {
        self.watch.handle_unread(now);
        if let Some(sent) = progressed {
            self.watch.handle_progress(sent, now);
        }
    }

    /// The machine has slept for so long while the clock stood still
    ///
    /// Nothing that was asked before is judged any more; it is asked anew, after a moment for what came
    /// meanwhile to be read.
    pub fn handle_slept(&mut self, slept: Duration, now: Instant) {
        self.watch.handle_slept(slept, self.config.borrow(), now);
    }

    /// Whether a Ping is out whose silence is being judged
    #[must_use]
    pub fn is_judging(&self) -> bool {
        self.watch.is_judging()
    }

    /// What is known at `now`; the transport's own facts are left at their defaults
    #[must_use]
    pub fn evidence(&self, now: Instant) -> Evidence {
        Evidence {
            silent_for: now.saturating_duration_since(self.watch.last_heard()),
            pings_unanswered: self.watch.unanswered(),
            own_beat: self.own,
            write_blocked_for: self.watch.blocked_for(now),
            stalled_for: self.watch.stalled_for(),
            slept_for: self.watch.slept_for(),
            ..Evidence::default()
        }
    }

    /// The round trips measured so far; `None` before the first Pong
    #[must_use]
    pub fn round_trip(&self) -> Option<RoundTrip> {
        self.round_trips.get()
    }

    /// How long this road has been silent at most without being gone, in milliseconds: what the next
    /// connection over the same road may start from ([`set_road_memory`](Self::set_road_memory))
    #[must_use]
    pub fn road_memory(&self) -> u32 {
        self.watch.peak()
    }

    /// What an earlier connection over the same road has learnt
    pub fn set_road_memory(&mut self, millis: u32) {
        self.watch.set_peak(millis);
    }

    #[inline]
    fn due(&self) -> Instant {
        // Before anything was heard there is no tempo, and the first period is the phase.
        let quiet_since = self.watch.quiet_since();
        let early = self.tempo.due(quiet_since, self.config().interval());
        let quiet = self.period.after(quiet_since);
        quiet.min(early).min(self.period.after(self.watch.unproven_since()))
    }

    #[inline]
    pub(crate) const fn settings(&self) -> &C {
        &self.config
    }

    #[inline]
    fn config(&self) -> &HeartbeatConfig {
        self.config.borrow()
    }
}

#[cfg(test)]
mod evidence_tests;
#[cfg(test)]
mod fair_tests;
#[cfg(test)]
mod late_tests;
#[cfg(test)]
mod promise_tests;
#[cfg(test)]
mod rig;
#[cfg(test)]
mod tests;
