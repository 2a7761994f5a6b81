//! The mailbox by itself: what fits, against a naive model; and that no wake-up is lost between
//! those who leave something and the task that looks.

use std::sync::Arc;
use std::sync::mpsc;
use std::task::{Context, Waker};
use std::thread;

use super::*;
use crate::testing::{Calls, Unpark, record};

#[test]
fn both_limits_hold_and_room_comes_back() {
    let mailbox = record(3, 10);
    assert!(matches!(
        mailbox.put("eleven char".into()),
        Err(MailboxError::TooLarge { limit: 10, .. })
    ));
    mailbox.put("ten chars.".into()).unwrap();
    assert!(matches!(mailbox.put("x".into()), Err(MailboxError::Full { bytes: 10, .. })));
    mailbox.put("".into()).unwrap();
    mailbox.put("".into()).unwrap();
    assert!(matches!(mailbox.put("".into()), Err(MailboxError::Full { messages: 3, .. })));
    assert_eq!(mailbox.pop(), Some("ten chars.".into()));
    mailbox.put("1234567890".into()).unwrap();
    mailbox.close();
    mailbox.end();
    assert_eq!(mailbox.unsent(), ["".into(), "".into(), "1234567890".into()]);
    assert!(mailbox.unsent().is_empty());
}

#[test]
fn the_latest_waker_is_called_once_for_all_that_is_left() {
    let mailbox = record(10, 10);
    let (old, new) = (Arc::<Calls>::default(), Arc::<Calls>::default());
    let wakers = [Waker::from(old.clone()), Waker::from(new.clone())];
    let calls = || (old.0.load(Ordering::SeqCst), new.0.load(Ordering::SeqCst));
    for waker in &wakers {
        assert!(!mailbox.poll_raised(&Context::from_waker(waker)));
    }
    mailbox.put("a".into()).unwrap();
    mailbox.put("b".into()).unwrap();
    mailbox.order(Order::expire(Expired::Evicted));
    assert_eq!(calls(), (0, 1));
    let cx = &Context::from_waker(&wakers[1]);
    assert!(mailbox.poll_raised(cx));
    assert!(!mailbox.poll_raised(cx));
    mailbox.put("c".into()).unwrap();
    assert_eq!(calls(), (0, 2));
}

#[test]
fn a_message_to_many_counts_once_for_as_long_as_somebody_waits_for_it() {
    let [first, second] = [record(3, 100), record(3, 100)];
    let used = first.whose.rules().used.clone();
    let counted = || used.load(Ordering::Relaxed);
    let share = Share::new(10, used.clone());
    for mailbox in [&first, &second] {
        assert!(mailbox.leave("ten chars.".into(), Some(&share)).unwrap());
    }
    first.put("own".into()).unwrap();
    drop(share);
    assert_eq!((counted(), first.queued()), (13, (2, 13)));
    assert_eq!(first.pop(), Some("ten chars.".into()));
    assert_eq!((counted(), first.queued()), (13, (1, 3)));
    second.close();
    assert_eq!((counted(), second.unsent()), (3, vec!["ten chars.".into()]));
    first.close();
    assert_eq!((counted(), first.pop()), (0, Some("own".into())));
    assert_eq!(counted(), 0);
}

#[test]
fn storage_is_given_back_when_empty() {
    let mailbox = record(1_000, 1_000);
    let there = || mailbox.corner.lock().is_some();
    assert!(!there(), "allocates on first use");
    let capacity = || mailbox.corner.lock().as_ref().map_or(0, |aside| aside.messages.capacity());
    for burst in [1, 1_000] {
        for _ in 0..burst {
            mailbox.put("x".into()).unwrap();
        }
        while mailbox.pop().is_some() {}
    }
    assert_eq!(capacity(), 0);
    mailbox.put("x".into()).unwrap();
    mailbox.rest();
    assert_eq!((mailbox.pop(), capacity()), (Some("x".into()), 1), "one is kept for the next");
    mailbox.rest();
    assert!(!there(), "nothing is left of it");
    assert_eq!(
        (mailbox.sent_aside(), mailbox.queued()),
        (1_002, (0, 0)),
        "but what was sent counts"
    );
    mailbox.put("y".into()).unwrap();
    assert_eq!(mailbox.pop(), Some("y".into()));
    assert_eq!(mailbox.sent_aside(), 1_003);
}

#[test]
fn no_wake_up_is_lost() {
    const EACH: usize = 20_000;
    let mailbox = record(usize::MAX, usize::MAX);
    let (done, finished) = mpsc::channel();
    let reader = mailbox.clone();
    thread::spawn(move || {
        let mut count = 0;
        while count < 2 * EACH {
            // Now and then another waker, as a task has that is moved.
            let waker = Waker::from(Arc::new(Unpark(thread::current())));
            for _ in 0..100 {
                if reader.poll_raised(&Context::from_waker(&waker)) {
                    while reader.pop().is_some() {
                        count += 1;
                    }
                } else if count < 2 * EACH {
                    thread::park();
                }
            }
        }
        done.send(count).unwrap();
    });
    for _ in 0..2 {
        let writer = mailbox.clone();
        thread::spawn(move || {
            for count in 0..EACH {
                writer.put("x".into()).unwrap();
                if count % 7 == 0 {
                    thread::yield_now();
                }
            }
        });
    }
    let read = finished.recv_timeout(std::time::Duration::from_secs(60));
    assert_eq!(read, Ok(2 * EACH), "the reader sleeps although something is there");
}
