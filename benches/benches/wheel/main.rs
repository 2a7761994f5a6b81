//! What does a deadline cost a server with a thousand, and with a million of them?
//!
//! First the pure table, then the slots that connections sleep on, with their locks, last several
//! threads at once.

mod threads;

use std::future::Future;
use std::hint::black_box;
use std::pin::Pin;
use std::task::{Context, Waker};
use std::time::Duration;

use criterion::{
    BenchmarkId, Criterion, SamplingMode, Throughput, criterion_group, criterion_main,
};
use everbeat_benches::{BEAT, StandingTimer, within_a_beat};
use everbeat_core::time::{DeadlineKey, Deadlines, Instant, Sleep, Slot, Timer, Wheel};
use fastrand::Rng;

const SEED: u64 = 7;
const SIZES: [usize; 4] = [1_000, 10_000, 100_000, 1_000_000];

/// Made only by the benchmark that needs it: a filter leaves the others out, and a million is slow
fn filled(size: usize) -> (Deadlines<usize>, Vec<DeadlineKey>) {
    let mut rng = Rng::with_seed(SEED);
    let mut deadlines = Deadlines::new();
    let keys =
        (0..size).map(|n| deadlines.insert(within_a_beat(&mut rng, Instant::ORIGIN), n)).collect();
    (deadlines, keys)
}

/// Filling a table and turning it until all are due
fn insert_and_turn(c: &mut Criterion) {
    let mut group = c.benchmark_group("wheel/insert and turn");
    // A million takes seconds: a few samples of one run each are enough.
    group.sample_size(10).sampling_mode(SamplingMode::Flat);
    for size in SIZES {
        group.throughput(Throughput::Elements(size as u64));
        group.bench_function(BenchmarkId::from_parameter(size), |b| {
            let mut due = Vec::with_capacity(size);
            b.iter(|| {
                due.clear();
                let (mut deadlines, _) = filled(size);
                while !deadlines.is_empty() {
                    let now = deadlines.poll_timeout();
                    deadlines.advance(now, &mut due);
                }
                assert_eq!(due.len(), size);
            });
        });
    }
    group.finish();
}

/// Moving one deadline of many to another time
fn re_arm(c: &mut Criterion) {
    let mut group = c.benchmark_group("wheel/re-arm");
    for size in SIZES {
        let (mut table, mut rng) = (None, Rng::with_seed(SEED));
        group.bench_function(BenchmarkId::from_parameter(size), |b| {
            let (deadlines, keys) = table.get_or_insert_with(|| filled(size));
            b.iter(|| {
                let key = keys[rng.usize(..size)];
                let moved = deadlines.move_to(key, within_a_beat(&mut rng, Instant::ORIGIN + BEAT));
                assert!(moved);
            });
        });
    }
    group.finish();
}

/// Taking one deadline of many away, and putting another in its place
fn cancel(c: &mut Criterion) {
    let mut group = c.benchmark_group("wheel/cancel and insert");
    for size in SIZES {
        let (mut table, mut rng) = (None, Rng::with_seed(SEED));
        group.bench_function(BenchmarkId::from_parameter(size), |b| {
            let (deadlines, keys) = table.get_or_insert_with(|| filled(size));
            b.iter(|| {
                let key = &mut keys[rng.usize(..size)];
                let payload = deadlines.remove(*key).unwrap_or_default();
                *key = deadlines.insert(within_a_beat(&mut rng, Instant::ORIGIN), payload);
                black_box(*key)
            });
        });
    }
    group.finish();
}

/// One tick of a table in its steady state: what is due comes back a beat later
fn tick(c: &mut Criterion) {
    let mut group = c.benchmark_group("wheel/one tick");
    for size in SIZES {
        let (mut table, mut now) = (None, Instant::ORIGIN);
        let mut due = Vec::with_capacity(size);
        group.bench_function(BenchmarkId::from_parameter(size), |b| {
            let (deadlines, _) = table.get_or_insert_with(|| filled(size));
            b.iter(|| {
                now += Deadlines::<usize>::TICK;
                deadlines.advance(now, &mut due);
                for (deadline, n) in due.drain(..) {
                    deadlines.insert(deadline + BEAT, n);
                }
            });
            assert_eq!(deadlines.len(), size);
        });
    }
    group.finish();
}

/// A connection's slot among others: what its task pays for its sleep
fn slot(c: &mut Criterion) {
    let timer = StandingTimer::new();
    let wheel = Wheel::new(timer);
    let _turns: Vec<_> = wheel.turns().collect();
    let mut cx = Context::from_waker(Waker::noop());
    let mut rng = Rng::with_seed(SEED);
    let mut crowd = (0..1_000_000)
        .map(|_| Box::pin(wheel.sleep_until(within_a_beat(&mut rng, Instant::ORIGIN + BEAT))))
        .collect::<Vec<_>>();
    for slot in &mut crowd {
        assert!(slot.as_mut().poll(&mut cx).is_pending());
    }

    let mut group = c.benchmark_group("wheel/slot");
    group.bench_function("poll again", |b| {
        let mut slot = registered(&wheel, &mut cx);
        b.iter(|| black_box(slot.as_mut().poll(&mut cx)));
    });
    group.bench_function("reset later", |b| {
        let mut slot = registered(&wheel, &mut cx);
        let mut deadline = Instant::ORIGIN + BEAT;
        b.iter(|| {
            deadline += Duration::from_micros(1);
            slot.as_mut().reset(deadline);
            black_box(slot.as_mut().poll(&mut cx))
        });
    });
    group.bench_function("reset earlier", |b| {
        // Far enough for every iteration to be a tick earlier than the one before.
        let mut left = Duration::from_secs(100_000_000);
        let mut slot = Box::pin(wheel.sleep_until(Instant::from_origin(left)));
        assert!(slot.as_mut().poll(&mut cx).is_pending());
        b.iter(|| {
            left -= Deadlines::<()>::TICK;
            slot.as_mut().reset(Instant::from_origin(left));
            black_box(slot.as_mut().poll(&mut cx))
        });
    });
    group.bench_function("sleep and drop", |b| b.iter(|| registered(&wheel, &mut cx)));
    group.finish();
}

fn registered(wheel: &Wheel<StandingTimer>, cx: &mut Context<'_>) -> Pin<Box<Slot>> {
    let mut slot = Box::pin(wheel.sleep_until(Instant::ORIGIN + BEAT));
    assert!(slot.as_mut().poll(cx).is_pending());
    slot
}

criterion_group!(benches, insert_and_turn, re_arm, cancel, tick, slot, threads::compare);
criterion_main!(benches);
