//! The run over time: samples of what is live and what it costs, and the lines that show progress.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use everbeat_core::time::Timer;
use everbeat_support::{Timeline, overslept};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use crate::books::Books;
use crate::client::Act;
use crate::machine;
use crate::runtimes::{Everbeat, Part};

/// How often is looked
pub(crate) const EVERY: Duration = Duration::from_millis(500);
/// How many looks there are to a line of progress
const LINE: usize = 10;

/// What was seen at one time
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sample {
    /// Since the first sample
    pub(crate) at: Duration,
    pub(crate) live: usize,
    pub(crate) reconnects: u64,
    /// Roads on which something was wrong
    pub(crate) faulty: usize,
    pub(crate) allocated: u64,
    pub(crate) resident: u64,
    pub(crate) descriptors: u64,
}

/// How many samples a run takes at most, with faults for this long
pub(crate) const fn looks(length: Duration) -> usize {
    // A minute for starting and ending, which are bounded by their own patience.
    ((length.as_millis() + 60_000) / EVERY.as_millis()) as usize
}

/// Looks until it is dropped
pub(crate) async fn sample(books: Arc<Books>, timeline: &Timeline, samples: &mut Vec<Sample>) {
    let start = Instant::now();
    for look in 0.. {
        let sample = look_now(&books, start);
        if look as usize % LINE == 0 {
            show(timeline, &books, &sample);
        }
        samples.push(sample);
        sleep_until(start + EVERY * (look + 1)).await;
    }
}

fn look_now(books: &Books, start: Instant) -> Sample {
    Sample {
        at: start.elapsed(),
        live: books.up(),
        reconnects: books.connected().saturating_sub(books.clients() as u64),
        faulty: books.faulty().load(Ordering::Relaxed),
        allocated: machine::heap(),
        resident: machine::resident().unwrap_or(0),
        descriptors: machine::descriptors().unwrap_or(0),
    }
}

fn show(timeline: &Timeline, books: &Books, sample: &Sample) {
    timeline.event(
        Instant::now(),
        "soak",
        format_args!(
            "{:>5} live, {:>6} reconnects, {:>7} messages, {:>4} MiB, {:>6} descriptors, {:>2} roads \
             faulty, {:>3} ms late",
            sample.live,
            sample.reconnects,
            books.accepted(),
            sample.resident >> 20,
            sample.descriptors,
            sample.faulty,
            books.late().as_millis(),
        ),
    );
}

/// Measures how late a runtime is, until all have to go
#[derive(Debug)]
pub(crate) struct Lateness {
    pub(crate) books: Arc<Books>,
    pub(crate) act: watch::Receiver<Act>,
}

impl Part for Lateness {
    async fn play<R: Everbeat>(self, _: R::Counting) {
        measure(R::default().timer(), &self.books, self.act).await;
    }
}

/// Measures how late this thread is, until all have to go
pub(crate) async fn measure(
    timer: impl Timer<Sleep: Send> + Send + Sync,
    books: &Books,
    mut act: watch::Receiver<Act>,
) {
    let endless = async {
        loop {
            books.note_late(overslept(&timer).await);
        }
    };
    tokio::select! {
        () = endless => {}
        _ = act.wait_for(|act| *act == Act::All) => {}
    }
}
