//! Who is taken, who has no place, and when who takes is woken.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use super::{Taker, Unwanted, queue};

/// How often somebody was woken
#[derive(Default)]
struct Woken(AtomicUsize);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

fn take<T>(taker: &Taker<T>) -> Poll<T> {
    taker.poll_take(&Context::from_waker(Waker::noop()))
}

#[test]
fn who_came_first_is_taken_first() {
    let (queue, taker) = queue(3);
    let _places = ["ann", "bob", "cid"].map(|name| queue.wait(name));
    assert_eq!(["ann", "bob", "cid"].map(Poll::Ready), [0; 3].map(|_| take(&taker)));
    assert_eq!(take(&taker), Poll::Pending);
}

#[test]
fn no_more_wait_than_may_and_who_was_taken_waits_no_more() {
    let (queue, taker) = queue(2);
    let _places = (queue.wait("ann"), queue.wait("bob"));
    assert_eq!(queue.wait("cid").err(), Some(Unwanted::Full));
    assert_eq!(take(&taker), Poll::Ready("ann"));
    assert!(queue.wait("cid").is_ok());
}

#[test]
fn who_leaves_is_not_taken_and_another_has_the_place() {
    let (queue, taker) = queue(2);
    let (ann, _bob) = (queue.wait("ann"), queue.wait("bob"));
    drop(ann);
    let _cid = queue.wait("cid").expect("ann's place");
    assert_eq!((take(&taker), take(&taker)), (Poll::Ready("bob"), Poll::Ready("cid")));
}

#[test]
fn a_place_of_whom_is_taken_is_nobody_elses() {
    let (queue, taker) = queue(1);
    let ann = queue.wait("ann");
    assert_eq!(take(&taker), Poll::Ready("ann"));
    let _bob = queue.wait("bob");
    drop(ann);
    assert_eq!(take(&taker), Poll::Ready("bob"));
}

#[test]
fn who_takes_is_woken_once_for_each_time_that_it_found_nobody() {
    let (queue, taker) = queue(9);
    let woken = Arc::new(Woken::default());
    let waker = Waker::from(woken.clone());
    let _places = queue.wait("nobody asked yet");
    assert!(taker.poll_take(&Context::from_waker(&waker)).is_ready());
    assert!(taker.poll_take(&Context::from_waker(&waker)).is_pending());
    assert_eq!(woken.0.load(Ordering::Relaxed), 0);
    let _places = [queue.wait("one"), queue.wait("two")];
    assert_eq!(woken.0.load(Ordering::Relaxed), 1);
}

#[test]
fn with_who_takes_the_queue_ends_and_those_in_it_are_let_go() {
    let (queue, taker) = queue(2);
    let waits = Arc::new(());
    let _place = queue.wait(waits.clone());
    assert_eq!(Arc::strong_count(&waits), 2);
    drop(taker);
    assert_eq!(Arc::strong_count(&waits), 1);
    assert_eq!(queue.wait(waits).err(), Some(Unwanted::Over));
}
