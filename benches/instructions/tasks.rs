//! Two tasks on one thread, each polled only when it was woken, as a runtime would.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Wake, Waker};

struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Runs both until both are done
///
/// # Panics
///
/// Both wait, and nobody will wake either.
pub(crate) fn run_both(one: impl Future<Output = ()>, other: impl Future<Output = ()>) {
    let flags = [(); 2].map(|()| Arc::new(Woken(AtomicBool::new(true))));
    let wakers = flags.clone().map(Waker::from);
    let (mut one, mut other) = (pin!(one), pin!(other));
    let mut done = [false; 2];
    while done != [true; 2] {
        let woken = [0, 1].map(|task| flags[task].0.swap(false, Ordering::Relaxed));
        assert!(woken != [false; 2], "both wait, and nobody will wake either");
        if woken[0] && !done[0] {
            done[0] = one.as_mut().poll(&mut Context::from_waker(&wakers[0])).is_ready();
        }
        if woken[1] && !done[1] {
            done[1] = other.as_mut().poll(&mut Context::from_waker(&wakers[1])).is_ready();
        }
    }
}
