//! A process without descriptors: its server cannot accept, waits and says so, and goes on.

use std::fs::File;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use everbeat_core::time::Timer;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

use super::Host;
use super::house::{keep, wishes};

/// Few, so that they are soon used up
const DESCRIPTORS: u64 = 200;
/// The pauses of 50, 100, 200, 400 and 800 ms, and half of one of a second
const STARVED: Duration = Duration::from_millis(2_000);
/// So many pauses begin in that time; one more if the first began before it was looked for
const WARNINGS: usize = 7;

pub(super) async fn run_out<R: Host>() {
    let warnings = Arc::<AtomicUsize>::default();
    tracing::subscriber::set_global_default(Listener(warnings.clone())).unwrap();
    let (_, most) = rlimit::Resource::NOFILE.get().unwrap();
    rlimit::Resource::NOFILE.set(DESCRIPTORS, most).unwrap();
    keep::<R, _, _>(wishes(|builder| builder), |house| async move {
        // What the runtime opens when it is first needed is there before they are gone
        let old = house.peer("old", |mut peer| {
            peer.exchange("hello");
            let heard = peer.text();
            (heard, peer)
        });
        let handle = house.handle("old").await;
        let mut hoard: Vec<File> = Vec::new();
        while let Ok(file) = File::open("/dev/null") {
            hoard.push(file);
            assert!(hoard.len() < DESCRIPTORS as usize, "the limit is none");
        }
        // For the peer's own end
        hoard.pop();
        assert_eq!(warnings.load(Ordering::SeqCst), 0);
        let late = house.peer("late", |mut peer| peer.exchange("hello"));
        let said = || warnings.load(Ordering::SeqCst) > 0;
        house.until("it is said that nobody can be accepted", said).await;
        let until = house.timer.now() + STARVED;
        house.until("some time has passed", || house.timer.now() >= until).await;
        let told = warnings.load(Ordering::SeqCst);
        assert!((2..=WARNINGS).contains(&told), "{told} attempts within {STARVED:?}");
        assert!(!late.is_finished());
        // Who is there already is served
        handle.send("still here").unwrap();
        let (heard, _old) = house.joined(old).await;
        assert_eq!(heard, "still here");
        drop(hoard);
        assert_eq!(house.joined(late).await, "hello", "it is accepted when there are some again");
    })
    .await;
}

/// Counts what a server says when it cannot accept
struct Listener(Arc<AtomicUsize>);

impl Subscriber for Listener {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "everbeat" && *metadata.level() == Level::WARN
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut text = String::new();
        event.record(&mut |_: &tracing::field::Field, value: &dyn std::fmt::Debug| {
            text.push_str(&format!("{value:?} "));
        });
        if text.contains("cannot accept") {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}
