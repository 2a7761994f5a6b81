//! A heartbeat under any sequence of what can happen, with a kernel that says anything and a driver
//! that is as late as it likes: it is dead in time and not before, early calls do nothing, it never
//! asks for ever, and what it tells is true.

use std::time::Duration;

use everbeat_core::cause::Verdict;
use everbeat_core::config::HeartbeatConfig;
use everbeat_core::heartbeat::{Beat, Heartbeat};
use everbeat_core::time::Instant;
use everbeat_core::transport::PathEvidence;

use super::road::{Kernel, dead_road, hung_program};
use crate::draw::Draw;

/// How many things happen at most
const STEPS: usize = 200;
/// How often it is asked at one time at most
const ASKED: usize = 8;
/// What rounding may add
const ROUNDING: Duration = Duration::from_micros(1);
/// The longest pause of a driver that was late
const PAUSE: Duration = Duration::from_millis(400);

/// What a configuration must keep, alone and under whatever `draw` makes happen
pub(super) fn keeps(
    config: HeartbeatConfig,
    promise: Option<Duration>,
    idle: Option<Duration>,
    draw: &mut Draw<'_>,
) {
    let start = Instant::from_origin(Duration::from_secs(u64::from(draw.byte()) << 16));
    let seed = draw.u64();
    let fresh = || Heartbeat::new(config, seed, start);
    let bound = config.interval() + config.timeout() + ROUNDING;
    let blind = |_, _| None;
    for (verdict, clock, (dead, told)) in [
        (Verdict::Silent, config.app_timeout(), silent(fresh(), start, 0, blind)),
        (Verdict::Path, config.path_timeout(), silent(fresh(), start, 0, dead_road)),
        (Verdict::App, config.app_timeout(), silent(fresh(), start, 0, hung_program)),
    ] {
        assert_eq!(told, verdict, "{config:?}");
        let after = dead.saturating_duration_since(start);
        assert!(after >= clock && after <= bound, "{config:?}: {verdict:?} after {after:?}");
        assert!(promise.is_none_or(|promise| after <= promise), "{promise:?}: {after:?}");
    }
    answered(fresh(), config, idle, start);

    let mut watched = Watched::new(fresh(), config, start);
    if draw.flag() {
        watched.beat.set_road_memory(draw.small());
    }
    for _ in 0..STEPS {
        if draw.is_empty() {
            break;
        }
        if !watched.step(draw) {
            return;
        }
    }
    // Whose answer nobody would have read is asked again, once the kernel has told nothing of it.
    let unread = if watched.unread { config.timeout() } else { Duration::ZERO };
    let Watched { mut beat, now, given, .. } = watched;
    beat.handle_flushed(given, now);
    let (dead, _) = silent(beat, now, given, blind);
    let after = dead.saturating_duration_since(now);
    let pause = PAUSE.min(config.path_timeout() / 4);
    assert!(after <= bound + pause + unread, "{config:?}: {after:?}");
}

/// When a peer that says nothing is dead to a driver that is punctual, and of what; `path` is asked
/// with the bytes sent, and how long ago the last Ping was flushed
fn silent(
    mut beat: Heartbeat,
    mut now: Instant,
    mut sent: u64,
    path: impl Fn(u64, Duration) -> Option<PathEvidence>,
) -> (Instant, Verdict) {
    let mut flushed = now;
    for _ in 0..20 {
        now = now.max(beat.poll_timeout());
        let look = |sent, flushed| path(sent, now.saturating_duration_since(flushed));
        while let Some(asked) = beat.handle_timeout(now, || look(sent, flushed)) {
            match asked {
                Beat::Dead(verdict) => return (now, verdict),
                Beat::Ping(_) => {
                    (sent, flushed) = (sent + 14, now);
                    beat.handle_flushed(sent, now);
                }
                _ => {}
            }
        }
    }
    panic!("silent, and not dead after 20 calls: {beat:?}");
}

