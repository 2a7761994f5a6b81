//! What does a connection's heartbeat cost: per message heard, per early wake, per beat?

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use everbeat_core::config::HeartbeatConfig;
use everbeat_core::heartbeat::{Beat, Heartbeat};
use everbeat_core::time::Instant;

const SEED: u64 = 7;
const MICROSECOND: Duration = Duration::from_micros(1);

fn heartbeat() -> (Heartbeat, Instant) {
    let now = Instant::ORIGIN;
    (Heartbeat::new(HeartbeatConfig::SERVER, SEED, now), now)
}

/// A message came, and the driver asks when to wake next: the path that every message takes
fn heard(c: &mut Criterion) {
    let (mut heartbeat, mut now) = heartbeat();
    c.benchmark_group("heartbeat").bench_function("heard", |b| {
        b.iter(|| {
            now += MICROSECOND;
            heartbeat.handle_heard(black_box(now));
            black_box(heartbeat.poll_timeout())
        });
    });
}

/// The driver woke for another reason: nothing is due
fn early(c: &mut Criterion) {
    let (mut heartbeat, now) = heartbeat();
    c.benchmark_group("heartbeat").bench_function("early wake", |b| {
        b.iter(|| black_box(heartbeat.handle_timeout(black_box(now), || None)));
    });
}

/// A whole beat of a quiet connection: Ping, flush, Pong, and when to wake next
fn beat(c: &mut Criterion) {
    let (mut heartbeat, mut now) = heartbeat();
    c.benchmark_group("heartbeat").bench_function("ping and pong", |b| {
        b.iter(|| {
            now = heartbeat.poll_timeout();
            let Some(Beat::Ping(payload)) = heartbeat.handle_timeout(now, || None) else {
                panic!("a Ping is due at the time that was asked for");
            };
            heartbeat.handle_flushed(0, now);
            now += MICROSECOND;
            heartbeat.handle_heard(now);
            black_box(heartbeat.handle_pong(&payload, now))
        });
    });
}

/// A Pong that answers nothing of ours, as a Ping flood's echo would bring
fn foreign_pong(c: &mut Criterion) {
    let (mut heartbeat, now) = heartbeat();
    c.benchmark_group("heartbeat").bench_function("foreign pong", |b| {
        b.iter(|| black_box(heartbeat.handle_pong(black_box(b"not ours"), now)));
    });
}

criterion_group!(benches, heard, early, beat, foreign_pong);
criterion_main!(benches);
