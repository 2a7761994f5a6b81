//! What a message to many costs who says it, and that others have their turn meanwhile.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Waker;

use bytes::Bytes;
use everbeat_core::time::Instant;
use everbeat_core::transport::{Hatch, Hatches};

use super::*;
use crate::testing::rules;

/// Counts what it takes, which is everything
#[derive(Default)]
struct Count(AtomicUsize);

impl Hatches for Count {
    fn frame(&self, _: &Message) -> Option<Bytes> {
        Some(Bytes::from_static(b"frame"))
    }

    fn pass(&self, _: u8, frame: &[u8]) -> usize {
        self.0.fetch_add(1, Ordering::Relaxed);
        frame.len()
    }
}

impl Count {
    fn written(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

/// More than a batch in each shard
const CROWD: usize = 100 * SHARDS;

/// A crowd of which each waits with its socket lent
fn crowd() -> (Arc<Count>, Registry<()>) {
    let (count, registry) = (Arc::<Count>::default(), Registry::new(rules(10, 1_000)));
    for _ in 0..CROWD {
        let hatch = Hatch::new(count.clone(), 0);
        registry.join((), Instant::ORIGIN, Some(hatch)).record().lend();
    }
    (count, registry)
}

fn queued(registry: &Registry<()>) -> usize {
    registry.handles().iter().map(|one| one.record().queued().0).sum()
}

#[test]
fn who_lets_nobody_have_a_turn_writes_to_some_and_leaves_it_to_the_others() {
    let (count, registry) = crowd();
    assert!(registry.send_all("all").unwrap().is_empty());
    assert_eq!((count.written(), queued(&registry)), (AT_ONCE, CROWD - AT_ONCE));
}

#[test]
fn who_lets_others_have_theirs_writes_to_all_and_to_few_at_a_time() {
    let (count, registry) = crowd();
    let mut broadcast = registry.broadcast("all");
    let cx = &mut Context::from_waker(Waker::noop());
    let mut before = 0;
    while Pin::new(&mut broadcast).poll(cx).is_pending() {
        let written = count.written() - before;
        assert!(written <= 64, "{written} in one turn");
        before += written;
    }
    assert_eq!((count.written(), queued(&registry)), (CROWD, 0));
}
