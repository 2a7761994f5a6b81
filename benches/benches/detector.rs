//! What does it cost to judge a silence: to look at what the kernel knows of the road, to suspect, and
//! to tell a road that is gone from a program that hangs?

use std::hint::black_box;
use std::time::Duration;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use everbeat_core::cause::Verdict;
use everbeat_core::config::HeartbeatConfig;
use everbeat_core::heartbeat::{Beat, Heartbeat};
use everbeat_core::time::Instant;
use everbeat_core::transport::PathEvidence;

const SEED: u64 = 7;
/// Of a Ping of ours, with its header
const PING: u64 = 14;
/// From the Ping to the acknowledgement that comes
const WAY: Duration = Duration::from_millis(100);

/// How long before the Ping a road that is gone last acknowledged something
const BEFORE: Duration = Duration::from_secs(20);

/// What the kernel tells of the road after a Ping
#[derive(Clone, Copy)]
enum Road {
    /// Nothing of it was acknowledged
    Gone,
    /// All of it was, one way later; what answers is the program, which does not
    Fine,
}

/// A heartbeat whose Ping is out, and its kernel
struct Silence {
    heartbeat: Heartbeat,
    pinged: Instant,
    payload: [u8; 8],
    road: Road,
}

impl Silence {
    fn on(road: Road) -> Self {
        let mut heartbeat = Heartbeat::new(HeartbeatConfig::SERVER, SEED, Instant::ORIGIN);
        let pinged = heartbeat.poll_timeout();
        let asked = heartbeat.handle_timeout(pinged, || None);
        let Some(Beat::Ping(payload)) = asked else { panic!("a Ping is due, not {asked:?}") };
        heartbeat.handle_flushed(PING, pinged);
        Self { heartbeat, pinged, payload, road }
    }

    /// The driver wakes when it was told to, and looks
    fn look(&mut self) -> Option<Beat> {
        let now = black_box(&self.heartbeat).poll_timeout();
        let after = now.saturating_duration_since(self.pinged);
        let mut path = PathEvidence::default();
        match self.road {
            Road::Gone => path.last_acknowledged = BEFORE + after,
            Road::Fine => {
                path.acknowledged = PING;
                path.last_acknowledged = after.saturating_sub(WAY);
            }
        }
        self.heartbeat.handle_timeout(now, || Some(black_box(path)))
    }

    /// As often as it takes until something is said
    fn judged(&mut self) -> Beat {
        loop {
            if let Some(beat) = self.look() {
                return beat;
            }
        }
    }

    fn suspected(road: Road) -> Self {
        let mut silence = Self::on(road);
        let suspected = silence.judged();
        assert!(suspected == Beat::Suspect, "suspected first, not {suspected:?}");
        silence
    }
}

/// A step of a silence, each time of a new one that has come so far
fn steps(c: &mut Criterion) {
    let mut group = c.benchmark_group("detector");
    let mut step = |name: &str, before: fn() -> Silence, expected: Beat| {
        group.bench_function(name, |b| {
            b.iter_batched_ref(
                before,
                |silence| black_box(silence.judged()),
                BatchSize::SmallInput,
            );
        });
        assert_eq!(before().judged(), expected, "{name}");
    };
    step("suspicion", || Silence::on(Road::Gone), Beat::Suspect);
    let verdict = Beat::Dead(Verdict::Path);
    step("verdict, the road is gone", || Silence::suspected(Road::Gone), verdict);
    let verdict = Beat::Dead(Verdict::App);
    step("verdict, the program hangs", || Silence::suspected(Road::Fine), verdict);
    group.finish();
}

/// The first look at a Ping that was acknowledged, and its late answer behind that: no verdict
fn acknowledged(c: &mut Criterion) {
    c.benchmark_group("detector").bench_function("a look at the road, then the answer", |b| {
        let before = || Silence::on(Road::Fine);
        let late = |silence: &mut Silence| {
            assert!(silence.look().is_none(), "it was acknowledged, and may still be answered");
            let now = silence.heartbeat.poll_timeout();
            silence.heartbeat.handle_heard(now);
            black_box(silence.heartbeat.handle_pong(&silence.payload, now))
        };
        b.iter_batched_ref(before, late, BatchSize::SmallInput);
    });
}

criterion_group!(benches, steps, acknowledged);
criterion_main!(benches);
