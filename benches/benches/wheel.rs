//! What does a deadline cost a server with a thousand, and with a million of them?
//!
//! First the pure table, then the slots that connections sleep on, with their locks, last several
//! threads at once.

use std::fmt;
use std::future::Future;
use std::hint::black_box;
use std::io::{self, Write};
use std::num::NonZeroUsize;
use std::pin::Pin;
use std::sync::Barrier;
use std::task::{Context, Waker};
use std::thread;
use std::time::{self, Duration};

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

/// Whether threads hold each other up: the same number of re-arms, each with the lock, by one
/// thread and by two, on one shard and on eight; back to back, which nobody does, and with a
/// microsecond of other work before each, a fraction of what a beat executes. All take turns in each
/// round, so that what else the machine does falls on all; what counts is the ratio within a round.
fn threads(_: &mut Criterion) {
    let filters = std::env::args().skip(1).filter(|arg| !arg.starts_with('-'));
    let wanted = filters.fold(None, |any, filter| {
        Some(any.unwrap_or(false) || "wheel/threads".contains(filter.as_str()))
    });
    let asked = |word: &str| std::env::args().any(|arg| arg == word);
    // `cargo test` does not say `--bench`, and to run once is enough for it.
    let measured = asked("--bench") && !asked("--test") && !asked("--list");
    if wanted == Some(false) || !measured {
        return;
    }
    let pace = work_of(Duration::from_micros(1));
    let mut cases = [
        Case::new(1, 0, "back to back"),
        Case::new(8, 0, "back to back"),
        Case::new(1, pace, "with 1 µs of work before each"),
        Case::new(8, pace, "with 1 µs of work before each"),
    ];
    for _ in 0..ROUNDS {
        cases.iter_mut().for_each(Case::round);
    }
    for case in &cases {
        // Nobody to tell if there is no terminal
        _ = writeln!(io::stderr(), "{case}");
    }
}

/// So many shards, so much work, and what each round has shown
struct Case {
    shards: NonZeroUsize,
    work: u32,
    how: &'static str,
    alone: Vec<f64>,
    ratios: Vec<f64>,
}

impl Case {
    fn new(shards: usize, work: u32, how: &'static str) -> Self {
        let shards = NonZeroUsize::new(shards).unwrap_or(NonZeroUsize::MIN);
        Self { shards, work, how, alone: Vec::new(), ratios: Vec::new() }
    }

    fn round(&mut self) {
        let [one, two] = [1, 2].map(|threads| time_of(self.shards, threads, self.work));
        self.ratios.push(two / one);
        self.alone.push(one * 1e9 / RE_ARMS as f64);
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ([least, median, most], [_, nanos, _]) = (spread(&self.ratios), spread(&self.alone));
        write!(
            f,
            "wheel/threads/{} shards, {}: {nanos:.0} ns each alone; by two threads {median:.2} times as \
             long (least {least:.2}, most {most:.2}, {ROUNDS} rounds); 0.50 is no contention",
            self.shards, self.how
        )
    }
}

/// How many turns of [`busy`] take so long here
fn work_of(time: Duration) -> u32 {
    const TURNS: u32 = 1_000_000;
    #[expect(clippy::disallowed_methods, reason = "it is the machine's time that is asked for")]
    let since = time::Instant::now();
    busy(TURNS);
    (f64::from(TURNS) * time.as_secs_f64() / since.elapsed().as_secs_f64()) as u32
}

/// Work that shares nothing with anybody
fn busy(turns: u32) {
    for turn in 0..turns {
        black_box(turn);
    }
}

const ROUNDS: usize = 21;
const RE_ARMS: usize = 1_000_000;
const SLOTS: usize = 1_000;

/// Seconds for so many re-arms in all; two threads start together, each with slots of its own
fn time_of(shards: NonZeroUsize, threads: usize, work: u32) -> f64 {
    let wheel = Wheel::with_shards(StandingTimer::new(), shards);
    let (start, end) = (Barrier::new(threads + 1), Barrier::new(threads + 1));
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                let mut slots: Vec<_> =
                    (0..SLOTS).map(|_| wheel.sleep_until(Instant::NEVER - BEAT)).collect();
                let mut cx = Context::from_waker(Waker::noop());
                for slot in &mut slots {
                    assert!(Pin::new(slot).poll(&mut cx).is_pending());
                }
                start.wait();
                let mut deadline = Instant::NEVER - BEAT;
                for _ in 0..RE_ARMS / SLOTS / threads {
                    deadline = deadline - Deadlines::<()>::TICK;
                    for slot in &mut slots {
                        busy(work);
                        Pin::new(slot).reset(deadline);
                    }
                }
                end.wait();
                drop(slots);
            });
        }
        start.wait();
        #[expect(clippy::disallowed_methods, reason = "it is the machine's time that is asked for")]
        let since = time::Instant::now();
        end.wait();
        since.elapsed().as_secs_f64()
    })
}

/// The least, the median, the most
fn spread(values: &[f64]) -> [f64; 3] {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    [values[0], values[values.len() / 2], values[values.len() - 1]]
}

criterion_group!(benches, insert_and_turn, re_arm, cancel, tick, slot, threads);
criterion_main!(benches);