/// A peer that answers at once, and says nothing else, is asked within each interval
fn answered(
    mut beat: Heartbeat,
    config: HeartbeatConfig,
    idle: Option<Duration>,
    mut now: Instant,
) {
    for sent in 1..5 {
        let due = beat.poll_timeout();
        let gap = due.saturating_duration_since(now);
        assert!(gap <= config.interval() + ROUNDING, "{config:?}: {gap:?}");
        assert!(idle.is_none_or(|idle| gap * 2 <= idle), "{idle:?}: {gap:?}");
        now = due;
        let asked = beat.handle_timeout(now, || panic!("nothing was unanswered for a while"));
        let Some(Beat::Ping(ping)) = asked else { panic!("{asked:?}") };
        beat.handle_flushed(14 * sent, now);
        assert!(!beat.handle_heard(now));
        assert_eq!(beat.handle_pong(&ping, now).unwrap().round_trip, Some(Duration::ZERO));
        assert_eq!(beat.evidence(now).stalled_for, Duration::ZERO, "it was punctual");
    }
}

/// A heartbeat, and what is known of it without looking into it
struct Watched {
    beat: Heartbeat,
    config: HeartbeatConfig,
    kernel: Kernel,
    now: Instant,
    heard_at: Instant,
    /// How long the machine slept since then, with a clock that stood still
    slept: Duration,
    suspected: bool,
    /// The newest Ping, if it may still be answered, and its mark
    ping: Option<([u8; 8], u64)>,
    /// Since when the silence after a Ping may be held against the peer, if anything may:
    /// flushed, or progressed until then
    since: Option<(Instant, bool)>,
    /// A Ping waits to be flushed
    unflushed: bool,
    /// Nobody would read its answer
    unread: bool,
    /// A Ping took the place of one that was judged, since anything was last heard
    renewed: bool,
    /// Pings that were flushed and not answered: when, and where they end
    out: Vec<(Instant, u64)>,
    unanswered: u32,
    mark: u64,
    /// Bytes given to the transport
    given: u64,
}

impl Watched {
    fn new(beat: Heartbeat, config: HeartbeatConfig, now: Instant) -> Self {
        Self {
            beat,
            config,
            kernel: Kernel::default(),
            now,
            heard_at: now,
            slept: Duration::ZERO,
            suspected: false,
            ping: None,
            since: None,
            unflushed: false,
            unread: false,
            renewed: false,
            out: Vec::new(),
            unanswered: 0,
            mark: 0,
            given: 0,
        }
    }

    /// One thing happens; whether it lives on
    fn step(&mut self, draw: &mut Draw<'_>) -> bool {
        match draw.byte() % 15 {
            0 => self.now += self.config.interval().mul_f64(f64::from(draw.byte()) / 128.0),
            1 => self.now += self.config.timeout().mul_f64(f64::from(draw.byte()) / 128.0),
            2 => self.now += self.config.soft().mul_f64(f64::from(draw.byte()) / 128.0),
            3 | 4 => self.now = self.now.max(self.beat.poll_timeout()),
            5 => self.heard(),
            6 => {
                self.heard();
                let answer = self.ping.and_then(|(ping, _)| self.beat.handle_pong(&ping, self.now));
                if answer.is_some() {
                    self.out.clear();
                }
                assert_eq!(answer.map(|answer| answer.mark), self.ping.take().map(|ping| ping.1));
                assert!(self.beat.handle_pong(&draw.u64().to_le_bytes(), self.now).is_none());
            }
            7 => {
                self.heard();
                self.beat.handle_talk(self.now);
            }
            8 => {
                self.given += u64::from(draw.byte());
                self.beat.handle_write(self.now);
            }
            9 => self.beat.handle_unproven(self.now),
            10 => {
                self.beat.handle_flushed(self.given, self.now);
                if let Some((since, flushed @ false)) = &mut self.since {
                    (*since, *flushed) = (self.now, true);
                }
                if std::mem::take(&mut self.unflushed) {
                    self.out.push((self.now, self.given));
                }
            }
            11 => {
                self.beat.handle_progress(self.given, self.now);
                self.progressed();
            }
            12 => {
                let progressed = draw.flag();
                self.beat.handle_unread(progressed.then_some(self.given), self.now);
                self.unread = true;
                if progressed {
                    self.progressed();
                }
            }
            13 => {
                let slept = draw.duration();
                self.beat.handle_slept(slept, self.now);
                self.slept = self.slept.saturating_add(slept);
            }
            _ => {
                let ping = self.beat.ping_now(self.now);
                // One that is judged gives way once in a silence; and of one whose answer nobody reads
                // only the kernel knows whether it is judged.
                if self.since.is_none() || !(self.renewed || self.unread) {
                    self.renewed = self.since.is_some();
                    self.asked();
                } else {
                    self.renewed = true;
                }
                self.sent(ping);
            }
        }
        self.turn(draw)
    }

