//! The simulation: order, time, determinism, and the ways in which it gives up.

#![expect(clippy::unwrap_used, reason = "helpers of tests are tests")]

use std::cell::RefCell;
use std::future::{pending, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use everbeat_core::Spawn;
use everbeat_core::time::Instant;
use everbeat_core::transport::Outgoing;
use everbeat_sim::{Sim, Stop, for_each_seed};

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn tasks_need_not_be_send_and_run_in_the_order_of_their_wakes() {
    let mut sim = Sim::seed(0);
    let order = Rc::new(RefCell::new(Vec::new()));
    for (name, delay) in [("c", 2), ("a", 1), ("d", 2), ("b", 1)] {
        let (order, handle) = (order.clone(), sim.handle());
        sim.spawn(async move {
            order.borrow_mut().push(name);
            handle.sleep(SECOND * delay).await;
            order.borrow_mut().push(name);
        });
    }
    sim.run_for(5 * SECOND).unwrap();
    assert_eq!(*order.borrow(), ["c", "a", "d", "b", "a", "b", "c", "d"]);
    assert_eq!((sim.now(), sim.tasks()), (Instant::ORIGIN + 5 * SECOND, 0));
}

#[test]
fn an_hour_of_nothing_is_one_step() {
    let mut sim = Sim::seed(0);
    let handle = sim.handle();
    let task = sim.spawn(async move { handle.sleep(3_600 * SECOND).await });
    sim.run_for(4_000 * SECOND).unwrap();
    assert!(task.is_finished());
    assert_eq!((task.polls(), sim.trace().events()), (2, 2));
}

#[test]
fn a_task_can_be_awaited_taken_from_and_aborted() {
    let mut sim = Sim::seed(0);
    let sum = sim.spawn(async { 1 + 1 });
    let killed = sim.spawn(pending::<()>());
    let handle = sim.handle();
    let waiter = sim.spawn(async move { (sum.await, killed.await) });
    let victim = Rc::new(());
    let held = victim.clone();
    let holder = sim.spawn(async move {
        let _held = held;
        pending::<()>().await;
    });
    sim.run_for(SECOND).unwrap();
    assert_eq!((waiter.is_finished(), Rc::strong_count(&victim)), (false, 2));
    holder.abort();
    sim.run_for(Duration::ZERO).unwrap();
    assert_eq!((holder.is_finished(), Rc::strong_count(&victim)), (true, 1));
    let spawned = Rc::new(RefCell::new(false));
    let seen = spawned.clone();
    Spawn::spawn(&handle, async move { *seen.borrow_mut() = true });
    sim.run_for(Duration::ZERO).unwrap();
    assert!(*spawned.borrow());
}

#[test]
fn an_aborted_task_yields_nothing() {
    let mut sim = Sim::seed(0);
    let task = sim.spawn(pending::<u32>());
    task.abort();
    assert_eq!(sim.block_on(task, SECOND).unwrap(), None);
}

/// Two chatty ends over a road with jitter, some of it lost
fn chatter(seed: u64) -> (u64, String) {
    let mut sim = Sim::seed(seed);
    let link = sim.link("client", "server");
    link.delay(Duration::from_millis(20)).jitter(Duration::from_millis(10)).rate(5_000);
    let (mut client, mut server) = sim.pipe("client", "server");
    let handle = sim.handle();
    sim.spawn(async move {
        for _ in 0..50 {
            let size = handle.random() % 2_000;
            let message = vec![b'x'; size as usize].into();
            if client.send(Outgoing::Message(message)).await.is_err() {
                break;
            }
        }
    });
    sim.spawn(async move { while let Some(Ok(_)) = server.next().await {} });
    sim.after(8 * SECOND, move || link.cut());
    sim.run_for(60 * SECOND).unwrap();
    (sim.digest(), sim.trace().to_string())
}

#[test]
fn the_same_seed_gives_the_same_history_and_another_seed_another() {
    let digests: Vec<u64> = Sim::seeds(0..20)
        .map(|seed| {
            let (first, second) = (chatter(seed), chatter(seed));
            assert_eq!(first, second, "seed {seed}");
            first.0
        })
        .collect();
    let mut distinct = digests.clone();
    distinct.sort_unstable();
    distinct.dedup();
    assert_eq!(distinct.len(), digests.len());
}

#[test]
fn a_task_that_wakes_itself_for_ever_is_an_error_and_not_a_hang() {
    let mut sim = Sim::seed(42);
    sim.set_step_limit(1_000);
    sim.note("about to spin");
    sim.spawn(poll_fn::<(), _>(|cx| {
        cx.waker().wake_by_ref();
        Poll::Pending
    }));
    let error = sim.run_for(SECOND).unwrap_err();
    assert_eq!((error.stop(), error.seed()), (Stop::Livelock { limit: 1_000 }, 42));
    let text = format!("{error:?}");
    for part in ["over 1000 steps", "set_step_limit", "EVERBEAT_SEED=42", "about to spin"] {
        assert!(text.contains(part), "{text}");
    }
}

#[test]
fn many_steps_are_fine_as_long_as_time_gets_on() {
    let mut sim = Sim::seed(0);
    sim.set_step_limit(10);
    let handle = sim.handle();
    let task = sim.spawn(async move {
        for _ in 0..1_000 {
            handle.sleep(Duration::from_nanos(1)).await;
        }
    });
    sim.run_for(SECOND).unwrap();
    assert!(task.is_finished());
}

#[test]
fn block_on_tells_late_from_stuck() {
    let mut sim = Sim::seed(3);
    let handle = sim.handle();
    let late = sim.block_on(handle.sleep(3 * SECOND), 2 * SECOND).unwrap_err();
    assert_eq!(late.stop(), Stop::TimedOut { limit: 2 * SECOND });
    assert_eq!(late.at(), Instant::ORIGIN + 2 * SECOND);
    let stuck = sim.block_on(pending::<()>(), SECOND).unwrap_err();
    assert_eq!(stuck.stop(), Stop::Stuck);
}

#[test]
fn each_seed_has_a_simulation_of_its_own_and_a_panic_gets_out() {
    let mut seen = Vec::new();
    for_each_seed(5..8, |sim| seen.push((sim.original_seed(), sim.random())));
    let expected: Vec<u64> = Sim::seeds(5..8).collect();
    assert!(seen.iter().map(|(seed, _)| *seed).eq(expected));
    seen.sort_by_key(|(_, random)| *random);
    assert!(seen.windows(2).all(|pair| pair[0].1 != pair[1].1));
    let panics = || for_each_seed(0..1, |_| panic!("as a failing test does"));
    assert!(catch_unwind(AssertUnwindSafe(panics)).is_err());
}
