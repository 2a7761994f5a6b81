//! What a task holds: as counted, never more than a future in its task's cell or in a box beside it.

#![expect(clippy::unwrap_used, reason = "helpers of tests are tests")]

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use everbeat_tokio::Tokio;
use everbeat_tokio::core::Spawn;
use peak_alloc::PeakAlloc;

#[global_allocator]
static COUNTED: PeakAlloc = PeakAlloc;

/// Waits for ever, in so many words
struct Waits<const WORDS: usize>([u64; WORDS]);

impl<const WORDS: usize> Future for Waits<WORDS> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        Poll::Pending
    }
}

/// So many that neither what the runtime has for all of them shows, nor what the test's own
/// harness allocates meanwhile on its thread: half a byte of a task is 5 kB in all
const TASKS: usize = 10_000;

/// Bytes of one task
fn counted(spawn: impl Fn()) -> usize {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let before = COUNTED.current_usage();
        (0..TASKS).for_each(|_| spawn());
        // They are run once, and leave the queue, which has grown
        tokio::task::yield_now().await;
        (COUNTED.current_usage() - before + TASKS / 2) / TASKS
    })
}

fn is_the_smaller<const WORDS: usize>() {
    let waits = || Waits([7; WORDS]);
    let ours = counted(|| Tokio.spawn(waits()));
    let inline = counted(|| drop(tokio::spawn(waits())));
    let boxed = counted(|| drop(tokio::spawn(Box::pin(waits()))));
    assert_eq!(ours, inline.min(boxed), "{WORDS} words: {inline} in the task, {boxed} in a box");
}

#[test]
fn a_future_is_boxed_where_that_is_smaller() {
    is_the_smaller::<1>();
    // The last that fits into 128 bytes, and the first that does not
    is_the_smaller::<3>();
    is_the_smaller::<4>();
    // Where a box and a cell come to the same, and from where on it is the cell
    is_the_smaller::<15>();
    is_the_smaller::<16>();
    is_the_smaller::<17>();
    is_the_smaller::<19>();
    is_the_smaller::<20>();
    is_the_smaller::<32>();
    is_the_smaller::<35>();
    is_the_smaller::<36>();
    is_the_smaller::<300>();
}
