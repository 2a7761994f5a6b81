//! What a crowd costs, in counts: how its beats spread, what a turn has to do, how often a lock is
//! taken, what memory stays.

use core::pin::{Pin, pin};
use core::task::{Context, Waker};
use core::time::Duration;
use std::sync::Arc;
use std::vec::Vec;

use super::deadlines::TICK;
use super::hand_timer::Flag;
use super::shard::Shard;
use super::tests::{Rig, poll};
use super::turn::BATCH;
use super::{Deadlines, Slot};
use crate::config::HeartbeatConfig;
use crate::heartbeat::Heartbeat;
use crate::time::{Alarm, Instant, Timer};

const CROWD: usize = 100_000;

/// The slots of a crowd that all come in one instant, as after a restart, when their first beats
/// by the server's default are due
fn crowd(rig: &Rig, flag: &Arc<Flag>) -> Vec<(Slot, Instant)> {
    let config = HeartbeatConfig::SERVER;
    let mut slots: Vec<_> = (0..CROWD as u64)
        .map(|seed| Heartbeat::new(config, seed, rig.timer.now()).poll_timeout())
        .map(|due| (rig.wheel.sleep_until(due), due))
        .collect();
    slots.iter_mut().for_each(|(slot, _)| assert!(poll(slot, flag).is_pending()));
    slots
}

/// How often a shard's lock was taken since this was last asked
fn locks(rig: &Rig) -> usize {
    rig.wheel.shards().map(Shard::take_locked).sum()
}

#[test]
fn beats_of_a_hundred_thousand_are_spread_and_those_not_due_cost_nothing() {
    let mut rig = Rig::new();
    let flag = Flag::new();
    let slots = crowd(&rig, &flag);
    rig.settle();
    locks(&rig);
    let ticks = (25.0 / TICK.as_secs_f64()) as usize;
    let (mut busiest, mut total, mut polls, mut looked) = (0, 0, 0, 0);
    for _ in 0..ticks {
        polls += rig.advance(TICK.as_millis() as u64);
        let due = flag.take();
        (busiest, total) = (busiest.max(due), total + due);
        looked += rig.wheel.shards().map(Shard::take_visited).sum::<usize>();
    }
    let locked = locks(&rig);
    std::println!(
        "{CROWD} slots, {ticks} ticks: {total} due, {busiest} in the busiest tick (mean {}), \
         {polls} turns, {locked} locks, {looked} entries looked at",
        total / ticks
    );
    assert_eq!(total, CROWD, "each is due within its first interval");
    assert!(busiest < total / ticks * 3 / 2, "{busiest} in the busiest tick");
    assert_eq!((polls, locked), (ticks, ticks), "one wake-up and one lock a tick");
    assert_eq!(looked, CROWD, "no entry is looked at but when it is due");
    drop(slots);
}

/// One connection's alarm through idle beats: asleep until the Ping, then until the answer's last
/// moment, which the Pong puts off to the next Ping
#[test]
fn a_beat_is_one_wake_up_and_takes_the_lock_twice_and_a_message_never() {
    let mut rig = Rig::new();
    let flag = Flag::new();
    let waker = Waker::from(flag.clone());
    let cx = &mut Context::from_waker(&waker);
    let mut alarm = pin!(Alarm::<Slot>::new());
    let beats = 40;
    let (mut own, mut turns) = (0, 0);
    let mut deadline = rig.after(25_000);
    let mut asked = false;
    locks(&rig);
    for _ in 0..beats * 500 {
        let now = rig.timer.now();
        if alarm.as_mut().poll_due(cx, &rig.wheel, now, deadline).is_ready() {
            asked = true;
            deadline = now + Duration::from_secs(20);
            assert!(alarm.as_mut().poll_due(cx, &rig.wheel, now, deadline).is_pending());
        } else if asked {
            // The Pong, and a hundred messages.
            asked = false;
            alarm.as_mut().put_off(now + Duration::from_secs(25));
            for _ in 0..100 {
                deadline = now + Duration::from_secs(25);
                assert!(alarm.as_mut().poll_due(cx, &rig.wheel, now, deadline).is_pending());
            }
        }
        own += locks(&rig);
        rig.settle();
        rig.advance(50);
        turns += locks(&rig);
    }
    let woken = flag.take();
    std::println!(
        "{beats} beats, {woken} wakes: {own} locks by the connection, {turns} by the turn"
    );
    assert!(
        (beats - 1..=beats).contains(&woken),
        "none at the moment when a Pong would have been late: {woken}"
    );
    assert!(own <= 2 * beats + 1, "{own}");
    assert!(turns <= 3 * beats + 2, "a shard of one turns for each entry, and is told: {turns}");
}

