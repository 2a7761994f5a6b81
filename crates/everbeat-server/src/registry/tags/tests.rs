//! The order of the two locks, and that list and index agree.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use everbeat_core::time::Instant;

use super::super::Registry;
use crate::testing::rules;

fn registry() -> Registry<()> {
    Registry::new(rules(1_000, 1_000))
}

/// Otherwise a message for it, and its own next poll, would wait for a room of 100,000
#[test]
fn who_tags_a_connection_waits_for_the_room_before_he_takes_what_the_connection_needs() {
    let registry = registry();
    let handle = registry.join((), Instant::ORIGIN, None);
    let lock = handle.corner().lock();
    let tagged = handle.clone();
    let tagging = thread::spawn(move || tagged.tag("lobby"));
    let (taken, room_is_taken) = mpsc::channel();
    let watched = registry.clone();
    thread::spawn(move || {
        let tags = &watched.inner.tags;
        while tags.place("lobby").try_lock().is_ok() {
            thread::yield_now();
        }
        taken.send(())
    });
    let waited = room_is_taken.recv_timeout(Duration::from_secs(60));
    assert_eq!(waited, Ok(()), "it waits for the connection first");
    drop(lock);
    assert_eq!(tagging.join().unwrap(), Ok(()));
    assert_eq!(registry.tagged("lobby").len(), 1);
}

#[test]
fn list_and_index_agree_whoever_else_was_at_them() {
    for round in 0..3_000 {
        let registry = registry();
        let handle = registry.join((), Instant::ORIGIN, None);
        let leaves = round % 3 == 0;
        thread::scope(|scope| {
            scope.spawn(|| (0..20).map(|_| handle.tag("lobby").is_ok()).filter(|was| *was).count());
            scope.spawn(|| (0..20).map(|_| handle.untag("lobby")).filter(|was| *was).count());
            if leaves {
                scope.spawn(|| registry.leave(&handle));
            }
        });
        let (listed, found) = (handle.tags().len(), registry.tagged("lobby").len());
        assert_eq!(listed, found, "round {round}");
        assert!(!leaves || found == 0, "round {round}: it has left");
        if !leaves {
            registry.leave(&handle);
        }
        let room = registry.inner.tags.shard("lobby").len();
        assert_eq!(room, 0, "round {round}: nothing is left of the room");
    }
}

/// One that comes between the two steps of the other; a second untagging would make up for it, so there
/// is none
#[test]
fn who_tags_anew_what_is_being_untagged_is_in_both_or_in_neither() {
    let registry = registry();
    let handle = registry.join((), Instant::ORIGIN, None);
    for round in 0..200 {
        handle.tag("lobby").unwrap();
        let (begun, over) = (AtomicBool::new(false), AtomicBool::new(false));
        thread::scope(|scope| {
            scope.spawn(|| {
                while !over.load(Ordering::Relaxed) {
                    handle.tag("lobby").unwrap();
                    begun.store(true, Ordering::Relaxed);
                }
            });
            while !begun.load(Ordering::Relaxed) {
                thread::yield_now();
            }
            assert!(handle.untag("lobby"));
            over.store(true, Ordering::Relaxed);
        });
        assert_eq!(handle.tags().len(), registry.tagged("lobby").len(), "round {round}");
    }
}
