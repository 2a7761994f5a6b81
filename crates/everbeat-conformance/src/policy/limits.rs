//! How much a server takes on, as those see it who are too many.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use everbeat_core::time::Timer;
use everbeat_core::transport::{Accept, Busy};
use everbeat_server::Limits;
use everbeat_server::registry::MailboxError;
use everbeat_ws::{Acceptor, Runtime, Settings};

use super::Host;
use super::house::{GRACE, House, ask, keep, wishes};
use super::lateness::measured;
use super::slow::talk;
use crate::peer::{Peer, client};
use crate::server_side::acceptor;

/// How long who is refused may take to be told so
const COURTESY: Duration = Duration::from_secs(1);

/// Whom this server can have is there, and stays until it is told to go
async fn first<R: Runtime>(house: &House<R>) -> std::thread::JoinHandle<u16> {
    let first = house.peer("first", |mut peer| peer.farewell().0);
    house.handle("first").await;
    first
}

async fn refused<R: Host>(limit: fn(Limits) -> Limits, status: &str) {
    let mut wishes = wishes::<R>(|builder| builder);
    wishes.limits = limit(Limits::default());
    keep(wishes, |house| async move {
        let first = first(&house).await;
        let told = house.answer(ask("second", "")).await;
        assert!(told.starts_with(&format!("HTTP/1.1 {status} ")), "{told}");
        assert!(told.contains("\r\nRetry-After: 5\r\n"), "{told}");
        assert_eq!(house.registry.len(), 1);
        // A place that is free again is somebody's
        house.handle("first").await.evict();
        assert_eq!(house.joined(first).await, 1008);
        house.until("the first has left", || house.registry.is_empty()).await;
        let third = house.peer("third", |mut peer| peer.exchange("hello"));
        assert_eq!(house.joined(third).await, "hello");
    })
    .await;
}

pub(super) async fn connections<R: Host>() {
    refused::<R>(|limits| limits.connections(1), "503").await;
}

pub(super) async fn per_address<R: Host>() {
    refused::<R>(|limits| limits.per_address(1), "429").await;
}

/// It holds a place among the upgrades, not for as long as one may take
pub(super) async fn says_nothing<R: Host>() {
    measured::<R, _>(|late| async move {
        let mut wishes = wishes::<R>(|builder| builder);
        wishes.limits = wishes.limits.connections(1);
        let late = &late;
        keep(wishes, |house| async move {
            let first = first(&house).await;
            let since = house.timer.now();
            let silent = house.asking(|mut peer| peer.hear());
            assert_eq!(house.joined(silent).await, b"", "there is nothing to answer");
            let took = house.timer.now().saturating_duration_since(since);
            assert!(took >= COURTESY, "{took:?}");
            late.within("a second for one who is refused", took, COURTESY + GRACE);
            house.stop.shutdown();
            assert_eq!(house.joined(first).await, 1001, "it lived to the end");
        })
        .await;
    })
    .await;
}

pub(super) async fn too_late<R: Host>() {
    let (mut acceptor, address) = acceptor::<R>(Settings::default()).await;
    let peer = client(address, |mut peer| peer.hear());
    let mut upgrade = poll_fn(|cx| Pin::new(&mut acceptor).poll_accept(cx)).await.unwrap();
    // It waits for a request that does not come
    poll_fn(|cx| {
        assert!(Pin::new(&mut upgrade).poll(cx).is_pending());
        Poll::Ready(())
    })
    .await;
    assert!(<Acceptor<R> as Accept>::refuse(upgrade, Busy::Connections).is_none());
    assert_eq!(peer.join().unwrap(), b"", "it was dropped");
}

