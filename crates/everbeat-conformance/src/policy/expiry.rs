//! The rules that end a connection, each as its peer sees it and as `on_expire` is told.

use std::time::Duration;

use everbeat_core::cause::{CloseCode, CloseFrame, Expired};
use everbeat_core::time::{Instant, Timer};
use everbeat_server::Expire;
use everbeat_ws::Runtime;

use super::Host;
use super::house::{CLOSE, GRACE, House, keep, wishes};
use super::lateness::{Lateness, measured};
use crate::peer::{Peer, masked, pause};

/// The limit of a rule here
const LIMIT: Duration = Duration::from_millis(500);
const STEP: Duration = Duration::from_millis(50);

/// That a peer was ended by this rule, once, no earlier than it may be and within what is promised
async fn check<R: Runtime>(
    house: &House<R>,
    late: &Lateness,
    (name, rule): (&str, Expired),
    since: Instant,
    (least, promise): (Duration, Duration),
) {
    let took = house.expired(name, rule).await.saturating_duration_since(since);
    assert!(took >= least, "{name}: early, after {took:?}");
    late.within(name, took, promise + CLOSE + GRACE);
}

/// What kinds of short frames a server has said: of bytes alone any may be a Ping's payload
fn kinds(mut heard: &[u8]) -> Vec<u8> {
    let mut kinds = Vec::new();
    while let [kind, length, rest @ ..] = heard {
        kinds.push(*kind);
        heard = rest.get(usize::from(*length)..).unwrap_or_default();
    }
    kinds
}

/// Answers Pings and says so much every now and then, as often as this; lives to the end of it
fn lives(mut peer: Peer, text: &str, times: usize) {
    for _ in 0..times {
        assert_eq!(peer.exchange(text), text);
        pause(STEP);
    }
}

pub(super) async fn silent<R: Host>() {
    const PROMISE: Duration = Duration::from_secs(1);
    measured::<R, _>(|late| async move {
        let wishes = wishes::<R>(|builder| builder.expire(Expire::default().silent(PROMISE)));
        let late = &late;
        keep(wishes, |house| async move {
            let since = house.timer.now();
            let gone = house.peer("gone", |mut peer| {
                // It hears all and says nothing; nobody says Close to who is dead
                kinds(&peer.hear()).contains(&0x88)
            });
            let there = house.peer("there", |peer| lives(peer, "hello", 40));
            let rule = ("gone", Expired::Silent);
            check(&house, late, rule, since, (Duration::ZERO, PROMISE)).await;
            assert!(!house.joined(gone).await);
            house.joined(there).await;
            assert_eq!(house.reported(), [("gone".to_owned(), Expired::Silent)]);
        })
        .await;
    })
    .await;
}

pub(super) async fn idle<R: Host>() {
    measured::<R, _>(|late| async move {
        let wishes = wishes::<R>(|builder| {
            let (interval, timeout) = (Duration::from_millis(100), Duration::from_secs(2));
            builder.interval(interval).timeout(timeout).expire(Expire::default().idle(LIMIT))
        });
        let late = &late;
        keep(wishes, |house| async move {
            let since = house.timer.now();
            let idle = house.peer("idle", |mut peer| peer.farewell());
            let there = house.peer("there", |peer| lives(peer, "hello", 20));
            check(&house, late, ("idle", Expired::Idle), since, (LIMIT, LIMIT)).await;
            assert_eq!(house.joined(idle).await.0, 1001);
            house.joined(there).await;
        })
        .await;
    })
    .await;
}

/// Who stays in the middle of a message: behind its first fragment, where Pings are answered, and in
/// the midst of a large frame, where they cannot be
pub(super) async fn unfinished<R: Host>() {
    measured::<R, _>(|late| async move {
        let wishes = wishes::<R>(|builder| {
            let (interval, timeout) = (Duration::from_millis(100), Duration::from_secs(2));
            let rules = Expire::default().unfinished(LIMIT);
            builder.interval(interval).timeout(timeout).expire(rules)
        });
        let late = &late;
        keep(wishes, |house| async move {
            let since = house.timer.now();
            let fragment = house.peer("fragment", |mut peer| {
                peer.say(&masked(0x01, b"once upon a"));
                peer.farewell()
            });
            let frame = house.peer("frame", |mut peer| {
                let whole = masked(0x82, &vec![7; 100_000]);
                peer.say(&whole[..50_000]);
                peer.hear()
            });
            let there = house.peer("there", |peer| lives(peer, "hello", 20));
            for name in ["fragment", "frame"] {
                check(&house, late, (name, Expired::Unfinished), since, (LIMIT, LIMIT)).await;
            }
            let told = "a message made no progress";
            assert_eq!(house.joined(fragment).await, (1008, told.to_owned()));
            assert!(house.joined(frame).await.ends_with(told.as_bytes()));
            house.joined(there).await;
        })
        .await;
    })
    .await;
}

