//! The wheel under threads: no wake-up is lost, no sleep is early, nothing is left behind.

use core::num::NonZeroUsize;
use core::pin::{Pin, pin};
use core::sync::atomic::{AtomicBool, Ordering};
use core::task::{Context, Poll, Waker};
use core::time::Duration;
use std::sync::Arc;
use std::sync::mpsc;
use std::task::Wake;
use std::thread::{self, Thread};
use std::vec::Vec;

use super::hand_timer::HandTimer;
use super::{Slot, Wheel};
use crate::time::{Instant, Sleep, Timer};

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    // A new waker each time, so that slots see tasks change.
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}

/// One task's life: sleeps of all lengths, some moved, some handed to another waker, some dropped
fn sleeper(wheel: &Wheel<HandTimer>, seed: u64) {
    let mut random = fastrand::Rng::with_seed(seed);
    for _ in 0..400 {
        let mut distance = || Duration::from_millis(random.u64(0..400));
        let first = wheel.now() + distance();
        let mut slot = wheel.sleep_until(first);
        let other = wheel.sleep_until(wheel.now() + distance());
        let moved = wheel.now() + distance();
        match random.u32(0..5) {
            0 => {
                block_on(&mut slot);
                assert!(wheel.now() >= first);
            }
            1 => {
                _ = pin!(&mut slot).poll(&mut Context::from_waker(Waker::noop()));
                reset(&mut slot, moved);
                block_on(&mut slot);
                assert!(wheel.now() >= moved);
            }
            2 => {
                block_on(other);
                block_on(&mut slot);
                assert!(wheel.now() >= first);
                reset(&mut slot, moved);
                block_on(slot);
                assert!(wheel.now() >= moved);
            }
            3 => {
                // A task that ends, and one after it that may get its address.
                let gone = Waker::from(Arc::new(Unpark(thread::current())));
                _ = pin!(&mut slot).poll(&mut Context::from_waker(&gone));
                drop(gone);
                block_on(&mut slot);
                assert!(wheel.now() >= first);
                block_on(other);
            }
            _ => _ = pin!(slot).poll(&mut Context::from_waker(Waker::noop())),
        }
    }
}

fn reset(slot: &mut Slot, deadline: Instant) {
    Pin::new(slot).reset(deadline);
}

#[test]
fn no_wake_up_is_lost_between_sleepers_turns_and_clock() {
    let timer = HandTimer::default();
    let wheel = Wheel::with_shards(timer.clone(), NonZeroUsize::new(2).unwrap());
    let turns: Vec<_> = wheel.turns().map(|turn| thread::spawn(move || block_on(turn))).collect();
    let over = Arc::new(AtomicBool::new(false));
    let clock = thread::spawn({
        let over = over.clone();
        move || {
            while !over.load(Ordering::Relaxed) {
                timer.advance(Duration::from_millis(3));
                thread::yield_now();
            }
        }
    });
    let (done, finished) = mpsc::channel();
    for seed in 0..4 {
        let (wheel, done) = (wheel.clone(), done.clone());
        thread::spawn(move || {
            sleeper(&wheel, seed);
            done.send(()).unwrap();
        });
    }
    drop(done);
    for _ in 0..4 {
        // The clock runs on: only a lost wake-up, or a failed assertion, keeps a sleeper.
        assert_eq!(finished.recv_timeout(Duration::from_secs(120)), Ok(()));
    }
    assert!(wheel.is_empty());
    drop(wheel);
    turns.into_iter().for_each(|turn| turn.join().unwrap());
    over.store(true, Ordering::Relaxed);
    clock.join().unwrap();
}
