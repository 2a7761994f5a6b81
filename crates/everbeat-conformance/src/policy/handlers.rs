//! Handlers that do what they should not: others are unharmed, as far as the docs promise it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use everbeat_core::cause::Expired;
use everbeat_core::time::Timer;
use everbeat_server::Expire;
use everbeat_ws::Runtime;

use super::Host;
use super::handler::BLOCKED;
use super::house::{CLOSE, GRACE, House, keep, wishes};
use super::lateness::measured;
use crate::peer::{masked, pause};

pub(super) async fn panics<R: Host>() {
    keep::<R, _, _>(wishes(|builder| builder), |house| async move {
        let over = Arc::new(AtomicBool::new(false));
        let told = over.clone();
        let neighbour = house.peer("neighbour", move |mut peer| {
            while !told.load(Ordering::SeqCst) {
                assert_eq!(peer.exchange("hello"), "hello");
                pause(Duration::from_millis(10));
            }
        });
        house.handle("neighbour").await;
        let unlucky = house.peer("unlucky", |mut peer| {
            peer.say(&masked(0x81, b"panic"));
            peer.hear()
        });
        assert_eq!(house.joined(unlucky).await, b"", "a cut without a Close");
        house.until("its place is free", || house.registry.len() == 1).await;
        assert!(!neighbour.is_finished(), "it goes on");
        over.store(true, Ordering::SeqCst);
        house.joined(neighbour).await;
        let next = house.peer("next", |mut peer| peer.exchange("hello"));
        assert_eq!(house.joined(next).await, "hello");
        assert_eq!(house.reported(), []);
    })
    .await;
}

pub(super) async fn never_polls<R: Host>() {
    const AGE: Duration = Duration::from_millis(300);
    measured::<R, _>(|late| async move {
        let wishes = wishes::<R>(|builder| builder.expire(Expire::default().age(AGE)));
        let late = &late;
        keep(wishes, |house| async move {
            let since = house.timer.now();
            let deaf = house.peer("deaf", |mut peer| peer.hear());
            let ended = house.expired("deaf", Expired::TooOld).await;
            let took = ended.saturating_duration_since(since);
            let least = AGE * 9 / 10 + CLOSE + GRACE;
            assert!(took >= least, "{took:?}");
            // The promise, as written, and the second that every check has
            late.within("deaf", took, AGE + CLOSE + GRACE + GRACE);
            assert_eq!(house.joined(deaf).await, b"", "its handler never said Close");
            house.until("its place is free", || house.registry.is_empty()).await;

            // By order, too; others are told, by their own handlers
            let deaf = house.peer("deaf-next", |mut peer| peer.hear());
            let told = house.peer("told", |mut peer| peer.farewell().0);
            let (handle, other) = (house.handle("deaf-next").await, house.handle("told").await);
            let since = house.timer.now();
            handle.evict();
            other.evict();
            assert_eq!(house.joined(told).await, 1008);
            let ended = house.expired("deaf-next", Expired::Evicted).await;
            let took = ended.saturating_duration_since(since);
            assert!(took >= CLOSE + GRACE, "{took:?}");
            late.within("evicted", took, CLOSE + GRACE + GRACE);
            assert_eq!(house.joined(deaf).await, b"");
        })
        .await;
    })
    .await;
}

const NEIGHBOURS: usize = 16;

/// Neighbours that talk while one handler blocks its thread; how long each waited at most, and that
/// nobody is judged dead
async fn waits_beside_a_blocked_thread<R: Host>() -> Vec<Duration> {
    let wishes = wishes::<R>(|builder| {
        // Ping and silence fit into the time that is blocked
        builder.interval(Duration::from_millis(100)).timeout(Duration::from_millis(300))
    });
    let (_, waits) = keep(wishes, |house| async move {
        let neighbours: Vec<_> = (0..NEIGHBOURS).map(|_| talks(&house)).collect();
        let listeners: Vec<_> = (0..NEIGHBOURS).map(|_| listens(&house)).collect();
        let talking = || house.registry.len() == 2 * NEIGHBOURS;
        house.until("all neighbours are there", talking).await;
        let blocks = house.peer("blocks", |mut peer| peer.exchange("block"));
        let mut waits = Vec::new();
        for neighbour in neighbours {
            waits.push(house.joined(neighbour).await);
        }
        assert_eq!(house.joined(blocks).await, "block", "its own peer is told later, and no less");
        assert_eq!(house.reported(), [], "nobody is judged dead for it");
        house.stop.shutdown();
        for listener in listeners {
            assert_eq!(house.joined(listener).await, 1001);
        }
        waits
    })
    .await;
    waits
}

/// A neighbour that talks for longer than anything is blocked; how long it waited at most
fn talks<R: Runtime>(house: &House<R>) -> JoinHandle<Duration> {
    let timer = house.timer.clone();
    house.peer("neighbour", move |mut peer| {
        let (since, mut longest) = (timer.now(), Duration::ZERO);
        while timer.now().saturating_duration_since(since) < BLOCKED * 2 {
            let said = timer.now();
            assert_eq!(peer.exchange("hello"), "hello");
            longest = longest.max(timer.now().saturating_duration_since(said));
            pause(Duration::from_millis(10));
        }
        longest
    })
}

/// A neighbour that says nothing but Pongs, and each so late that some answer a Ping from before the
/// block within it; the code that it is told
fn listens<R: Runtime>(house: &House<R>) -> JoinHandle<u16> {
    house.peer("listener", |mut peer| {
        loop {
            match peer.frame() {
                (0x89, payload) => {
                    pause(Duration::from_millis(50));
                    peer.say(&masked(0x8a, &payload));
                }
                (0x88, payload) => return u16::from_be_bytes([payload[0], payload[1]]),
                other => panic!("{other:?}"),
            }
        }
    })
}

pub(super) async fn block_all<R: Host>() {
    measured::<R, _>(|late| async move {
        let waits = waits_beside_a_blocked_thread::<R>().await;
        // Whoever spoke just after it was blocked has waited for most of it
        let most = |wait: &Duration| *wait + late.worst() >= BLOCKED * 9 / 10;
        assert!(waits.iter().all(most), "{waits:?}");
    })
    .await;
}

pub(super) async fn block_some<R: Host>() {
    measured::<R, _>(|late| async move {
        let mut waits = waits_beside_a_blocked_thread::<R>().await;
        waits.sort_unstable();
        late.within("all of them", waits[NEIGHBOURS - 1], BLOCKED + BLOCKED / 2);
    })
    .await;
}

pub(super) async fn block_one<R: Host>() {
    measured::<R, _>(|late| async move {
        let mut waits = waits_beside_a_blocked_thread::<R>().await;
        waits.sort_unstable();
        // Whom the blocked thread had taken up waits with it; the others do not
        late.within("half of them", waits[NEIGHBOURS / 2], BLOCKED / 2);
    })
    .await;
}
