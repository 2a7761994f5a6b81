//! What does a verdict and a delay cost a client whose connection has ended?

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use everbeat_core::Cause;
use everbeat_core::cause::Cut;
use everbeat_core::reconnect::{Backoff, Reconnect};
use everbeat_core::time::Instant;

const SEED: u64 = 7;
const STOOD: Duration = Duration::from_secs(60);

fn cut() -> Cause {
    Cause::Cut { how: Cut::Reset, detail: "".into() }
}

/// A connection that stood is cut, and the next attempt gets its time
fn ended(c: &mut Criterion) {
    let (mut reconnect, mut now) = (Reconnect::new(Backoff::default(), SEED), Instant::ORIGIN);
    let cause = cut();
    c.benchmark_group("backoff").bench_function("a connection ended", |b| {
        b.iter(|| {
            reconnect.handle_connected(now);
            now += STOOD;
            black_box(reconnect.handle_end(&cause, cause.default_verdict(), now))
        });
    });
}

/// Attempt after attempt fails, so that every delay is drawn from the last step
fn failing(c: &mut Criterion) {
    let mut reconnect = Reconnect::new(Backoff::default(), SEED);
    let cause = cut();
    c.benchmark_group("backoff").bench_function("an attempt failed", |b| {
        b.iter(|| {
            let verdict = cause.default_verdict();
            black_box(reconnect.handle_end(black_box(&cause), verdict, Instant::ORIGIN))
        });
    });
}

criterion_group!(benches, ended, failing);
criterion_main!(benches);
