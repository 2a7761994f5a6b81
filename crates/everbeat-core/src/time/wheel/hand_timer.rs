//! A clock that tests set by hand, from any thread, and that counts how often a sleep is armed.

use core::pin::Pin;
use core::sync::atomic::{AtomicUsize, Ordering};
use core::task::{Context, Poll, Waker};
use core::time::Duration;
use std::sync::{Arc, Mutex};
use std::task::Wake;
use std::vec::Vec;

use crate::time::{Instant, Sleep, Timer};

#[derive(Clone, Default)]
pub(super) struct HandTimer(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    now: Duration,
    arms: usize,
    /// Wakers of sleeps that wait; one of a dropped or moved sleep wakes in vain
    waiting: Vec<(Instant, Waker)>,
}

impl HandTimer {
    /// Moves the clock and wakes the sleeps whose time has come
    pub(super) fn advance(&self, by: Duration) {
        let mut state = self.0.lock().unwrap();
        state.now += by;
        let now = Instant::from_origin(state.now);
        let waiting = core::mem::take(&mut state.waiting);
        let (due, ahead): (Vec<_>, _) = waiting.into_iter().partition(|(at, _)| *at <= now);
        state.waiting = ahead;
        drop(state);
        due.into_iter().for_each(|(_, waker)| waker.wake());
    }

    pub(super) fn arms(&self) -> usize {
        self.0.lock().unwrap().arms
    }
}

impl Timer for HandTimer {
    type Sleep = HandSleep;

    fn now(&self) -> Instant {
        Instant::from_origin(self.0.lock().unwrap().now)
    }

    fn sleep_until(&self, deadline: Instant) -> HandSleep {
        self.0.lock().unwrap().arms += 1;
        HandSleep { timer: self.clone(), deadline }
    }
}

pub(super) struct HandSleep {
    timer: HandTimer,
    deadline: Instant,
}

impl Future for HandSleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut state = self.timer.0.lock().unwrap();
        if Instant::from_origin(state.now) >= self.deadline {
            return Poll::Ready(());
        }
        state.waiting.push((self.deadline, cx.waker().clone()));
        Poll::Pending
    }
}

impl Sleep for HandSleep {
    fn deadline(&self) -> Instant {
        self.deadline
    }

    fn reset(mut self: Pin<&mut Self>, deadline: Instant) {
        self.timer.0.lock().unwrap().arms += 1;
        self.deadline = deadline;
    }
}

/// A waker that counts its calls
#[derive(Default)]
pub(super) struct Flag(AtomicUsize);

impl Flag {
    pub(super) fn new() -> Arc<Self> {
        Arc::default()
    }

    /// How often it was called since it was last asked
    pub(super) fn take(&self) -> usize {
        self.0.swap(0, Ordering::SeqCst)
    }
}

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}