pub(super) async fn unauthenticated<R: Host>() {
    measured::<R, _>(|late| async move {
        let wishes =
            wishes::<R>(|builder| builder.expire(Expire::default().unauthenticated(LIMIT)));
        let late = &late;
        keep(wishes, |house| async move {
            let since = house.timer.now();
            let stranger = house.peer("stranger", |mut peer| peer.farewell());
            let friend = house.peer("good-friend", |peer| lives(peer, "hello", 20));
            let rule = ("stranger", Expired::Unauthenticated);
            check(&house, late, rule, since, (LIMIT, LIMIT)).await;
            let told = (3000, "not authenticated in time".to_owned());
            assert_eq!(house.joined(stranger).await, told);
            house.joined(friend).await;
        })
        .await;
    })
    .await;
}

pub(super) async fn authentication<R: Host>() {
    measured::<R, _>(|late| async move {
        let wishes = wishes::<R>(|builder| builder.expire(Expire::default().authentication(LIMIT)));
        let late = &late;
        keep(wishes, |house| async move {
            let since = house.timer.now();
            let old = house.peer("good-once", |mut peer| peer.farewell());
            let fresh = house.peer("good-still", |peer| lives(peer, "my new token", 24));
            check(&house, late, ("good-once", Expired::Stale), since, (LIMIT, LIMIT)).await;
            assert_eq!(house.joined(old).await, (3000, "authentication too old".to_owned()));
            house.joined(fresh).await;
        })
        .await;
    })
    .await;
}

pub(super) async fn age<R: Host>() {
    measured::<R, _>(|late| async move {
        let wishes = wishes::<R>(|builder| builder.expire(Expire::default().age(LIMIT)));
        let late = &late;
        keep(wishes, |house| async move {
            let since = house.timer.now();
            // However much it has to say
            let old = house.peer("old", |mut peer| {
                peer.say(&masked(0x81, b"hello"));
                peer.farewell()
            });
            check(&house, late, ("old", Expired::TooOld), since, (LIMIT * 9 / 10, LIMIT)).await;
            assert_eq!(house.joined(old).await, (1012, "connection too old".to_owned()));
        })
        .await;
    })
    .await;
}

pub(super) async fn shutdown<R: Host>() {
    measured::<R, _>(|late| async move {
        let wishes = wishes::<R>(|builder| {
            let told = CloseFrame::new(CloseCode::RESTART, "moving");
            builder.shutdown_with(told).shutdown_timeout(LIMIT)
        });
        let late = &late;
        let (served, (timer, asked)) = keep(wishes, |house| async move {
            let polite = house.peer("polite", |mut peer| peer.farewell());
            let deaf = house.peer("deaf", |mut peer| peer.hear());
            let handles = [house.handle("polite").await, house.handle("deaf").await];
            let asked = house.timer.now();
            house.stop.shutdown();
            assert_eq!(house.joined(polite).await, (1012, "moving".to_owned()));
            let rule = ("polite", Expired::ShuttingDown);
            check(&house, late, rule, asked, (Duration::ZERO, Duration::ZERO)).await;
            let rule = ("deaf", Expired::ShuttingDown);
            check(&house, late, rule, asked, (LIMIT, LIMIT)).await;
            assert_eq!(house.joined(deaf).await, b"", "its handler said nothing");
            assert!(handles.iter().all(|handle| !handle.is_live()));
            (house.timer.clone(), asked)
        })
        .await;
        late.within("the shutdown", timer.now().saturating_duration_since(asked), LIMIT + GRACE);
        let cut: Vec<_> = served.cut.iter().map(|cut| cut.facts().principal.as_str()).collect();
        assert_eq!((served.served, served.closed, cut), (2, 1, vec!["deaf"]));
    })
    .await;
}

/// However much is under way, and though its handler never waits but to send
pub(super) async fn busy<R: Host>() {
    const PEERS: usize = 8;
    measured::<R, _>(|_| async move {
        let wishes = wishes::<R>(|builder| {
            // What is under way goes first, and eight peers have two processors
            builder.close_timeout(Duration::from_secs(3)).expire(Expire::default().age(LIMIT))
        });
        keep(wishes, |house| async move {
            let fed = |_| house.peer("fed", |mut peer| peer.farewell().0);
            for peer in (0..PEERS).map(fed).collect::<Vec<_>>() {
                assert_eq!(house.joined(peer).await, 1012);
            }
        })
        .await;
    })
    .await;
}
