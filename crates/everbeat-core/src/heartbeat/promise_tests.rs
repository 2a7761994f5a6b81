//! What is promised, on any history of a road with a kernel at each end: no death while bytes arrive
//! or while ours are acknowledged, none later than interval and slower clock after the last evidence,
//! and the same whatever wakes are spurious.

use core::time::Duration;

use alloc::vec::Vec;
use proptest::prelude::*;

use super::*;

/// A history: what happens to a road and its other end, all in milliseconds
#[derive(Clone, Debug)]
struct History {
    round_trip: u64,
    /// Both ways, from when and for how long
    outages: Vec<(u64, u64)>,
    /// From then on, for ever
    ends: (u64, End),
    /// A message of ours, and one of the peer's, each so often; 0 is never
    we_talk: u64,
    peer_talks: u64,
    /// The platform tells of the road
    sees: bool,
    /// How late our driver is, at each of its wakes in turn
    late: Vec<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Road,
    WayOut,
    Program,
}

impl History {
    fn is_up(&self, at: u64, out: bool) -> bool {
        let over =
            at >= self.ends.0 && (self.ends.1 == End::Road || (self.ends.1 == End::WayOut && out));
        !over && !self.outages.iter().any(|(from, long)| (*from..from + long).contains(&at))
    }

    /// When what is sent at `at` is through: sent again after .3, .9, 2.1, 4.5 s and so on
    fn through(&self, at: u64, out: bool) -> Option<u64> {
        (0..12)
            .map(|k| at + 300 * ((1 << k) - 1))
            .find(|at| self.is_up(*at, out))
            .map(|at| at + self.round_trip / 2)
    }

    /// When a segment of ours that is sent at `at` is acknowledged
    fn acknowledged(&self, at: u64) -> Option<u64> {
        let there = self.through(at, true)?;
        self.through(there, false)
    }

    /// When the Pong to a Ping that is sent at `at` is here
    fn answered(&self, at: u64) -> Option<u64> {
        let there = self.through(at, true)?;
        let hangs = there >= self.ends.0 && self.ends.1 == End::Program;
        if hangs { None } else { self.through(there, false) }
    }
}

/// What a run of a history came to
#[derive(Debug, Default, PartialEq)]
struct Outcome {
    told: Vec<(u64, Beat)>,
    /// The last byte heard, and the last time that bytes of ours were acknowledged
    heard: u64,
    acknowledged: u64,
    /// The first Ping that was never acknowledged
    lost_ping: u64,
    /// When the first byte that was never acknowledged was sent
    lost: u64,
    stalled: u64,
}

/// A driver that is woken by bytes, by the heartbeat's own alarm, and by nothing every `spurious`
struct Run<'a> {
    history: &'a History,
    heartbeat: Heartbeat,
    sent: u64,
    /// When our bytes up to a mark are acknowledged
    acks: Vec<(Option<u64>, u64)>,
    /// When what ends at a mark was sent
    writes: Vec<(u64, u64)>,
    /// When our Pings went, and which mark they end at
    pings: Vec<(u64, u64)>,
    /// When something is heard, and the Pong that it is
    arrivals: Vec<(u64, Option<[u8; 8]>)>,
    outcome: Outcome,
}