/// A crowd's Pongs, all in one instant: each moves its entry from where they would have been late to
/// its next Ping, and nobody is woken in between
#[test]
fn a_crowd_that_is_put_off_takes_a_lock_each_and_is_woken_once_each() {
    let mut rig = Rig::new();
    let flag = Flag::new();
    let waker = Waker::from(flag.clone());
    let cx = &mut Context::from_waker(&waker);
    let mut alarms: Vec<_> = (0..CROWD).map(|_| Alarm::<Slot>::new()).collect();
    let (now, late, next) = (rig.timer.now(), rig.after(20_000), rig.after(25_000));
    for alarm in &mut alarms {
        assert!(Pin::new(alarm).poll_due(cx, &rig.wheel, now, late).is_pending());
    }
    rig.settle();
    locks(&rig);
    for alarm in &mut alarms {
        Pin::new(&mut *alarm).put_off(next);
        assert!(Pin::new(alarm).poll_due(cx, &rig.wheel, now, next).is_pending());
    }
    assert_eq!(locks(&rig), CROWD);
    rig.advance(24_950);
    assert_eq!(flag.take(), 0, "nobody at the old deadline");
    assert_eq!(rig.wheel.shards().map(Shard::take_visited).sum::<usize>(), 0);
    rig.advance(50);
    assert_eq!(flag.take(), CROWD);
    for alarm in &mut alarms {
        assert!(Pin::new(alarm).poll_due(cx, &rig.wheel, next, next).is_ready());
    }
}

#[test]
fn who_is_due_at_once_is_woken_in_batches_and_nobody_is_forgotten() {
    let crowd = 5 * BATCH;
    for dropped in [false, true] {
        let mut rig = Rig::new();
        let flag = Flag::new();
        let mut slots: Vec<_> = (0..crowd).map(|_| rig.sleep(1_000)).collect();
        slots.iter_mut().for_each(|slot| assert!(poll(slot, &flag).is_pending()));
        rig.settle();
        rig.timer.advance(Duration::from_secs(1));
        assert!(rig.poll_turn().is_pending());
        assert_eq!(flag.take(), BATCH, "others may run in between");
        let wheel = rig.wheel.clone();
        if dropped {
            drop(rig);
        } else {
            assert_eq!(rig.settle(), 5, "four batches more, and a look that finds nothing");
        }
        assert_eq!(flag.take(), crowd - BATCH);
        slots.iter_mut().for_each(|slot| assert!(poll(slot, &flag).is_ready()));
        assert!(wheel.is_empty());
    }
}

#[test]
fn a_stall_is_caught_up_with_tick_by_tick_not_in_one_lock() {
    let mut rig = Rig::new();
    let flag = Flag::new();
    let slots = crowd(&rig, &flag);
    rig.settle();
    let shard = rig.wheel.shards().next().unwrap();
    shard.take_visited();
    rig.timer.advance(Duration::from_secs(25));
    assert!(rig.poll_turn().is_pending());
    let looked: usize = rig.wheel.shards().map(Shard::take_visited).sum();
    assert!((BATCH..2 * BATCH).contains(&looked), "{looked} in one turn");
    rig.settle();
    assert_eq!(flag.take(), CROWD);
    drop(slots);
}

#[test]
fn an_entry_is_32_bytes_and_a_slot_that_does_not_wait_has_none() {
    #[cfg(target_pointer_width = "64")]
    assert_eq!(Deadlines::<Waker>::ENTRY_BYTES, 32);
    let rig = Rig::new();
    let _slots: Vec<_> = (0..CROWD).map(|_| rig.sleep(1_000)).collect();
    assert!(rig.wheel.shards().map(Shard::capacity).eq([0]));
}

#[test]
fn slack_is_a_chunk_and_after_a_crowd_has_left_its_memory_is_given_back() {
    let mut rig = Rig::new();
    let flag = Flag::new();
    let mut slots = crowd(&rig, &flag);
    let capacity = |rig: &Rig| rig.wheel.shards().map(Shard::capacity).sum::<usize>();
    assert!(capacity(&rig) < CROWD + 128, "while it grows: {}", capacity(&rig));

    // Every hundredth stays: one in nearly each chunk.
    let mut nth = 0..;
    slots.retain(|_| nth.next().is_some_and(|n: usize| n % 100 == 0));
    let left = slots.len();
    assert_eq!(rig.wheel.len(), left);
    // One interval later each of them has beaten once, and has a new place.
    for _ in 0..=500 {
        rig.settle();
        rig.advance(50);
        let now = rig.timer.now();
        for (slot, due) in slots.iter_mut().filter(|(_, due)| *due <= now) {
            assert!(poll(slot, &flag).is_ready());
            *due = now + Duration::from_secs(25);
            super::tests::reset(slot, *due);
            assert!(poll(slot, &flag).is_pending());
        }
    }
    let kept = capacity(&rig);
    std::println!("{CROWD} came, {left} stayed: storage for {kept}");
    assert!(kept <= left + left / 4 + 2 * 128, "{kept} for {left}");
    drop(slots);
    assert!(capacity(&rig) <= 128, "one chunk a shard stays");
}
