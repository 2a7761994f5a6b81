//! Slots against a naive model: many on one shard, which know their entries by place only, under
//! random polls by several tasks, moves, drops and times.

use core::task::{Context, Waker};
use std::sync::Arc;
use std::task::Wake;
use std::vec::Vec;

use proptest::prelude::*;

use super::Slot;
use super::deadlines::TICK;
use super::hand_timer::Flag;
use super::task::Kinds;
use super::tests::{Rig, poll, reset};
use crate::time::{Instant, Sleep, Timer};

const TASKS: usize = 3;

#[derive(Clone, Debug)]
enum Op {
    /// Milliseconds from now
    Come(u64),
    Poll(usize, usize),
    Reset(usize, u64),
    Drop(usize),
    Advance(u64),
}

fn op() -> impl Strategy<Value = Op> {
    let distance = || prop_oneof![4 => 0..3_000u64, 2 => 0..120_000u64, 1 => 0..9_000_000u64];
    prop_oneof![
        3 => distance().prop_map(Op::Come),
        6 => (any::<usize>(), 0..TASKS).prop_map(|(which, task)| Op::Poll(which, task)),
        3 => (any::<usize>(), distance()).prop_map(|(which, by)| Op::Reset(which, by)),
        1 => any::<usize>().prop_map(Op::Drop),
        4 => prop_oneof![0..120u64, 0..3_000u64, 0..150_000u64].prop_map(Op::Advance),
    ]
}

struct Expected {
    slot: Slot,
    deadline: Instant,
    /// When the wheel was last told: a deadline that had passed is due a tick after this
    told: Instant,
    /// Which task polled last, unless that poll was ready
    task: Option<usize>,
    /// How often that task has been woken, by anybody, when it polled
    woken: usize,
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn are_never_early_and_wake_the_task_that_polled_last_within_a_tick(
        ops in proptest::collection::vec(op(), 1..200),
    ) {
        let mut rig = Rig::new();
        let tasks: [Arc<Flag>; TASKS] = core::array::from_fn(|_| Flag::new());
        let mut woken = [0; TASKS];
        let mut model: Vec<Expected> = Vec::new();
        for op in ops {
            match op {
                Op::Come(by) => {
                    let (slot, deadline) = (rig.sleep(by), rig.after(by));
                    let told = rig.timer.now();
                    model.push(Expected { slot, deadline, told, task: None, woken: 0 });
                }
                Op::Poll(which, task) if !model.is_empty() => {
                    let which = which % model.len();
                    let expected = &mut model[which];
                    let due = poll(&mut expected.slot, &tasks[task]).is_ready();
                    let now = rig.timer.now();
                    prop_assert!(!due || expected.deadline <= now, "early");
                    expected.told = now;
                    expected.task = (!due).then_some(task);
                    expected.woken = woken[task] + tasks[task].take();
                    woken[task] = expected.woken;
                }
                Op::Reset(which, by) if !model.is_empty() => {
                    let which = which % model.len();
                    let expected = &mut model[which];
                    (expected.deadline, expected.told) = (rig.after(by), rig.timer.now());
                    reset(&mut expected.slot, expected.deadline);
                }
                Op::Drop(which) if !model.is_empty() => {
                    model.swap_remove(which % model.len());
                }
                Op::Advance(by) => {
                    rig.settle();
                    rig.advance(by);
                    for (woken, task) in woken.iter_mut().zip(&tasks) {
                        *woken += task.take();
                    }
                    let now = rig.timer.now();
                    for expected in &model {
                        let Some(task) = expected.task else { continue };
                        let latest = expected.deadline.max(expected.told) + TICK;
                        let over = latest <= now;
                        prop_assert!(!over || woken[task] > expected.woken, "a lost wake-up");
                    }
                }
                _ => {}
            }
            prop_assert!(rig.wheel.len() <= model.len());
            prop_assert!(model.iter().all(|expected| expected.slot.deadline() == expected.deadline));
        }
        drop(model);
        prop_assert!(rig.wheel.is_empty());
        for task in &tasks {
            prop_assert_eq!(Arc::strong_count(task), 1, "a waker was kept");
        }
    }
}

struct Nth<const N: usize>(usize);

impl<const N: usize> Wake for Nth<N> {
    fn wake(self: Arc<Self>) {
        assert_eq!(self.0, N, "kinds of different code, so that the linker cannot make them one");
    }
}

fn nth<const N: usize>() -> Waker {
    Waker::from(Arc::new(Nth::<N>(N)))
}

#[test]
fn kinds_of_wakers_are_told_apart_and_those_beyond_the_seventh_are_equal_to_none() {
    let wakers = [
        nth::<0>(),
        nth::<1>(),
        nth::<2>(),
        nth::<3>(),
        nth::<4>(),
        nth::<5>(),
        nth::<6>(),
        nth::<7>(),
        nth::<8>(),
    ];
    wakers.iter().for_each(Waker::wake_by_ref);
    let kinds = Kinds::default();
    for (n, waker) in wakers.iter().enumerate() {
        let kind = kinds.of(waker);
        assert_eq!(kinds.of(waker), kind);
        for (m, other) in wakers.iter().enumerate() {
            assert_eq!(kinds.is(kind, other), n == m && n < 7, "{n} and {m}");
        }
    }
}

#[test]
fn a_waker_of_an_eighth_kind_is_obeyed_too() {
    let mut rig = Rig::new();
    for waker in
        [nth::<0>(), nth::<1>(), nth::<2>(), nth::<3>(), nth::<4>(), nth::<5>(), nth::<6>()]
    {
        rig.wheel.shards().for_each(|shard| assert!(shard.kinds().of(&waker).get() < 8));
    }
    let flag = Flag::new();
    let mut slot = rig.sleep(100);
    for _ in 0..3 {
        assert!(poll(&mut slot, &flag).is_pending());
    }
    let noop = core::pin::Pin::new(&mut slot).poll(&mut Context::from_waker(Waker::noop()));
    assert!(noop.is_pending());
    assert!(poll(&mut slot, &flag).is_pending());
    rig.settle();
    rig.advance(100);
    assert_eq!(flag.take(), 1);
}