pub(super) async fn told_address<R: Host>() {
    let mut wishes = wishes::<R>(|builder| builder);
    wishes.limits = wishes.limits.per_address(1);
    wishes.server =
        |server| server.address(|_, request| request.header("X-Forwarded-For")?.parse().ok());
    let from = |house: &House<R>, address: &str, then: fn(Peer) -> u16| {
        let ask = ask("proxied", &format!("X-Forwarded-For: {address}\r\n"));
        house.asking(move |mut peer| {
            peer.say(ask.as_bytes());
            assert!(peer.head().starts_with("HTTP/1.1 101 "));
            then(peer)
        })
    };
    let stays: fn(Peer) -> u16 = |mut peer| peer.farewell().0;
    let echoes: fn(Peer) -> u16 = |mut peer| u16::from(peer.exchange("hello") == "hello");
    keep(wishes, |house| async move {
        let first = from(&house, "192.0.2.1", stays);
        house.handle("proxied").await;
        let second = from(&house, "192.0.2.1", stays);
        assert_eq!(house.joined(second).await, 1013);
        let other = from(&house, "192.0.2.2", echoes);
        assert_eq!(house.joined(other).await, 1);
        house.stop.shutdown();
        assert_eq!(house.joined(first).await, 1001, "it lived to the end");
    })
    .await;
}

pub(super) async fn upgrades_per_second<R: Host>() {
    const A_SECOND: u32 = 8;
    /// At once: a second's work may wait, and one more finds that it does
    const AT_ONCE: usize = 9;
    /// All at the same time, and enough of them for a machine that takes 3 s to be asked
    const MANY: usize = AT_ONCE + 3 * A_SECOND as usize;
    let mut wishes = wishes::<R>(|builder| builder);
    wishes.limits = wishes.limits.upgrades_per_second(A_SECOND);
    keep(wishes, |house| async move {
        let since = house.timer.now();
        let many = std::iter::repeat_with(|| {
            let ask = ask("one", "");
            house.asking(move |mut peer| {
                peer.say(ask.as_bytes());
                peer.head()
            })
        });
        let many = many.take(MANY).collect::<Vec<_>>();
        let mut heads = Vec::new();
        for asking in many {
            heads.push(house.joined(asking).await);
        }
        let took = house.timer.now().saturating_duration_since(since).as_secs_f64();
        let (let_in, told): (Vec<_>, Vec<_>) =
            heads.iter().partition(|head| head.starts_with("HTTP/1.1 101 "));
        let most = AT_ONCE as f64 + f64::from(A_SECOND) * took + 1.0;
        let let_in = let_in.len();
        assert!(let_in >= AT_ONCE, "{let_in} upgrades, and there was room for more");
        assert!(let_in as f64 <= most, "{let_in} upgrades within {took} s");
        assert!(told.iter().all(|told| told.starts_with("HTTP/1.1 503 ")), "{told:?}");
        let slots = told.iter().flat_map(|told| told.lines());
        let slots = slots.filter_map(|line| line.strip_prefix("Retry-After: "));
        let slots = slots.map(|slot| slot.parse().unwrap()).collect::<Vec<u64>>();
        assert_eq!(slots.len(), told.len(), "each is told when: {told:?}");
        let first = slots.iter().min().expect("nobody is too many");
        let slot = Duration::from_secs(*first);
        house.timer.sleep_until(house.timer.now() + slot).await;
        let again = house.peer("again", |mut peer| peer.exchange("hello"));
        assert_eq!(house.joined(again).await, "hello", "there was no slot after {slot:?}");
    })
    .await;
}

pub(super) async fn queued_in_all<R: Host>() {
    const ONE: usize = 64 << 10;
    let mut wishes = wishes::<R>(|builder| builder);
    // Each might have it all
    wishes.limits = wishes.limits.queued(1_024, ONE).queued_in_all(ONE);
    keep(wishes, |house| async move {
        let (_slow, _other) = (house.peer("slow", talk), house.peer("other", talk));
        let (slow, other) = (house.handle("slow").await, house.handle("other").await);
        let message = || "x".repeat(ONE / 4);
        // More than the kernel takes, so that the rest waits here
        house.until("it is full", || slow.send(message()).is_err()).await;
        house.until("the kernel takes no more", || slow.send(message()).is_err()).await;
        let mut refused = None;
        house
            .until("the other is refused", || {
                refused = other.send(message()).err();
                refused.is_some()
            })
            .await;
        match refused {
            Some(MailboxError::FullInAll { message: back, limit }) => {
                assert_eq!((back.as_text(), limit), (Some(message().as_str()), ONE));
            }
            other => panic!("{other:?}"),
        }
    })
    .await;
}
