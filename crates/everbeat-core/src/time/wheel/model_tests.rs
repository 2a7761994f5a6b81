//! The table of deadlines against a naive model, a plain `Vec`, under random operations and times.

use core::time::Duration;
use std::vec::Vec;

use proptest::prelude::*;

use super::deadlines::{DeadlineKey, Deadlines, TICK};
use crate::time::Instant;

#[derive(Clone, Debug)]
enum Op {
    /// Milliseconds from now; negative is the past
    Insert(i64),
    Move(usize, i64),
    Remove(usize),
    /// Milliseconds
    Advance(u64),
}

/// Up to four revolutions, with the near future as likely as all the rest
fn distance() -> impl Strategy<Value = i64> {
    prop_oneof![-500..2_000i64, -500..200_000i64]
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        4 => distance().prop_map(Op::Insert),
        2 => (any::<usize>(), distance()).prop_map(|(which, by)| Op::Move(which, by)),
        1 => any::<usize>().prop_map(Op::Remove),
        3 => prop_oneof![0..120u64, 0..3_000u64, 0..150_000u64].prop_map(Op::Advance),
    ]
}

#[derive(Clone, Copy, Debug)]
struct Expected {
    id: u32,
    key: DeadlineKey,
    deadline: Instant,
    /// When the table was told of the deadline: one that had passed is due a tick after this
    told: Instant,
}

impl Expected {
    fn latest(&self) -> Instant {
        self.deadline.max(self.told) + TICK
    }
}

fn at(now: u64, by: i64) -> Instant {
    Instant::from_origin(Duration::from_millis(now.saturating_add_signed(by)))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn is_never_early_at_most_a_tick_late_and_keeps_the_same_set(
        start in 0..10_000_000u64,
        ops in proptest::collection::vec(op(), 1..200),
    ) {
        let mut table = Deadlines::new();
        let mut model: Vec<Expected> = Vec::new();
        let mut now = start;
        table.advance(at(now, 0), &mut Vec::new());
        let mut gone: Vec<DeadlineKey> = Vec::new();
        for (id, op) in (0u32..).zip(ops) {
            match op {
                Op::Insert(by) => {
                    let (deadline, told) = (at(now, by), at(now, 0));
                    let key = table.insert(deadline, id);
                    model.push(Expected { id, key, deadline, told });
                }
                Op::Move(which, by) if !model.is_empty() => {
                    let which = which % model.len();
                    let expected = &mut model[which];
                    (expected.deadline, expected.told) = (at(now, by), at(now, 0));
                    prop_assert!(table.move_to(expected.key, expected.deadline));
                }
                Op::Remove(which) if !model.is_empty() => {
                    let expected = model.swap_remove(which % model.len());
                    prop_assert_eq!(table.remove(expected.key), Some(expected.id));
                    gone.push(expected.key);
                }
                Op::Advance(by) => {
                    now += by;
                    check_advance(&mut table, &mut model, &mut gone, at(now, 0))?;
                }
                Op::Move(..) | Op::Remove(..) => {}
            }
            prop_assert_eq!(table.len(), model.len());
            let earliest = model.iter().map(Expected::latest).min();
            prop_assert!(earliest.is_none_or(|latest| table.poll_timeout() <= latest));
            prop_assert_eq!(model.is_empty(), table.poll_timeout() == Instant::NEVER);
        }
        for key in gone {
            prop_assert!(!table.move_to(key, at(now, 0)), "a key outlived its deadline");
            prop_assert_eq!(table.remove(key), None);
        }
        // The last revolution takes everything out, and nothing is left in any list.
        check_advance(&mut table, &mut model, &mut Vec::new(), at(now, 300_000))?;
        prop_assert!(model.is_empty() && table.is_empty());
    }

    #[test]
    fn turned_when_it_asks_to_be_it_is_exact_to_the_tick_and_seldom_asks(
        distances in proptest::collection::vec(1..400_000u64, 1..60),
    ) {
        let mut table = Deadlines::new();
        for &distance in &distances {
            table.insert(at(distance, 0), at(distance, 0));
        }
        let mut due = Vec::new();
        let mut asked = 0;
        while !table.is_empty() {
            let now = table.poll_timeout();
            due.clear();
            table.advance(now, &mut due);
            asked += 1;
            for (tick, deadline) in &due {
                prop_assert_eq!(*tick, now);
                prop_assert!(*deadline <= now && now < *deadline + TICK, "{deadline:?} at {now:?}");
            }
        }
        // Once for each when it is due, and once for each revolution before: 400 s are under eight.
        prop_assert!(asked <= distances.len() * 8);
    }
}

fn check_advance(
    table: &mut Deadlines<u32>,
    model: &mut Vec<Expected>,
    gone: &mut Vec<DeadlineKey>,
    now: Instant,
) -> Result<(), TestCaseError> {
    let mut due = Vec::new();
    table.advance(now, &mut due);
    prop_assert!(due.is_sorted_by_key(|(tick, _)| *tick), "out of order: {due:?}");
    for (tick, id) in due {
        let Some(which) = model.iter().position(|expected| expected.id == id) else {
            return Err(TestCaseError::fail("an unknown or repeated payload"));
        };
        let expected = model.swap_remove(which);
        prop_assert!(expected.deadline <= tick && tick <= now, "early: {expected:?} at {tick:?}");
        prop_assert!(tick <= expected.latest(), "{expected:?} at {tick:?}");
        gone.push(expected.key);
    }
    let late = model.iter().find(|expected| expected.latest() <= now);
    prop_assert!(late.is_none(), "late: {late:?} at {now:?}");
    Ok(())
}

#[test]
fn freed_places_are_reused() {
    let mut table = Deadlines::new();
    let mut due = Vec::new();
    for round in 0..1_000u64 {
        let keys: Vec<_> = (0..10).map(|by| table.insert(at(round * 100, by), round)).collect();
        for key in &keys[..5] {
            assert_eq!(table.remove(*key), Some(round));
        }
        table.advance(at((round + 1) * 100, 0), &mut due);
    }
    assert_eq!(due.len(), 5_000);
    assert!(table.is_empty());
    assert_eq!(table.capacity(), 128, "one chunk");
}

#[test]
fn deadlines_at_both_ends_of_time_are_kept() {
    let mut table = Deadlines::new();
    table.insert(Instant::NEVER, "never");
    let first = table.insert(Instant::ORIGIN, "first");
    let mut due = Vec::new();
    table.advance(Instant::ORIGIN + TICK, &mut due);
    assert_eq!(due, [(Instant::ORIGIN + TICK, "first")]);
    assert_eq!(table.remove(first), None);
    table.advance(Instant::from_origin(Duration::from_secs(1 << 30)), &mut due);
    assert_eq!((due.len(), table.len()), (1, 1));
    assert_eq!(table.into_payloads().collect::<Vec<_>>(), ["never"]);
}
