//! How connections ended, counted: for whoever holds so many that a line each would be too much.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::thread;
use std::time::Duration;

use everbeat_core::Cause;

use crate::say;

/// Between two lines
const A_LINE: Duration = Duration::from_millis(250);

static ENDED: AtomicU64 = AtomicU64::new(0);
static DEAD: AtomicU64 = AtomicU64::new(0);

/// One has ended
pub(crate) fn count(end: &Result<(), Cause>) {
    ENDED.fetch_add(1, Relaxed);
    if matches!(end, Err(Cause::Dead { .. })) {
        DEAD.fetch_add(1, Relaxed);
    }
}

/// Tells of them from time to time, until the process ends
#[expect(clippy::disallowed_methods, reason = "a thread of its own, and real time")]
pub(crate) fn tell() {
    thread::spawn(|| {
        loop {
            let (ended, dead) = (ENDED.load(Relaxed), DEAD.load(Relaxed));
            say(format_args!("{{\"ended\":{ended},\"dead\":{dead}}}"));
            thread::sleep(A_LINE);
        }
    });
}
