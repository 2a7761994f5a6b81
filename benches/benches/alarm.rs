//! What does an alarm cost whose deadline moves with every message?

use std::hint::black_box;
use std::pin::pin;
use std::task::{Context, Waker};
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use everbeat_benches::{BEAT, StandingTimer};
use everbeat_core::time::{Alarm, Instant};

/// Asked again with a later deadline, as each message does: nothing is armed anew
fn later(c: &mut Criterion) {
    let timer = StandingTimer::new();
    let (cx, mut alarm) = (&mut Context::from_waker(Waker::noop()), pin!(Alarm::new()));
    let (now, mut deadline) = (Instant::ORIGIN, Instant::ORIGIN + BEAT);
    c.benchmark_group("alarm").bench_function("a later deadline", |b| {
        b.iter(|| {
            deadline += Duration::from_nanos(1);
            black_box(alarm.as_mut().poll_due(cx, &timer, now, deadline))
        });
    });
}

/// Asked with an earlier deadline each time: the sleep moves
fn earlier(c: &mut Criterion) {
    let timer = StandingTimer::new();
    let (cx, mut alarm) = (&mut Context::from_waker(Waker::noop()), pin!(Alarm::new()));
    let (now, mut left) = (Instant::ORIGIN, BEAT * 1_000_000);
    c.benchmark_group("alarm").bench_function("an earlier deadline", |b| {
        b.iter(|| {
            left -= Duration::from_nanos(1);
            black_box(alarm.as_mut().poll_due(cx, &timer, now, now + left))
        });
    });
}

criterion_group!(benches, later, earlier);
criterion_main!(benches);
