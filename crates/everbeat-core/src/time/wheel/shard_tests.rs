//! What a slot may find under the lock, when the turn was there between its look and the lock.

use core::time::Duration;
use std::task::Waker;
use std::vec::Vec;

use super::hand_timer::Flag;
use super::shard::{Entry, Shard};
use crate::time::Instant;

const TICK: Duration = Duration::from_millis(50);

/// A shard that has turned beyond an entry, whose place somebody else has now
struct Reused {
    shard: Shard,
    gone: Entry,
    theirs: std::sync::Arc<Flag>,
}

fn reused() -> Reused {
    let shard = Shard::new();
    let (first, second) = (Instant::ORIGIN + TICK, Instant::ORIGIN + 3 * TICK);
    let place = shard.register(first, Waker::noop().clone()).unwrap();
    let mut due = Vec::new();
    shard.turn(first, Waker::noop().clone(), &mut due);
    assert_eq!(due.len(), 1);
    let theirs = Flag::new();
    assert_eq!(shard.register(second, Waker::from(theirs.clone())), Some(place));
    Reused { shard, gone: Entry { place, due_at: first }, theirs }
}

impl Reused {
    /// Whether the other's entry is untouched: its task is woken when it is due, and not before
    fn is_untouched(&self) -> bool {
        let turn = |ticks: u32| {
            let mut due = Vec::new();
            self.shard.turn(Instant::ORIGIN + ticks * TICK, Waker::noop().clone(), &mut due);
            due.into_iter().for_each(|(_, waker)| waker.wake());
            self.theirs.take()
        };
        self.theirs.take() == 0 && turn(2) == 0 && turn(3) == 1
    }
}

#[test]
fn who_comes_too_late_to_free_its_entry_frees_nobody_elses() {
    let reused = reused();
    reused.shard.remove(reused.gone);
    assert!(reused.is_untouched());
}

#[test]
fn who_comes_too_late_to_move_its_entry_moves_nobody_elses() {
    for later in [2, 100] {
        let reused = reused();
        assert!(!reused.shard.move_to(reused.gone, Instant::ORIGIN + later * TICK));
        assert!(reused.is_untouched());
    }
}

#[test]
fn who_comes_too_late_to_hand_its_entry_over_gets_its_waker_back() {
    let reused = reused();
    let ours = Flag::new();
    let given_back = reused.shard.hand_over(reused.gone, Waker::from(ours.clone()));
    assert!(given_back.is_err_and(|waker| waker.will_wake(&Waker::from(ours.clone()))));
    assert!(reused.is_untouched());
}
