//! The mailbox by itself: what fits, against a naive model; and that no wake-up is lost between
//! those who leave something and the task that looks.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::mpsc;
use std::task::Wake;
use std::thread::{self, Thread};

use super::*;
use crate::testing::Calls;

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

fn mailbox(messages: usize, bytes: usize) -> Mailbox {
    let used = AtomicUsize::new(0);
    let room = Room { messages, bytes };
    let rules = Rules { room, slow: None, in_all: usize::MAX, used, live: AtomicUsize::new(1) };
    Mailbox::new(1, Arc::new(rules), Instant::ORIGIN)
}

#[test]
fn both_limits_hold_and_room_comes_back() {
    let mailbox = mailbox(3, 10);
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
    let mailbox = mailbox(10, 10);
    let (old, new) = (Arc::<Calls>::default(), Arc::<Calls>::default());
    let wakers = [Waker::from(old.clone()), Waker::from(new.clone())];
    let calls = || (old.0.load(Ordering::SeqCst), new.0.load(Ordering::SeqCst));
    let mut seen = None;
    for waker in &wakers {
        assert!(!mailbox.poll_raised(&mut seen, &Context::from_waker(waker)));
    }
    mailbox.put("a".into()).unwrap();
    mailbox.put("b".into()).unwrap();
    mailbox.order(Order::expire(Expired::Evicted));
    assert_eq!(calls(), (0, 1));
    let cx = &Context::from_waker(&wakers[1]);
    assert!(mailbox.poll_raised(&mut seen, cx));
    assert!(!mailbox.poll_raised(&mut seen, cx));
    mailbox.put("c".into()).unwrap();
    assert_eq!(calls(), (0, 2));
}

#[test]
fn storage_is_given_back_when_empty() {
    let mailbox = mailbox(1_000, 1_000);
    assert_eq!(mailbox.lock().messages.capacity(), 0, "allocates on first use");
    for _ in 0..1_000 {
        mailbox.put("x".into()).unwrap();
    }
    while mailbox.pop().is_some() {}
    assert_eq!(mailbox.lock().messages.capacity(), 0);
}

#[test]
fn no_wake_up_is_lost() {
    const EACH: usize = 20_000;
    let mailbox = Arc::new(mailbox(usize::MAX, usize::MAX));
    let (done, finished) = mpsc::channel();
    let reader = mailbox.clone();
    thread::spawn(move || {
        let (mut seen, mut count) = (None, 0);
        while count < 2 * EACH {
            // Now and then another waker, as a task has that is moved.
            let waker = Waker::from(Arc::new(Unpark(thread::current())));
            for _ in 0..100 {
                if reader.poll_raised(&mut seen, &Context::from_waker(&waker)) {
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
