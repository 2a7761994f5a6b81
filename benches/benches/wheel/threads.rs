//! Whether threads hold each other up: the same number of re-arms, each with the lock, by one thread
//! and by two.
//!
//! On one shard and on eight, and on a wheel for each thread, which is the control: there is nothing
//! to wait for, so what it takes is what this machine can do at best. Back to back, which nobody does,
//! and with a microsecond of other work before each, a fraction of what a beat executes. All take turns
//! in each round, so that what else the machine does falls on all; what counts is the ratio within a
//! round.

use std::fmt;
use std::future::Future;
use std::hint::black_box;
use std::io::{self, Write};
use std::num::NonZeroUsize;
use std::panic::resume_unwind;
use std::pin::Pin;
use std::sync::Barrier;
use std::task::{Context, Waker};
use std::thread;
use std::time::{self, Duration};

use criterion::{Criterion, Throughput};
use everbeat_benches::{BEAT, StandingTimer};
use everbeat_core::time::{Deadlines, Instant, Sleep, Timer, Wheel};

const ROUNDS: usize = 11;
const RE_ARMS: usize = 200_000;
const SLOTS: usize = 1_000;

/// Criterion has the first word, for only it knows which of the arguments are filters: what it does
/// not ask for is not compared either
pub(crate) fn compare(c: &mut Criterion) {
    let mut wanted = false;
    let mut group = c.benchmark_group("wheel/threads");
    group.throughput(Throughput::Elements(2 * SLOTS as u64));
    group.bench_function("two", |b| {
        wanted = true;
        let case = Case::new(On::Shards(8), 0, "back to back");
        b.iter_custom(|sweeps| case.time_of(2, sweeps as usize));
    });
    group.finish();

    let asked = |word: &str| std::env::args().any(|arg| arg == word);
    // `cargo test` does not say `--bench`, and to run once is enough for it.
    if !wanted || !asked("--bench") || asked("--test") {
        return;
    }
    let pace = work_of(Duration::from_micros(1));
    let mut cases =
        [(0, "back to back"), (pace, "with 1 µs of work before each")].map(|(work, how)| {
            [On::Shards(1), On::Shards(8), On::Own].map(|on| Case::new(on, work, how))
        });
    let cases = cases.as_flattened_mut();
    for _ in 0..ROUNDS {
        cases.iter_mut().for_each(Case::round);
    }
    for case in cases {
        // Nobody to tell if there is no terminal
        _ = writeln!(io::stderr(), "{case}");
    }
}

/// What the threads sleep on
#[derive(Clone, Copy)]
enum On {
    /// One wheel of so many shards
    Shards(usize),
    /// Each thread on a wheel of its own
    Own,
}

impl On {
    fn wheels(self) -> Vec<Wheel<StandingTimer>> {
        let (wheels, shards) = match self {
            Self::Shards(shards) => (1, shards),
            Self::Own => (2, 1),
        };
        let shards = NonZeroUsize::new(shards).unwrap_or(NonZeroUsize::MIN);
        (0..wheels).map(|_| Wheel::with_shards(StandingTimer::new(), shards)).collect()
    }
}

impl fmt::Display for On {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Shards(1) => f.write_str("1 shard"),
            Self::Shards(shards) => write!(f, "{shards} shards"),
            Self::Own => f.write_str("a wheel for each thread"),
        }
    }
}

/// On what, with how much work, and what each round has shown
struct Case {
    on: On,
    work: u32,
    how: &'static str,
    alone: Vec<f64>,
    ratios: Vec<f64>,
}

impl Case {
    const fn new(on: On, work: u32, how: &'static str) -> Self {
        Self { on, work, how, alone: Vec::new(), ratios: Vec::new() }
    }

    fn round(&mut self) {
        let [one, two] =
            [1, 2].map(|threads| self.time_of(threads, RE_ARMS / SLOTS / threads).as_secs_f64());
        self.ratios.push(two / one);
        self.alone.push(one * 1e9 / RE_ARMS as f64);
    }

    /// How long so many sweeps take, in which each thread moves each of its slots once: from when the
    /// first begins, and they do together, to when the last is through
    fn time_of(&self, threads: usize, sweeps: usize) -> Duration {
        let (wheels, start) = (self.on.wheels(), &Barrier::new(threads));
        let spans = thread::scope(|scope| {
            let wheels = wheels.iter().cycle().take(threads);
            let running: Vec<_> =
                wheels.map(|wheel| scope.spawn(|| self.sweep(wheel, start, sweeps))).collect();
            running
                .into_iter()
                .map(|one| one.join().unwrap_or_else(|it| resume_unwind(it)))
                .collect::<Vec<_>>()
        });
        let first = spans.iter().map(|(from, _)| *from).min();
        let last = spans.iter().map(|(_, to)| *to).max();
        last.zip(first).map_or(Duration::ZERO, |(last, first)| last - first)
    }

    /// One thread's part, with slots of its own; when it began and ended, by its own word, for whoever
    /// waits for it may be woken late
    fn sweep(
        &self,
        wheel: &Wheel<StandingTimer>,
        start: &Barrier,
        sweeps: usize,
    ) -> (time::Instant, time::Instant) {
        let mut deadline = Instant::NEVER - BEAT;
        let mut slots: Vec<_> = (0..SLOTS).map(|_| wheel.sleep_until(deadline)).collect();
        let mut cx = Context::from_waker(Waker::noop());
        for slot in &mut slots {
            assert!(Pin::new(slot).poll(&mut cx).is_pending());
        }
        start.wait();
        let from = clock();
        for _ in 0..sweeps {
            deadline = deadline - Deadlines::<()>::TICK;
            for slot in &mut slots {
                busy(self.work);
                Pin::new(slot).reset(deadline);
            }
        }
        (from, clock())
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ([least, median, most], [_, nanos, _]) = (spread(&self.ratios), spread(&self.alone));
        write!(
            f,
            "wheel/threads/{}, {}: {nanos:.0} ns each alone; by two threads {median:.2} times as long \
             (least {least:.2}, most {most:.2}, {ROUNDS} rounds); 0.50 is no contention",
            self.on, self.how
        )
    }
}

/// How many turns of [`busy`] take so long here
fn work_of(time: Duration) -> u32 {
    const TURNS: u32 = 1_000_000;
    let since = clock();
    busy(TURNS);
    (f64::from(TURNS) * time.as_secs_f64() / since.elapsed().as_secs_f64()) as u32
}

#[expect(clippy::disallowed_methods, reason = "it is the machine's time that is asked for")]
fn clock() -> time::Instant {
    time::Instant::now()
}

/// Work that shares nothing with anybody
fn busy(turns: u32) {
    for turn in 0..turns {
        black_box(turn);
    }
}

/// The least, the median, the most
fn spread(values: &[f64]) -> [f64; 3] {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    [values[0], values[values.len() / 2], values[values.len() - 1]]
}
