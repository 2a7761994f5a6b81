//! Who is let in, and who is not.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use everbeat_core::time::Timer;
use everbeat_ws::upgrade::Origins;

use super::Host;
use super::house::{GRACE, Wishes, ask, keep, wishes};
use super::lateness::measured;

fn plain<R: Host>() -> Wishes<R> {
    wishes(|builder| builder)
}

pub(super) async fn accepts<R: Host>() {
    let (served, ()) = keep::<R, _, _>(plain(), |house| async move {
        let more = "X-Token: 42\r\nSec-WebSocket-Protocol: chat.v2, chat.v1\r\n";
        let request = ask("chat", more);
        let peer = house.asking(move |mut peer| {
            peer.say(request.as_bytes());
            (peer.head().to_lowercase(), peer.text())
        });
        let (head, told) = house.joined(peer).await;
        for line in ["sec-websocket-protocol: chat.v1", "x-seat: 7"] {
            assert!(head.lines().any(|is| is == line), "{head}");
        }
        assert_eq!(told, "chat chat.v1 42", "what the handler knows");
    })
    .await;
    assert_eq!(served.served, 1);
}

pub(super) async fn rejects<R: Host>() {
    let (served, ()) = keep::<R, _, _>(plain(), |house| async move {
        let told = house.answer(ask("rejected", "")).await;
        assert!(told.starts_with("HTTP/1.1 401 Unauthorized\r\n"), "{told}");
        assert!(told.contains("\r\nwww-authenticate: Bearer\r\n"), "{told}");
        assert!(told.ends_with("\r\n\r\nwho are you?"), "{told}");
    })
    .await;
    assert_eq!(served.served, 0, "no connection has come of it");
}

pub(super) async fn foreign_origins<R: Host>() {
    let mut wishes = plain::<R>();
    wishes.settings = wishes.settings.origins(Origins::only(["https://ours.test"]).unwrap());
    keep(wishes, |house| async move {
        let told = house.answer(ask("evil", "Origin: https://evil.test\r\n")).await;
        assert!(told.starts_with("HTTP/1.1 403 "), "{told}");
        let ours = ask("ours", "Origin: https://ours.test\r\n");
        let peer = house.asking(move |mut peer| {
            peer.say(ours.as_bytes());
            (peer.head(), peer.exchange("hello"))
        });
        let (head, heard) = house.joined(peer).await;
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
        assert_eq!(heard, "hello");
    })
    .await;
}

pub(super) async fn never_ends<R: Host>() {
    const LIMIT: Duration = Duration::from_millis(600);
    measured::<R, _>(|late| async move {
        let mut wishes = plain::<R>();
        wishes.settings = wishes.settings.hook_timeout(LIMIT);
        let late = &late;
        keep(wishes, |house| async move {
            let (asked, over) = (house.timer.now(), Arc::new(AtomicBool::new(false)));
            let seen = over.clone();
            let neighbour = house.peer("neighbour", move |mut peer| {
                // Before the endless one is answered
                let heard = peer.exchange("hello");
                (heard, seen.load(Ordering::SeqCst))
            });
            let told = house.answer(ask("endless", "")).await;
            let took = house.timer.now().saturating_duration_since(asked);
            over.store(true, Ordering::SeqCst);
            assert!(told.starts_with("HTTP/1.1 503 "), "{told}");
            assert!(took >= LIMIT, "{took:?}");
            late.within("the answer", took, LIMIT + GRACE);
            let heard = house.joined(neighbour).await;
            assert_eq!(heard, ("hello".to_owned(), false), "it was not held up");
        })
        .await;
    })
    .await;
}

pub(super) async fn panics<R: Host>() {
    keep::<R, _, _>(plain(), |house| async move {
        let told = house.answer(ask("panicking", "")).await;
        assert!(told.starts_with("HTTP/1.1 500 "), "{told}");
        assert!(!told.contains("as it was asked to"), "not the peer's business: {told}");
        let next = house.peer("next", |mut peer| peer.exchange("hello"));
        assert_eq!(house.joined(next).await, "hello");
    })
    .await;
}
