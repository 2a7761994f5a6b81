//! The wheel by a clock set by hand: the contract of `Timer` and `Sleep` line by line, and what a
//! poll costs.

use core::num::NonZeroUsize;
use core::pin::Pin;
use core::task::{Context, Poll, Waker};
use core::time::Duration;
use std::boxed::Box;
use std::sync::Arc;
use std::sync::mpsc;
use std::vec::Vec;

use super::deadlines::TICK;
use super::hand_timer::{Flag, HandTimer};
use super::shard::Shard;
use super::{Slot, Turn, Wheel};
use crate::time::{Alarm, Instant, Sleep, Timer};

/// A wheel of one shard whose turn is polled when, and only when, it was woken
pub(super) struct Rig {
    pub(super) timer: HandTimer,
    pub(super) wheel: Wheel<HandTimer>,
    turn: Pin<Box<Turn<HandTimer>>>,
    woken: Arc<Flag>,
}

impl Rig {
    pub(super) fn new() -> Self {
        let timer = HandTimer::default();
        let wheel = Wheel::with_shards(timer.clone(), NonZeroUsize::MIN);
        let turn = Box::pin(wheel.turns().next().unwrap());
        let mut rig = Self { timer, wheel, turn, woken: Flag::new() };
        assert!(rig.poll_turn().is_pending());
        rig
    }

    pub(super) fn poll_turn(&mut self) -> Poll<()> {
        let waker = Waker::from(self.woken.clone());
        self.turn.as_mut().poll(&mut Context::from_waker(&waker))
    }

    /// Lets the turn run if it was woken; how often it was polled
    pub(super) fn settle(&mut self) -> usize {
        let mut polls = 0;
        while self.woken.take() > 0 {
            polls += 1;
            assert!(self.poll_turn().is_pending());
        }
        polls
    }

    pub(super) fn advance(&mut self, millis: u64) -> usize {
        self.timer.advance(Duration::from_millis(millis));
        self.settle()
    }

    pub(super) fn after(&self, millis: u64) -> Instant {
        self.timer.now() + Duration::from_millis(millis)
    }

    pub(super) fn sleep(&self, millis: u64) -> Slot {
        self.wheel.sleep_until(self.after(millis))
    }
}

pub(super) fn poll(slot: &mut Slot, flag: &Arc<Flag>) -> Poll<()> {
    let waker = Waker::from(flag.clone());
    Pin::new(slot).poll(&mut Context::from_waker(&waker))
}

pub(super) fn reset(slot: &mut Slot, deadline: Instant) {
    Pin::new(slot).reset(deadline);
}

#[test]
fn a_sleep_is_never_early_and_at_most_a_tick_late() {
    for distance in (0..400).step_by(7) {
        let mut rig = Rig::new();
        rig.advance(13);
        let (flag, deadline) = (Flag::new(), rig.after(distance));
        let mut slot = rig.wheel.sleep_until(deadline);
        assert!(poll(&mut slot, &flag).is_pending());
        while flag.take() == 0 {
            rig.advance(1);
            assert!(rig.timer.now() <= deadline + TICK, "{distance} ms: late");
        }
        assert!(poll(&mut slot, &flag).is_ready());
        assert!(rig.timer.now() >= deadline, "{distance} ms: early");
    }
}

#[test]
fn a_deadline_that_has_passed_completes_within_a_tick() {
    let mut rig = Rig::new();
    rig.advance(3_600_000);
    let flag = Flag::new();
    let mut slot = rig.wheel.sleep_until(Instant::ORIGIN + TICK);
    if poll(&mut slot, &flag).is_pending() {
        rig.settle();
        rig.advance(50);
        assert_eq!(flag.take(), 1);
        assert!(poll(&mut slot, &flag).is_ready());
    }
}

#[test]
fn a_reset_to_an_earlier_deadline_is_obeyed_even_without_a_poll() {
    let mut rig = Rig::new();
    let flag = Flag::new();
    let mut slot = rig.sleep(10_000);
    assert!(poll(&mut slot, &flag).is_pending());
    let earlier = rig.after(1_000);
    reset(&mut slot, earlier);
    rig.settle();
    rig.advance(999);
    assert_eq!(flag.take(), 0);
    rig.advance(1);
    assert_eq!(flag.take(), 1);
    assert!(poll(&mut slot, &flag).is_ready());
}

