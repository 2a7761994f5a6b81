//! Who is woken for what, that it is by one waker as long as one is enough, and that no wake-up is
//! lost, wherever the connection is polled.

use std::sync::atomic::AtomicUsize;
use std::sync::mpsc;
use std::sync::{Arc, Mutex, OnceLock};
use std::thread::{self, Thread};
use std::time::Duration;

use super::*;
use crate::expire::GoodFor;
use crate::testing::{Calls, Unpark, record};

#[test]
fn the_latest_waker_is_called_each_time_that_something_is_told() {
    let record = record(1_000, 1_000);
    let (old, new) = (Arc::<Calls>::default(), Arc::<Calls>::default());
    let wakers = [Waker::from(old.clone()), Waker::from(new.clone())];
    let cx = wakers.each_ref().map(Context::from_waker);
    let poll = |cx| record.poll_told(cx).0;
    assert!(!poll(&cx[0]).ordered());
    assert!(!poll(&cx[1]).ordered());
    for told in 1..=3 {
        record.look();
        assert_eq!(new.0.load(Ordering::SeqCst), told);
        assert!(!poll(&cx[1]).cut());
    }
    record.tell_ordered();
    let told = poll(&cx[1]);
    assert!(told.ordered() && !told.cut());
    record.cut();
    assert!(poll(&cx[1]).cut());
    assert_eq!((old.0.load(Ordering::SeqCst), new.0.load(Ordering::SeqCst)), (0, 5));
}

/// A task that is polled for other reasons while somebody tells it something
#[test]
fn nothing_is_lost_after_a_poll_in_the_middle_of_a_telling() {
    for round in 0..20_000 {
        let record = record(1_000, 1_000);
        let calls = Arc::<Calls>::default();
        let waker = Waker::from(calls.clone());
        let cx = Context::from_waker(&waker);
        drop(record.poll_told(&cx));
        let step = AtomicUsize::new(0);
        thread::scope(|scope| {
            scope.spawn(|| {
                step.store(1, Ordering::SeqCst);
                record.look();
                step.store(2, Ordering::SeqCst);
            });
            while step.load(Ordering::SeqCst) != 2 {
                drop(record.poll_told(&cx));
            }
        });
        // What the executor owes for the wake-ups so far
        drop(record.poll_told(&cx));
        let before = calls.0.load(Ordering::SeqCst);
        record.cut();
        assert!(calls.0.load(Ordering::SeqCst) > before, "asleep for good, round {round}");
    }
}

#[test]
fn one_waker_is_left_by_a_connection_in_its_handlers_task() {
    let record = record(1_000, 1_000);
    let calls = Arc::<Calls>::default();
    let waker = Waker::from(calls.clone());
    let cx = &Context::from_waker(&waker);
    for _ in 0..3 {
        let (_, _here) = record.poll_told(cx);
        assert!(!record.poll_raised(cx));
    }
    assert!(record.corner.lock().is_none());
    assert_eq!(Arc::strong_count(&calls), 3, "ours, the context's, and the one that was left");
}

#[test]
fn who_polls_the_connection_is_woken_for_its_mail_wherever_that_is() {
    let record = record(1_000, 1_000);
    let (handler, other) = (Arc::<Calls>::default(), Arc::<Calls>::default());
    let wakers = [Waker::from(handler.clone()), Waker::from(other.clone())];
    let [home, away] = &wakers.each_ref().map(Context::from_waker);
    let calls = || (handler.0.load(Ordering::SeqCst), other.0.load(Ordering::SeqCst));
    let mail = |woken, why| {
        record.put("x".into()).unwrap();
        record.put("y".into()).unwrap();
        assert_eq!(calls(), woken, "{why}");
    };
    let poll_at_home = |by: &Context<'_>| {
        let (_, _here) = record.poll_told(home);
        record.poll_raised(by)
    };
    assert!(!poll_at_home(home));
    mail((1, 0), "in its handler's task");
    assert!(poll_at_home(home));
    drop(record.poll_told(home));
    assert!(!record.poll_raised(away));
    mail((1, 1), "moved to another");
    record.look();
    assert_eq!(calls(), (2, 1), "the handler's task is still told");
    drop(record.poll_told(home));
    assert!(record.poll_raised(away));
    assert!(!poll_at_home(home));
    mail((3, 1), "and back");
    assert!(poll_at_home(away));
    mail((3, 2), "in its handler's task, by a waker of somebody's own");
    assert!(poll_at_home(away));
    // Another connection's task has this one
    let neighbour = crate::testing::record(1_000, 1_000);
    drop(record.poll_told(home));
    {
        let (_, _here) = neighbour.poll_told(away);
        assert!(!record.poll_raised(away));
    }
    mail((3, 3), "in the task of another's handler");
}

