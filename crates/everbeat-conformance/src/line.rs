//! A list of checks, each with the sentence that must hold.

use std::future::Future;
use std::panic::resume_unwind;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// One check; it panics if what must hold does not
pub type Check = Pin<Box<dyn Future<Output = ()>>>;

/// A check and what it is called
#[derive(Debug)]
#[expect(clippy::exhaustive_structs, reason = "a row of a table")]
pub struct Line {
    /// What must hold, as a sentence
    pub name: &'static str,
    /// Makes the check, to be run inside the runtime
    pub check: fn() -> Check,
}

/// Runs lines on a few threads side by side, for most of their time is waiting; what each returns, in
/// their order
///
/// # Panics
///
/// If a line does not hold.
pub fn side_by_side<L: Sync, T: Send>(lines: &[L], run: impl Fn(&L) -> T + Sync) -> Vec<T> {
    const THREADS: usize = 4;
    let next = AtomicUsize::new(0);
    let work = || {
        let mut done = Vec::new();
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(line) = lines.get(index) else { return done };
            done.push((index, run(line)));
        }
    };
    let mut done = thread::scope(|scope| {
        let threads = [(); THREADS].map(|()| scope.spawn(work));
        let done = threads.map(|thread| thread.join().unwrap_or_else(|panic| resume_unwind(panic)));
        done.into_iter().flatten().collect::<Vec<_>>()
    });
    done.sort_unstable_by_key(|(index, _)| *index);
    done.into_iter().map(|(_, returned)| returned).collect()
}

macro_rules! lines {
    ($($name:literal => $check:path),+ $(,)?) => {
        vec![$(Line { name: $name, check: || Box::pin($check()) }),+]
    };
}

pub(crate) use lines;
