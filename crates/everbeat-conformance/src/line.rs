//! A list of checks, each with the sentence that must hold.

use std::future::Future;
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

/// Runs lines on a few threads side by side, for most of their time is waiting
///
/// # Panics
///
/// If a line does not hold.
pub fn side_by_side(lines: &[Line], run: impl Fn(&Line) + Sync) {
    const THREADS: usize = 4;
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                while let Some(line) = lines.get(next.fetch_add(1, Ordering::Relaxed)) {
                    run(line);
                }
            });
        }
    });
}

macro_rules! lines {
    ($($name:literal => $check:path),+ $(,)?) => {
        vec![$(Line { name: $name, check: || Box::pin($check()) }),+]
    };
}

pub(crate) use lines;