    fn heard(&mut self) {
        assert_eq!(self.beat.handle_heard(self.now), self.suspected);
        self.suspected = false;
        (self.heard_at, self.since, self.unanswered) = (self.now, None, 0);
        (self.unread, self.renewed) = (false, false);
        self.slept = Duration::ZERO;
    }

    fn progressed(&mut self) {
        if let Some((since, false)) = &mut self.since {
            *since = self.now;
        }
    }

    /// It is the newest Ping that is judged
    fn asked(&mut self) {
        (self.since, self.unread) = (Some((self.now, false)), false);
    }

    fn sent(&mut self, ping: [u8; 8]) {
        self.mark += 1;
        self.given += 14;
        self.beat.handle_ping_sent(self.mark);
        self.ping = Some((ping, self.mark));
        self.unflushed = true;
        self.unanswered += 1;
    }

    /// What is due is done; whether it lives on
    fn turn(&mut self, draw: &mut Draw<'_>) -> bool {
        let due = self.beat.poll_timeout();
        for _ in 0..ASKED {
            let kernel = &mut self.kernel;
            let (given, mut looked) = (self.given, false);
            let asked = self.beat.handle_timeout(self.now, || {
                looked = true;
                kernel.say(draw, given)
            });
            assert!(self.now >= due || (asked.is_none() && !looked), "{asked:?} before its time");
            self.out.retain(|(_, end)| *end > self.kernel.acknowledged);
            match asked {
                None if self.beat.poll_timeout() > self.now => {
                    self.check();
                    return true;
                }
                // There is more to say, but it is the others' turn.
                None => {}
                Some(Beat::Ping(ping)) => {
                    self.asked();
                    self.sent(ping);
                }
                // That a punctual driver is not taken for a late one is judged where it is simple.
                Some(Beat::ReadFirst) => {}
                Some(Beat::Suspect) => {
                    assert!(!self.suspected && self.silent() >= self.config.soft());
                    self.suspected = true;
                }
                Some(Beat::Alive) => assert!(std::mem::take(&mut self.suspected)),
                Some(Beat::Dead(verdict)) => {
                    self.is_dead(verdict);
                    return false;
                }
                Some(other) => panic!("{other:?} is new"),
            }
        }
        panic!("asks for ever: {:?}", self.beat);
    }

    fn silent(&self) -> Duration {
        self.now.saturating_duration_since(self.heard_at)
    }

    fn check(&self) {
        let evidence = self.beat.evidence(self.now);
        assert_eq!(evidence.silent_for, self.silent());
        assert_eq!(evidence.pings_unanswered, self.unanswered);
        assert!(evidence.slept_for <= self.slept);
        let possible = evidence.silent_for + PAUSE;
        assert!(evidence.stalled_for <= possible, "{:?}", self.beat);
        // Whether one whose answer nobody reads is judged, the kernel decides.
        let judged = self.since.is_some() && !self.unread;
        assert!(!judged || self.beat.is_judging(), "{:?}", self.beat);
    }

    /// The evidence that a death must rest on
    fn is_dead(&self, verdict: Verdict) {
        let (silent, config) = (self.silent(), &self.config);
        assert_eq!(verdict == Verdict::Silent, !self.kernel.sees(), "{verdict:?}");
        match verdict {
            Verdict::OneWay => {
                // One that did not get out, although something was heard well after it.
                let lost = |(at, _): &(Instant, u64)| {
                    *at + config.path_timeout() <= self.now && *at + config.soft() < self.heard_at
                };
                assert!(self.out.iter().any(lost), "no Ping was lost: {:?}", self.out);
                return;
            }
            Verdict::Path => assert!(silent >= config.path_timeout(), "after {silent:?}"),
            Verdict::App => assert!(silent >= config.app_timeout(), "after {silent:?}"),
            Verdict::Silent => {
                let (since, _) = self.since.expect("a Ping is out");
                let unanswered = self.now.saturating_duration_since(since);
                assert!(silent.min(unanswered) >= config.app_timeout(), "after {silent:?}");
            }
            other => panic!("{other:?} is new"),
        }
        assert!(self.suspected, "not suspected before");
    }
}
