//! The streams: each runtime plays its own, one after the other, on a thread; all with the same seeds.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;
use std::time::Instant;

use everbeat_async_std::AsyncStd;
use everbeat_conformance::streams::{Stream, Tally};
use everbeat_smol::Smol;
use everbeat_support::Runtime;
use everbeat_tokio::Tokio;

use crate::args::Options;

/// What a runtime's streams came to
pub(crate) struct Played {
    pub(crate) runtime: Runtime,
    /// How many went through
    pub(crate) streams: u64,
    pub(crate) tally: Tally,
    /// The seed of the one that did not
    pub(crate) broken: Option<u64>,
}

/// Plays on each runtime that is asked for
pub(crate) fn all(options: &Options, seed: u64) -> Vec<Played> {
    thread::scope(|scope| {
        let runtimes = options.runtimes();
        let threads = runtimes.iter().map(|&runtime| {
            let thread = scope.spawn(move || play(runtime, options, seed));
            (runtime, thread)
        });
        // All are begun before one is waited for
        let threads = threads.collect::<Vec<_>>();
        threads
            .into_iter()
            .map(|(runtime, thread)| {
                let nothing = Tally::default();
                let broken = Played { runtime, streams: 0, tally: nothing, broken: Some(seed) };
                thread.join().unwrap_or(broken)
            })
            .collect()
    })
}

#[expect(clippy::disallowed_methods, reason = "real streams take real time")]
fn play(runtime: Runtime, options: &Options, first: u64) -> Played {
    let begin = Instant::now();
    let mut played = Played { runtime, streams: 0, tally: Tally::default(), broken: None };
    while options.streams.is_none_or(|most| played.streams < most) {
        if begin.elapsed() >= options.length {
            break;
        }
        let seed = first + played.streams;
        // Its panic says what was wrong
        match catch_unwind(AssertUnwindSafe(|| one(runtime, Stream::drawn(seed)))) {
            Ok(tally) => {
                played.tally += tally;
                played.streams += 1;
            }
            Err(_) => {
                played.broken = Some(seed);
                break;
            }
        }
    }
    played
}

fn one(runtime: Runtime, stream: Stream) -> Tally {
    match runtime {
        Runtime::Tokio => {
            let executor = tokio::runtime::Builder::new_current_thread().enable_all().build();
            executor.map(|executor| executor.block_on(stream.play::<Tokio>())).unwrap_or_default()
        }
        Runtime::AsyncStd => async_std::task::block_on(stream.play::<AsyncStd>()),
        Runtime::Smol => smol::block_on(stream.play::<Smol>()),
    }
}
