//! A heartbeat under any sequence of what can happen: it is dead in time and not before, early calls
//! do nothing, it never asks to be called at once again, and what it tells is true.

use std::time::Duration;

use everbeat_core::config::HeartbeatConfig;
use everbeat_core::heartbeat::{Beat, Heartbeat};
use everbeat_core::time::Instant;

use crate::draw::Draw;

/// How many things happen at most
const STEPS: usize = 200;
/// What rounding may add
const ROUNDING: Duration = Duration::from_micros(1);

pub(super) fn keeps(config: HeartbeatConfig, promise: Option<Duration>, draw: &mut Draw<'_>) {
    let start = Instant::from_origin(Duration::from_secs(u64::from(draw.byte()) << 16));
    let seed = draw.u64();
    let dead = silent(Heartbeat::new(config, seed, start), start);
    let after = dead.saturating_duration_since(start);
    assert!(after <= config.interval() + config.timeout() + ROUNDING, "{config:?}: {after:?}");
    assert!(after >= config.timeout(), "{config:?}: {after:?}");
    assert!(promise.is_none_or(|promise| after <= promise), "{promise:?}: {after:?}");

    let mut watched = Watched::new(config, seed, start);
    for _ in 0..STEPS {
        if draw.is_empty() {
            break;
        }
        if !watched.step(draw) {
            return;
        }
    }
    let now = watched.now;
    watched.beat.handle_flushed(now);
    let dead = silent(watched.beat, now);
    let after = dead.saturating_duration_since(now);
    assert!(after <= config.interval() + config.timeout() + ROUNDING, "{config:?}: {after:?}");
}

/// When a peer that says nothing is dead to a driver that is punctual
fn silent(mut beat: Heartbeat, mut now: Instant) -> Instant {
    for _ in 0..10 {
        now = now.max(beat.poll_timeout());
        while let Some(asked) = beat.handle_timeout(now) {
            match asked {
                Beat::Dead(_) => return now,
                _ => beat.handle_flushed(now),
            }
        }
    }
    panic!("silent, and not dead after 10 calls: {beat:?}");
}

/// A heartbeat, and what is known of it without looking into it
struct Watched {
    beat: Heartbeat,
    config: HeartbeatConfig,
    now: Instant,
    heard_at: Instant,
    /// The newest Ping, if it may still be answered, and its mark
    ping: Option<([u8; 8], u64)>,
    /// Since when a silence may be held against the peer: flushed, or progressed until then
    since: Option<(Instant, bool)>,
    unanswered: u32,
    mark: u64,
}

impl Watched {
    fn new(config: HeartbeatConfig, seed: u64, now: Instant) -> Self {
        let beat = Heartbeat::new(config, seed, now);
        Self { beat, config, now, heard_at: now, ping: None, since: None, unanswered: 0, mark: 0 }
    }

    /// One thing happens; whether it lives on
    fn step(&mut self, draw: &mut Draw<'_>) -> bool {
        match draw.byte() % 10 {
            0 => self.now += self.config.interval().mul_f64(f64::from(draw.byte()) / 128.0),
            1 => self.now += self.config.timeout().mul_f64(f64::from(draw.byte()) / 128.0),
            2 => self.now = self.now.max(self.beat.poll_timeout()),
            3 => {
                self.beat.handle_heard(self.now);
                (self.heard_at, self.since, self.unanswered) = (self.now, None, 0);
            }
            4 => {
                let answer = self.ping.and_then(|(ping, _)| self.beat.handle_pong(&ping, self.now));
                assert_eq!(answer.map(|answer| answer.mark), self.ping.take().map(|ping| ping.1));
                assert!(self.beat.handle_pong(&draw.u64().to_le_bytes(), self.now).is_none());
            }
            5 => self.beat.handle_write(self.now),
            6 => {
                self.beat.handle_flushed(self.now);
                self.since = self
                    .since
                    .map(|(since, flushed)| (if flushed { since } else { self.now }, true));
            }
            7 => {
                self.beat.handle_progress(self.now);
                self.since = self
                    .since
                    .map(|(since, flushed)| (if flushed { since } else { self.now }, flushed));
            }
            8 => {
                let progressed = draw.flag();
                self.beat.handle_unread(progressed, self.now);
                self.since = match self.since {
                    Some((_, true)) => None,
                    Some((_, false)) if progressed => Some((self.now, false)),
                    other => other,
                };
            }
            _ => {
                let ping = self.beat.ping_now(self.now);
                self.sent(ping);
            }
        }
        self.turn()
    }

    fn sent(&mut self, ping: [u8; 8]) {
        self.mark += 1;
        self.beat.handle_ping_sent(self.mark);
        self.ping = Some((ping, self.mark));
        self.since = Some((self.now, false));
        self.unanswered += 1;
    }

    /// What is due is done; whether it lives on
    fn turn(&mut self) -> bool {
        let early = self.now < self.beat.poll_timeout();
        for _ in 0..4 {
            let Some(asked) = self.beat.handle_timeout(self.now) else {
                assert!(self.beat.poll_timeout() > self.now, "due again at once: {:?}", self.beat);
                let evidence = self.beat.evidence(self.now);
                assert_eq!(evidence.silent_for, self.now.saturating_duration_since(self.heard_at));
                assert_eq!(evidence.pings_unanswered, self.unanswered);
                assert_eq!(self.beat.is_judging(), self.since.is_some());
                return true;
            };
            assert!(!early, "{asked:?} before its time");
            let silent = self.since.map(|(since, _)| self.now.saturating_duration_since(since));
            match asked {
                Beat::Ping(ping) => self.sent(ping),
                Beat::Suspect => assert!(silent >= Some(self.config.timeout() / 2)),
                Beat::Dead(_) => {
                    assert!(silent >= Some(self.config.timeout()), "dead after {silent:?}");
                    return false;
                }
                other => panic!("{other:?} is new"),
            }
        }
        panic!("asks for ever: {:?}", self.beat);
    }
}