/// Who takes it to be quiet looks no further: each reason why it may not be is one by itself
#[test]
fn it_is_quiet_in_its_handlers_task_alone_and_while_nothing_is_left_there() {
    let record = record(1_000, 1_000);
    let wakers = [0, 1].map(|_| Waker::from(Arc::<Calls>::default()));
    let [home, away] = &wakers.each_ref().map(Context::from_waker);
    assert!(!record.is_quiet(home), "nobody polls its handler");
    {
        let (_, _here) = record.poll_told(home);
        assert!(record.is_quiet(home));
        assert!(!record.is_quiet(away), "by a waker that is not the one that was left");
        record.put("x".into()).unwrap();
        assert!(!record.is_quiet(home), "something was left");
        assert!(record.poll_raised(home));
        assert!(record.is_quiet(home), "and was seen");
        assert!(!record.poll_raised(away));
        assert!(!record.is_quiet(home), "another's waker is there, and would be called instead");
        assert!(!record.poll_raised(home));
        assert!(record.is_quiet(home), "and was taken away");
    }
    assert!(!record.is_quiet(home), "nobody polls its handler any more");
}

/// Two tasks that pass a connection to each other, and somebody who leaves one message at a time, so
/// that nothing else would wake them
#[test]
fn no_mail_is_slept_over_by_a_connection_that_is_moved_about() {
    const MESSAGES: usize = 5_000;
    let record = &record(usize::MAX, usize::MAX);
    // Who has the connection, and how many messages it has received
    let (owner, over) = (&Mutex::new((0, 0_usize)), &AtomicUsize::new(0));
    let threads = &OnceLock::<Vec<Thread>>::new();
    let (received, receipts) = mpsc::channel();
    let slept = thread::scope(|scope| {
        let tasks = [0, 1].map(|number| {
            let received = received.clone();
            scope.spawn(move || {
                let waker = Waker::from(Arc::new(Unpark(thread::current())));
                let cx = &Context::from_waker(&waker);
                while over.load(Ordering::SeqCst) == 0 {
                    // The first is the handler's
                    let here = (number == 0).then(|| record.poll_told(cx));
                    let mut owner = owner.lock().unwrap();
                    // Not only when it is woken, so that messages come in the midst of it
                    for _ in 0..10 {
                        if owner.0 != number || !record.poll_raised(cx) {
                            continue;
                        }
                        while record.pop().is_some() {
                            owner.1 += 1;
                            received.send(()).unwrap();
                        }
                        if owner.1 % 3 == 0 {
                            owner.0 = 1 - number;
                            threads.get().unwrap()[owner.0].unpark();
                        }
                    }
                    drop(owner);
                    drop(here);
                    thread::park();
                }
            })
        });
        threads.set(tasks.iter().map(|task| task.thread().clone()).collect()).unwrap();
        let slept = (0..MESSAGES).find(|number| {
            // At another moment each time of what the others do meanwhile
            (0..number * 97 % 8_192).for_each(|_| std::hint::spin_loop());
            record.put("x".into()).unwrap();
            receipts.recv_timeout(Duration::from_secs(20)).is_err()
        });
        over.store(1, Ordering::SeqCst);
        tasks.iter().for_each(|task| task.thread().unpark());
        slept
    });
    assert_eq!(slept, None, "asleep for good although something is there");
}

#[test]
fn an_authentication_is_told_once_and_the_last_one_counts() {
    let record = record(1_000, 1_000);
    let told = || (record.is_authenticated(), record.take_authenticated());
    assert_eq!(told(), (false, None));
    record.authenticate(Some(Duration::from_secs(7)));
    record.authenticate(None);
    assert_eq!(told(), (true, Some(GoodFor::ByTheRules)));
    assert_eq!(told(), (false, None));
    record.authenticate(Some(Duration::from_secs(7)));
    assert_eq!(told(), (true, Some(GoodFor::Time(Duration::from_secs(7)))));
}