#[test]
fn a_reset_by_a_few_ticks_is_obeyed_to_the_tick() {
    for by in (1..300).step_by(7) {
        let mut rig = Rig::new();
        let flag = Flag::new();
        let mut slot = rig.sleep(1_000);
        assert!(poll(&mut slot, &flag).is_pending());
        let earlier = rig.after(1_000 - by);
        reset(&mut slot, earlier);
        rig.settle();
        while flag.take() == 0 {
            rig.advance(1);
            assert!(rig.timer.now() <= earlier + TICK, "{by} ms: late");
        }
        assert!(poll(&mut slot, &flag).is_ready());
        assert!(rig.timer.now() >= earlier, "{by} ms: early");
    }
}

#[test]
fn a_reset_into_the_past_completes_and_leaves_no_entry() {
    let mut rig = Rig::new();
    rig.advance(1_000);
    let flag = Flag::new();
    let mut slot = rig.sleep(10_000);
    assert!(poll(&mut slot, &flag).is_pending());
    reset(&mut slot, Instant::ORIGIN);
    assert_eq!(flag.take(), 1, "the task is told, for it may not poll by itself");
    assert!(poll(&mut slot, &flag).is_ready());
    assert!(rig.wheel.is_empty());
    rig.settle();
    rig.advance(100);
    assert_eq!(flag.take(), 0);
}

#[test]
fn a_reset_to_a_later_deadline_is_no_wake_up_in_between() {
    for by in [1, 49, 50, 1_000, 4_000_000] {
        let mut rig = Rig::new();
        let flag = Flag::new();
        let mut slot = rig.sleep(1_000);
        assert!(poll(&mut slot, &flag).is_pending());
        let deadline = rig.after(1_000 + by);
        reset(&mut slot, deadline);
        assert!(poll(&mut slot, &flag).is_pending());
        rig.settle();
        rig.advance(1_000 + by - 1);
        assert_eq!(flag.take(), 0, "{by} ms");
        rig.advance(50);
        assert_eq!(flag.take(), 1);
        assert!(poll(&mut slot, &flag).is_ready());
        assert!(rig.timer.now() >= deadline);
    }
}

#[test]
fn a_completed_sleep_stays_so_and_may_be_reset() {
    let mut rig = Rig::new();
    let flag = Flag::new();
    let mut slot = rig.sleep(100);
    assert!(poll(&mut slot, &flag).is_pending());
    rig.settle();
    rig.advance(100);
    assert_eq!(flag.take(), 1);
    for _ in 0..3 {
        assert!(poll(&mut slot, &flag).is_ready());
    }
    let later = rig.after(100);
    reset(&mut slot, later);
    assert!(poll(&mut slot, &flag).is_pending());
    rig.settle();
    rig.advance(99);
    assert!(poll(&mut slot, &flag).is_pending());
    rig.advance(1);
    assert_eq!(flag.take(), 1);
    assert!(poll(&mut slot, &flag).is_ready());
}

#[test]
fn the_latest_waker_is_the_one_that_is_woken() {
    let mut rig = Rig::new();
    let (first, second) = (Flag::new(), Flag::new());
    let mut slot = rig.sleep(100);
    assert!(poll(&mut slot, &first).is_pending());
    assert!(poll(&mut slot, &second).is_pending());
    rig.settle();
    rig.advance(100);
    assert_eq!((first.take(), second.take()), (0, 1));
}

#[test]
fn dropping_cancels_and_frees_the_entry() {
    let mut rig = Rig::new();
    let flag = Flag::new();
    let mut slots: Vec<_> = (0..100).map(|by| rig.sleep(100 + by)).collect();
    slots.iter_mut().for_each(|slot| assert!(poll(slot, &flag).is_pending()));
    assert_eq!(rig.wheel.len(), 100);
    drop(slots);
    assert!(rig.wheel.is_empty());
    rig.settle();
    rig.advance(1_000);
    assert_eq!(flag.take(), 0);
    assert_eq!(Arc::strong_count(&flag), 1, "a waker was kept");
}