impl Run<'_> {
    fn send(&mut self, bytes: u64, now: u64) {
        self.sent += bytes;
        self.writes.push((now, self.sent));
        // In order: nothing is acknowledged before what was sent earlier.
        let earlier = self.acks.last().map_or(Some(0), |(at, _)| *at);
        let acknowledged = self.history.acknowledged(now);
        let at = earlier.zip(acknowledged).map(|(earlier, at)| at.max(earlier));
        self.acks.push((at, self.sent));
    }

    /// When bytes of ours were last acknowledged, and up to which mark
    fn acknowledged(&self, now: u64) -> (u64, u64) {
        let acks = self.acks.iter().filter_map(|(at, end)| Some(((*at)?, *end)));
        acks.take_while(|(at, _)| *at <= now).last().unwrap_or((0, 0))
    }

    fn path(&self, now: u64) -> Option<PathEvidence> {
        let (at, acknowledged) = self.acknowledged(now);
        let word = at.max(self.outcome.heard);
        self.history.sees.then(|| PathEvidence {
            acknowledged,
            last_acknowledged: Duration::from_millis(now - word),
            ..PathEvidence::default()
        })
    }

    fn hear(&mut self, now: u64) {
        let due: Vec<_> = self.arrivals.extract_if(.., |(at, _)| *at <= now).collect();
        for (_, pong) in &due {
            self.heartbeat.handle_heard(at(now));
            self.outcome.heard = now;
            match pong {
                Some(payload) => drop(self.heartbeat.handle_pong(payload, at(now))),
                None => self.heartbeat.handle_talk(at(now)),
            }
        }
    }

    /// Whether it lives on
    fn turn(&mut self, now: u64) -> bool {
        self.hear(now);
        for _ in 0..8 {
            let path = self.path(now);
            let Some(beat) = self.heartbeat.handle_timeout(at(now), || path) else { return true };
            self.outcome.told.push((now, beat));
            match beat {
                Beat::Ping(payload) => {
                    let answered = self.history.answered(now);
                    self.arrivals.extend(answered.map(|at| (at, Some(payload))));
                    self.send(14, now);
                    self.pings.push((now, self.sent));
                    self.heartbeat.handle_flushed(self.sent, at(now));
                }
                Beat::Dead(_) => return false,
                _ => {}
            }
        }
        panic!("asks for ever: {:?}", self.heartbeat);
    }
}

fn at(millis: u64) -> Instant {
    Instant::from_origin(Duration::from_millis(millis))
}

fn millis(instant: Instant) -> u64 {
    u64::try_from(instant.since_origin().as_nanos().div_ceil(1_000_000)).unwrap()
}

fn run(history: &History, config: HeartbeatConfig, seed: u64, spurious: u64) -> Outcome {
    let mut run = Run {
        history,
        heartbeat: Heartbeat::new(config, seed, Instant::ORIGIN),
        sent: 0,
        acks: Vec::new(),
        writes: Vec::new(),
        pings: Vec::new(),
        arrivals: Vec::new(),
        outcome: Outcome::default(),
    };
    let limit = history.ends.0 + 400_000;
    if history.peer_talks > 0 {
        let hangs = history.ends.1 == End::Program;
        let said = (0..history.ends.0 + 100_000).step_by(history.peer_talks as usize);
        let said = said.filter(|at| !hangs || *at < history.ends.0);
        run.arrivals = said.filter_map(|at| Some((history.through(at, false)?, None))).collect();
    }
    let mut late = history.late.iter().cycle();
    let (mut now, mut write_at) = (0, history.we_talk);
    let mut spurious_at = spurious;
    while now < limit {
        let alarm = millis(run.heartbeat.poll_timeout()).max(now);
        let alarm = alarm + late.next().copied().unwrap_or(0);
        let next = run.arrivals.iter().map(|(at, _)| *at).min().unwrap_or(u64::MAX);
        let write = if history.we_talk > 0 { write_at } else { u64::MAX };
        let wake = if spurious > 0 { spurious_at } else { u64::MAX };
        now = alarm.min(next).min(write).min(wake).max(now);
        spurious_at = if now >= wake { now + spurious } else { spurious_at };
        if now >= write {
            write_at += history.we_talk;
            run.send(100, now);
            run.heartbeat.handle_write(at(now));
            run.heartbeat.handle_flushed(run.sent, at(now));
        }
        if !run.turn(now) {
            break;
        }
    }
    let (acknowledged, end) = run.acknowledged(now);
    run.outcome.acknowledged = acknowledged;
    let lost = run.pings.iter().find(|(_, mark)| *mark > end);
    run.outcome.lost_ping = lost.map_or(u64::MAX, |(at, _)| *at);
    let lost = run.writes.iter().find(|(_, mark)| *mark > end);
    run.outcome.lost = lost.map_or(u64::MAX, |(at, _)| *at);
    let stalled = run.heartbeat.evidence(at(now)).stalled_for;
    run.outcome.stalled = u64::try_from(stalled.as_millis()).unwrap();
    run.outcome
}

