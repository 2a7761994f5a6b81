//! What does a deadline cost a server with a thousand, and with a million of them?
//!
//! First the pure table, then the slots that connections sleep on, with their locks, last several
//! threads at once. One deadline among others is moved hot, with all that it touches in the caches, and
//! cold; who fills a table or turns it walks through all of it, which is hot or cold by its size.

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
const SIZES: [usize; 4] = [1_000, 10_000, 100_000, MOST];
const MOST: usize = 1_000_000;

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

/// Tables of one size, and whose turn is next
///
/// Hot is a table of which few deadlines move between few times, over and over, so that all that is
/// touched is in the caches. Cold is any deadline of any of so many tables that there are a million in
/// all, which no cache holds, at times drawn at random: who comes next was not touched for long.
struct Tables {
    all: Vec<(Deadlines<usize>, Vec<DeadlineKey>)>,
    size: usize,
    rng: Rng,
    /// How many turns there were, if it is hot
    hot: Option<usize>,
}

/// How many deadlines are touched over and over, between as many times
const HOT: usize = 64;

impl Tables {
    fn of(size: usize, hot: bool) -> Self {
        // To run once, as tests do, takes one table.
        let measured = std::env::args().any(|arg| arg == "--bench");
        let count = if hot || !measured { 1 } else { MOST / size };
        let all = (0..count).map(|_| filled(size)).collect();
        Self { all, size, rng: Rng::with_seed(SEED), hot: hot.then_some(0) }
    }

    /// The next table, its keys, and a time for one of them: which, and when
    fn turn(&mut self) -> (&mut Deadlines<usize>, &mut DeadlineKey, Instant) {
        let (table, key, time) = match &mut self.hot {
            Some(turn) => {
                *turn += 1;
                // Each time another one than before, or nothing would move.
                let time = (*turn + *turn / HOT) % HOT;
                (
                    0,
                    *turn % HOT * (self.size / HOT),
                    Instant::ORIGIN + BEAT * time as u32 / HOT as u32,
                )
            }
            None => {
                let which = self.rng.usize(..self.all.len() * self.size);
                let time = within_a_beat(&mut self.rng, Instant::ORIGIN);
                (which / self.size, which % self.size, time)
            }
        };
        let (deadlines, keys) = &mut self.all[table];
        (deadlines, &mut keys[key], time)
    }
}

/// The same of tables that are in the caches, and of such that are not
fn hot_and_cold(c: &mut Criterion, name: &str, one: fn(&mut Tables)) {
    let mut group = c.benchmark_group(name);
    for (temperature, hot) in [("hot", true), ("cold", false)] {
        for size in SIZES {
            let mut tables = None;
            group.bench_function(BenchmarkId::new(temperature, size), |b| {
                let tables = tables.get_or_insert_with(|| Tables::of(size, hot));
                b.iter(|| one(tables));
            });
        }
    }
    group.finish();
}

/// Moving one deadline of many to another time
fn re_arm(c: &mut Criterion) {
    hot_and_cold(c, "wheel/re-arm", |tables| {
        let (deadlines, key, time) = tables.turn();
        let moved = deadlines.move_to(*key, time + BEAT);
        assert!(moved);
    });
}

/// Taking one deadline of many away, and putting another in its place
fn cancel(c: &mut Criterion) {
    hot_and_cold(c, "wheel/cancel and insert", |tables| {
        let (deadlines, key, time) = tables.turn();
        let payload = deadlines.remove(*key).unwrap_or_default();
        *key = deadlines.insert(time, payload);
        black_box(*key);
    });
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
