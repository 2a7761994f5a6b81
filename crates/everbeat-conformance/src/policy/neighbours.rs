//! A thousand clients that behave, beside peers that do not.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use everbeat_core::cause::Expired;
use everbeat_core::config::ConnectionConfig;
use everbeat_core::time::Timer;
use everbeat_core::transport::{Attempt, Connect};
use everbeat_core::{Connection, Message};
use everbeat_server::{Expire, Limits};
use everbeat_ws::{Connector, Runtime};

use super::Host;
use super::floods::flood;
use super::house::{CLOSE, GRACE, House, keep, wishes};
use super::lateness::measured;
use super::slow::{STUCK, pile_up, sip, talk};

/// A client's task
pub type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

const NEIGHBOURS: usize = 1_000;
/// Both ends of each, and some for all else
const DESCRIPTORS: u64 = (2 * NEIGHBOURS + 500) as u64;
/// Generous: a thousand clients and their server share one machine, unoptimized, with other tests
const LATENCY: Duration = Duration::from_secs(2);
/// Longer than it takes a thousand to get in, one after the other, for they authenticate at once
const UNAUTHENTICATED: Duration = Duration::from_secs(1);

/// What the neighbours have seen
#[derive(Default)]
struct Seen {
    connected: AtomicUsize,
    echoes: AtomicUsize,
    done: AtomicUsize,
    lost: AtomicUsize,
    longest: AtomicU64,
    over: AtomicBool,
}

pub(super) async fn see_nothing<R: Host>() {
    let descriptors = rlimit::increase_nofile_limit(DESCRIPTORS).unwrap_or(0);
    assert!(
        descriptors >= DESCRIPTORS,
        "this needs {DESCRIPTORS} descriptors and may have {descriptors}: see `ulimit -Hn`"
    );
    measured::<R, _>(|late| async move {
        let mut wishes = wishes::<R>(|builder| {
            builder.expire(Expire::default().unauthenticated(UNAUTHENTICATED).stuck(STUCK))
        });
        wishes.limits = Limits::default().connections(NEIGHBOURS + 4);
        let late = &late;
        keep(wishes, |house| async move {
            let seen = Arc::<Seen>::default();
            for _ in 0..NEIGHBOURS {
                let url = format!("ws://{}/good-neighbour", house.address);
                let task: Task = Box::pin(neighbour::<R>(url, house.timer.clone(), seen.clone()));
                R::default().spawn(task);
            }
            let all = || seen.connected.load(Ordering::SeqCst) == NEIGHBOURS;
            house.until("all neighbours are there", all).await;
            let before = seen.echoes.load(Ordering::SeqCst);
            bad_peers(&house, |what, took, bound| late.within(what, took, bound)).await;
            // Each has its say at least once more, behind it all
            let echoed = || seen.echoes.load(Ordering::SeqCst) >= before + 2 * NEIGHBOURS;
            house.until("all neighbours are heard", echoed).await;
            seen.over.store(true, Ordering::SeqCst);
            let done = || seen.done.load(Ordering::SeqCst) == NEIGHBOURS;
            house.until("all neighbours are done", done).await;
            assert_eq!(seen.lost.load(Ordering::SeqCst), 0, "neighbours were disconnected");
            let longest = Duration::from_nanos(seen.longest.load(Ordering::SeqCst));
            late.within("an echo", longest, LATENCY);
        })
        .await;
    })
    .await;
}

/// One of each kind: each ends for its own reason, within its bound
async fn bad_peers<R: Runtime>(house: &House<R>, within: impl Fn(&str, Duration, Duration)) {
    let since = house.timer.now();
    let flood = house.peer("good-flood", flood);
    let stranger = house.peer("stranger", |mut peer| peer.farewell().0);
    let (talker, sipper) = (house.peer("good-talker", talk), house.peer("good-sipper", sip));
    pile_up(house, "good-talker").await;
    pile_up(house, "good-sipper").await;
    let rules = [
        ("good-talker", Expired::TooSlow, STUCK),
        ("good-sipper", Expired::TooSlow, STUCK),
        ("stranger", Expired::Unauthenticated, UNAUTHENTICATED),
    ];
    for (name, rule, promise) in rules {
        let took = house.expired(name, rule).await.saturating_duration_since(since);
        assert!(took >= promise, "{name}: {took:?}");
        within(name, took, promise + CLOSE + GRACE);
    }
    assert_eq!(house.joined(flood).await, 1008);
    assert_eq!(house.joined(stranger).await, 3000);
    assert!(house.joined(talker).await && house.joined(sipper).await);
    assert_eq!(house.reported().len(), rules.len(), "nobody else is expired");
}

/// Echoes until it is over
async fn neighbour<R: Runtime>(url: String, timer: R::Timer, seen: Arc<Seen>) {
    let lives = async {
        let websocket = Connector::<R>::new(&url)?.connect(Attempt::first()).await?;
        let config = ConnectionConfig::client();
        let mut connection = Connection::new(websocket, timer.clone(), config, R::default().seed());
        seen.connected.fetch_add(1, Ordering::SeqCst);
        while !seen.over.load(Ordering::SeqCst) {
            let said = timer.now();
            connection.send("hello").await?;
            let heard = connection.recv().await?;
            if heard != Some(Message::from("hello")) {
                return Err("closed".into());
            }
            let took = timer.now().saturating_duration_since(said).as_nanos() as u64;
            seen.longest.fetch_max(took, Ordering::SeqCst);
            seen.echoes.fetch_add(1, Ordering::SeqCst);
            timer.sleep_until(timer.now() + Duration::from_millis(500)).await;
        }
        connection.close().await;
        Ok::<_, Box<dyn std::error::Error + Send + Sync>>(())
    };
    if lives.await.is_err() {
        seen.lost.fetch_add(1, Ordering::SeqCst);
        // So that the check goes on, to say so
        seen.connected.fetch_add(1, Ordering::SeqCst);
    }
    seen.done.fetch_add(1, Ordering::SeqCst);
}
