//! Peers that do not take what they are sent.

use std::time::Duration;

use everbeat_core::cause::Expired;
use everbeat_core::time::Timer;
use everbeat_server::Expire;
use everbeat_ws::Runtime;

use super::Host;
use super::house::{CLOSE, GRACE, House, keep, wishes};
use super::lateness::measured;
use crate::peer::{Peer, masked, pause};

pub(super) const STUCK: Duration = Duration::from_millis(500);
/// Far more than the buffers of both sockets and of the transport take
const MUCH: usize = 64 << 10;
const MESSAGES: usize = 8;

/// Talks to the end and reads nothing; whether it was ended
pub(super) fn talk(mut peer: Peer) -> bool {
    for _ in 0..200 {
        if peer.try_say(&masked(0x81, b"I am alive")).is_err() {
            return true;
        }
        pause(Duration::from_millis(50));
    }
    false
}

/// Reads a byte a second to the end; whether it was ended
pub(super) fn sip(mut peer: Peer) -> bool {
    for _ in 0..10 {
        // What the kernel still has for it is no news
        if peer.byte().is_none() || peer.try_say(&masked(0x81, b"so much")).is_err() {
            return true;
        }
        pause(Duration::from_secs(1));
    }
    false
}

/// Leaves much for a peer
pub(super) async fn pile_up<R: Runtime>(house: &House<R>, name: &str) {
    let handle = house.handle(name).await;
    for _ in 0..MESSAGES {
        handle.send("x".repeat(MUCH)).unwrap();
    }
}

async fn is_too_slow<R: Host>(name: &'static str, play: fn(Peer) -> bool) {
    measured::<R, _>(|late| async move {
        let wishes = wishes::<R>(|builder| builder.expire(Expire::default().stuck(STUCK)));
        let late = &late;
        keep(wishes, |house| async move {
            let slow = house.peer(name, play);
            let prompt = house.peer("prompt", |mut peer| {
                (0..MESSAGES).map(|_| peer.text().len()).collect::<Vec<_>>()
            });
            let since = house.timer.now();
            pile_up(&house, name).await;
            pile_up(&house, "prompt").await;
            let ended = house.expired(name, Expired::TooSlow).await;
            let took = ended.saturating_duration_since(since);
            assert!(took >= STUCK, "{took:?}");
            late.within(name, took, STUCK + CLOSE + GRACE);
            assert!(house.joined(slow).await, "it is told by the end of its socket");
            assert_eq!(house.joined(prompt).await, [MUCH; MESSAGES]);
            assert_eq!(house.reported(), [(name.to_owned(), Expired::TooSlow)]);
        })
        .await;
    })
    .await;
}

pub(super) async fn reads_nothing<R: Host>() {
    is_too_slow::<R>("talker", talk).await;
}

pub(super) async fn reads_a_byte_a_second<R: Host>() {
    is_too_slow::<R>("sipper", sip).await;
}

pub(super) async fn lets_too_much_wait<R: Host>() {
    measured::<R, _>(|late| async move {
        let wishes =
            wishes::<R>(|builder| builder.expire(Expire::default().stuck(None).behind(2 * MUCH)));
        let late = &late;
        keep(wishes, |house| async move {
            let slow = house.peer("slow", talk);
            let handle = house.handle("slow").await;
            let since = house.timer.now();
            let refused = (0..2 * MESSAGES).find(|_| handle.send("x".repeat(MUCH)).is_err());
            let ended = house.expired("slow", Expired::TooSlow).await;
            late.within("slow", ended.saturating_duration_since(since), CLOSE + GRACE);
            assert!(refused.is_some(), "more than may wait was taken");
            assert!(house.joined(slow).await);
        })
        .await;
    })
    .await;
}