fn histories(late: impl Strategy<Value = Vec<u64>>) -> impl Strategy<Value = History> {
    let ends =
        (20_000_u64..120_000, prop_oneof![Just(End::Road), Just(End::WayOut), Just(End::Program)]);
    let outages = proptest::collection::vec((0_u64..120_000, 1_u64..20_000), 0..5);
    let talk = || prop_oneof![Just(0), 200_u64..15_000];
    (2_u64..3_000, outages, ends, talk(), talk(), any::<bool>(), late).prop_map(
        |(round_trip, outages, ends, we_talk, peer_talks, sees, late)| History {
            round_trip,
            outages,
            ends,
            we_talk,
            peer_talks,
            sees,
            late,
        },
    )
}

fn configs() -> impl Strategy<Value = HeartbeatConfig> {
    let promise = |seconds| HeartbeatConfig::SERVER.detect_within(Duration::from_secs(seconds));
    prop_oneof![
        Just(HeartbeatConfig::CLIENT),
        Just(HeartbeatConfig::MOBILE),
        Just(HeartbeatConfig::DATACENTER),
        (1_u64..60).prop_map(move |seconds| promise(seconds).unwrap()),
    ]
}

fn clock(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap()
}

/// The evidence that every death must rest on
fn check(
    outcome: &Outcome,
    history: &History,
    config: HeartbeatConfig,
) -> Result<(), TestCaseError> {
    let Some((now, Beat::Dead(verdict))) = outcome.told.last() else {
        // Only what is heard or answered for ever lives on.
        let lives = history.peer_talks > 0 && history.ends.1 == End::WayOut;
        prop_assert!(lives, "never dead");
        return Ok(());
    };
    let (silent, path) = (now - outcome.heard, clock(config.path_timeout()));
    let unproven = now - outcome.acknowledged;
    match verdict {
        Verdict::Path => {
            let waited = now.saturating_sub(outcome.lost);
            prop_assert!(waited + 2 >= path, "what is lost was sent {waited} ago");
            prop_assert!(
                silent >= path && unproven >= path,
                "silent {silent}, unproven {unproven}"
            );
        }
        Verdict::App | Verdict::Silent => prop_assert!(silent >= clock(config.app_timeout())),
        Verdict::OneWay => {
            let heard = outcome.heard > outcome.lost_ping + clock(config.soft());
            prop_assert!(heard, "silent for {silent}");
            prop_assert!(outcome.lost_ping + path <= *now, "it was acknowledged");
            prop_assert!(history.sees);
        }
    }
    prop_assert_eq!(*verdict == Verdict::Silent, !history.sees);
    if *verdict != Verdict::OneWay {
        // 1 ms for each rounding of the model's clock, and what is too little to be called late.
        let rounding = if history.late.is_empty() { 4 } else { 1_500 };
        let evidence = outcome.heard.max(outcome.acknowledged);
        let bound = clock(config.interval() + config.timeout()) + outcome.stalled + rounding;
        prop_assert!(now - evidence <= bound, "dead after {} of {bound}", now - evidence);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn every_death_rests_on_its_evidence_and_comes_in_time(
        history in histories(Just(Vec::new())), config in configs(), seed: u64,
    ) {
        let outcome = run(&history, config, seed, 0);
        prop_assert_eq!(outcome.stalled, 0);
        check(&outcome, &history, config)?;
    }

    #[test]
    fn who_is_late_adds_that_and_no_more(
        history in histories(proptest::collection::vec(prop_oneof![
            4 => Just(0_u64), 2 => 0_u64..400, 1 => 0_u64..40_000,
        ], 1..20)),
        config in configs(), seed: u64,
    ) {
        check(&run(&history, config, seed, 0), &history, config)?;
    }

    #[test]
    fn spurious_wakes_change_nothing_and_the_same_inputs_give_the_same(
        history in histories(Just(Vec::new())), config in configs(), seed: u64,
        spurious in 10_u64..5_000,
    ) {
        let outcome = run(&history, config, seed, 0);
        prop_assert_eq!(&run(&history, config, seed, 0), &outcome);
        prop_assert_eq!(&run(&history, config, seed, spurious), &outcome);
    }
}