#[test]
fn polling_again_takes_no_lock() {
    let rig = Rig::new();
    let (flag, wheel) = (Flag::new(), rig.wheel.clone());
    let mut slot = rig.sleep(1_000);
    assert!(poll(&mut slot, &flag).is_pending());
    let (sender, receiver) = mpsc::channel();
    let (go, going) = mpsc::channel();
    let poller = std::thread::spawn(move || {
        going.recv().unwrap();
        let pending = poll(&mut slot, &flag).is_pending();
        let same_tick = wheel.now() + Duration::from_millis(999);
        reset(&mut slot, same_tick);
        sender.send(pending && poll(&mut slot, &flag).is_pending()).unwrap();
    });
    let guard = rig.wheel.shards().next().map(Shard::lock);
    go.send(()).unwrap();
    let polled = receiver.recv_timeout(Duration::from_secs(30));
    drop(guard);
    poller.join().unwrap();
    assert_eq!(polled, Ok(true), "the poll waited for the lock");
}

#[test]
fn many_sleeps_cost_one_sleep_below_and_one_wake_a_tick() {
    let mut rig = Rig::new();
    let flag = Flag::new();
    assert_eq!(rig.timer.arms(), 0, "an idle turn arms nothing");
    let mut slots: Vec<_> = (0..500).map(|by| rig.sleep(1_000 + by % 50)).collect();
    slots.iter_mut().for_each(|slot| assert!(poll(slot, &flag).is_pending()));
    assert_eq!(rig.settle(), 1, "only the first deadline wakes the turn");
    assert_eq!(rig.timer.arms(), 1);
    assert_eq!(rig.advance(1_000), 1, "the tick of the first");
    assert_eq!((rig.advance(50), rig.timer.arms()), (1, 2), "and of the rest");
    assert_eq!(flag.take(), 500);
    slots.iter_mut().for_each(|slot| assert!(poll(slot, &flag).is_ready()));
    assert!(rig.wheel.is_empty());
    assert_eq!(rig.advance(3_600_000), 0, "an empty wheel is not woken");
}

#[test]
fn without_a_turn_a_sleep_waits_and_when_the_turn_is_dropped_it_completes() {
    let timer = HandTimer::default();
    let wheel = Wheel::with_shards(timer.clone(), NonZeroUsize::MIN);
    let flag = Flag::new();
    let mut slot = wheel.sleep_until(Instant::ORIGIN + TICK);
    assert!(poll(&mut slot, &flag).is_pending());
    timer.advance(10 * TICK);
    assert!(poll(&mut slot, &flag).is_pending());

    let turn = wheel.turns().next().unwrap();
    assert_eq!(wheel.turns().count(), 0, "a turn is given out once");
    let mut endless = wheel.sleep_until(Instant::NEVER);
    assert!(poll(&mut endless, &flag).is_pending());
    drop(turn);
    assert_eq!(flag.take(), 2);
    let mut late = wheel.sleep_until(Instant::NEVER);
    for slot in [&mut slot, &mut endless, &mut late] {
        assert!(poll(slot, &flag).is_ready());
        reset(slot, Instant::NEVER);
        assert!(poll(slot, &flag).is_ready());
    }
    assert!(wheel.is_empty());
}

#[test]
fn the_turn_ends_with_the_last_handle_and_the_last_slot() {
    let Rig { wheel, mut turn, woken, .. } = Rig::new();
    let mut poll_turn = || {
        let waker = Waker::from(woken.clone());
        turn.as_mut().poll(&mut Context::from_waker(&waker))
    };
    let slot = wheel.sleep_until(Instant::NEVER);
    drop(wheel);
    assert_eq!(woken.take(), 0);
    assert!(poll_turn().is_pending());
    drop(slot);
    assert_eq!(woken.take(), 1);
    assert!(poll_turn().is_ready());
}

#[test]
fn sleeps_are_spread_over_the_shards() {
    let wheel = Wheel::new(HandTimer::default());
    let flag = Flag::new();
    let mut slots: Vec<_> = (0..80).map(|_| wheel.sleep_until(Instant::NEVER)).collect();
    slots.iter_mut().for_each(|slot| assert!(poll(slot, &flag).is_pending()));
    assert!(wheel.shards().map(Shard::len).eq([10; 8]));
}

#[test]
fn a_slot_is_small_and_crosses_threads() {
    fn crosses_threads<T: Send + Sync + Unpin>() {}
    crosses_threads::<Slot>();
    assert!(size_of::<Slot>() <= 64);
    #[cfg(target_pointer_width = "64")]
    assert_eq!((size_of::<Slot>(), size_of::<Alarm<Slot>>()), (32, 32));
}
