//! Each of the server's rules, when it applies and what the peer and `on_expire` are told; and that
//! an expired connection really ends, whatever its peer or its handler does.

use std::future::{Future, pending};
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Waker};

use everbeat_core::Cause;
use everbeat_core::cause::{CloseCode, CloseFrame, Expired};
use everbeat_core::time::{Instant, Timer};
use everbeat_core::transport::Outgoing;
use everbeat_server::{Accepted, Expire};
use everbeat_sim::Sim;

use super::rig::{
    Builder, Host, SECOND, ServerConnection, builder, dial, reading, seconds, silent, start_with,
    talking,
};

/// Whom a rule has ended, by which, and when
type Reports = Arc<Mutex<Vec<(String, Expired, Instant)>>>;

fn lock(reports: &Reports) -> MutexGuard<'_, Vec<(String, Expired, Instant)>> {
    reports.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A running server that reports, with a handler that does as its peer's name says
fn start(sim: &Sim, rules: Expire) -> (Reports, Host) {
    start_builder(sim, builder(sim).interval(SECOND).timeout(2 * SECOND).expire(rules))
}

fn start_builder(sim: &Sim, builder: Builder) -> (Reports, Host) {
    let (reports, timer, handle) = (Reports::default(), sim.timer(), sim.handle());
    let (noted, done) = (reports.clone(), reports.clone());
    let host = start_with(
        sim,
        builder,
        |server| {
            server.on_expire(move |handle, rule| {
                lock(&noted).push((handle.facts().clone(), rule, timer.now()));
            })
        },
        move |mut connection: ServerConnection, peer: Accepted<String>| {
            let (sim, done) = (handle.clone(), done.clone());
            async move {
                match peer.facts().as_str() {
                    "deaf" => pending().await,
                    "done" => {
                        drop(connection);
                        sim.sleep(60 * SECOND).await;
                        lock(&done).push(("done".to_owned(), Expired::Evicted, sim.now()));
                        return Ok(());
                    }
                    "busy" => {
                        connection.send("x".repeat(5_000)).await?;
                        sim.sleep(60 * SECOND).await;
                    }
                    name if name.starts_with("echoed") => {
                        while let Some(message) = connection.recv().await? {
                            connection.send(message).await?;
                        }
                    }
                    name if name.starts_with("flooded") => loop {
                        connection.send("x".repeat(100)).await?;
                    },
                    name if name.starts_with("good") => peer.handle.authenticated(),
                    name if name.starts_with("token") => {
                        peer.handle.authenticated_for(7 * SECOND);
                    }
                    _ => {}
                }
                while let Some(message) = connection.recv().await? {
                    if message.as_text() == Some("my new token") {
                        peer.handle.authenticated();
                    }
                }
                if peer.facts() == "lingering" {
                    for _ in 0..5 {
                        sim.sleep(SECOND / 10).await;
                    }
                }
                Ok::<_, Cause>(())
            }
        },
    );
    (reports, host)
}

/// What was reported, without the times, sorted by peer
fn reported(reports: &Reports) -> Vec<(String, Expired)> {
    let mut all: Vec<_> =
        lock(reports).iter().map(|(peer, rule, _)| (peer.clone(), *rule)).collect();
    all.sort_by(|a, b| a.0.cmp(&b.0));
    all
}

fn one(peer: &str, rule: Expired) -> Vec<(String, Expired)> {
    vec![(peer.to_owned(), rule)]
}

#[test]
fn who_does_not_authenticate_in_time_is_told_3000() {
    let mut sim = Sim::seed(1);
    let (reports, host) = start(&sim, Expire::default().unauthenticated(10 * SECOND));
    let (bad, _task) = reading(&sim, "bad");
    let (good, _task) = reading(&sim, "good");
    sim.run_for(60 * SECOND).unwrap();
    let bad = bad.take();
    let told = CloseFrame::new(CloseCode::UNAUTHORIZED, "not authenticated in time");
    assert_eq!(bad.close, Some(told));
    let ended = bad.ended.unwrap();
    assert!((seconds(10.0)..seconds(10.2)).contains(&ended), "{ended:?}");
    assert!(good.borrow().ended.is_none());
    assert_eq!(reported(&reports), one("bad", Expired::Unauthenticated));
    assert_eq!(host.registry.len(), 1);
}

#[test]
fn an_authentication_is_refreshed_in_band_or_ends() {
    let mut sim = Sim::seed(2);
    let (reports, host) = start(&sim, Expire::default().authentication(10 * SECOND));
    let (old, _task) = reading(&sim, "good old");
    let (token, _task) = reading(&sim, "token");
    let _fresh = talking(&sim, "good fresh", "my new token");
    sim.run_for(60 * SECOND).unwrap();
    for (heard, at) in [(old, 10.0), (token, 7.0)] {
        let heard = heard.take();
        let told = CloseFrame::new(CloseCode::UNAUTHORIZED, "authentication too old");
        assert_eq!(heard.close, Some(told));
        let ended = heard.ended.unwrap();
        assert!((seconds(at)..seconds(at + 0.2)).contains(&ended), "{ended:?}");
    }
    let mut stale = one("good old", Expired::Stale);
    stale.extend(one("token", Expired::Stale));
    assert_eq!(reported(&reports), stale);
    assert_eq!(host.registry.handles()[0].facts(), "good fresh");
}

#[test]
fn connections_that_came_together_grow_too_old_one_by_one() {
    let mut sim = Sim::seed(3);
    let (reports, host) = start(&sim, Expire::default().age(100 * SECOND));
    let crowd: Vec<_> = (0..200).map(|n| reading(&sim, &format!("c{n}"))).collect();
    sim.run_for(89 * SECOND).unwrap();
    assert_eq!(host.registry.len(), 200);
    sim.run_for(SECOND * 115 / 10).unwrap();
    assert!(host.registry.is_empty());
    let mut ends: Vec<_> = crowd.iter().map(|(heard, _)| heard.borrow().ended.unwrap()).collect();
    ends.sort_unstable();
    assert!(ends[0] >= seconds(90.0) && ends[199] <= seconds(100.2), "{ends:?}");
    for (second, share) in ends.chunks(20).enumerate() {
        let expected = 90.0 + second as f64;
        let (first, last) = (share[0], share[19]);
        assert!(first > seconds(expected - 1.0), "{second}: {first:?}");
        assert!(last < seconds(expected + 2.0), "{second}: {last:?}");
    }
    let told = CloseFrame::new(CloseCode::RESTART, "connection too old");
    assert!(crowd.iter().all(|(heard, _)| heard.borrow().close.as_ref() == Some(&told)));
    assert!(reported(&reports).iter().all(|(_, rule)| *rule == Expired::TooOld));
}

#[test]
fn a_peer_that_talks_and_reads_nothing_is_too_slow() {
    let mut sim = Sim::seed(4);
    sim.link("talker", "server").to("talker").buffer(1_000);
    let (reports, host) = start(&sim, Expire::default().stuck(10 * SECOND));
    let talker = talking(&sim, "talker", "I am alive");
    let neighbour = reading(&sim, "calm");
    sim.run_for(SECOND / 10).unwrap();
    for _ in 0..100 {
        assert!(host.registry.send_all("x".repeat(100)).unwrap().is_empty());
    }
    sim.run_for(9 * SECOND).unwrap();
    assert_eq!(host.registry.len(), 2, "its bytes are life");
    // The limit, the time for a Close that nobody reads, and a tick for each
    sim.run_for(6 * SECOND + SECOND / 5).unwrap();
    assert_eq!(reported(&reports), one("talker", Expired::TooSlow));
    assert_eq!(host.registry.len(), 1);
    sim.run_for(2 * SECOND).unwrap();
    assert!(talker.is_finished() && neighbour.0.borrow().ended.is_none());
}

#[test]
fn a_handler_that_waits_to_send_is_ended_by_its_rule_too() {
    let mut sim = Sim::seed(13);
    sim.link("echoed", "server").to("echoed").rate(1).buffer(10);
    let (reports, host) = start(&sim, Expire::default().silent(None).age(20 * SECOND));
    // Its echoes are more than it takes, so that the handler waits to send
    let _talker = talking(&sim, "echoed", "I am alive");
    sim.run_for(SECOND * 262 / 10).unwrap();
    assert!(host.registry.is_empty());
    assert_eq!(reported(&reports), one("echoed", Expired::TooOld));
}

#[test]
fn a_handler_that_only_sends_lets_the_close_be_said() {
    let mut sim = Sim::seed(14);
    sim.link("flooded", "server").to("flooded").rate(10_000).buffer(500);
    let (reports, _host) = start(&sim, Expire::default().age(20 * SECOND));
    let (fed, _task) = reading(&sim, "flooded");
    sim.run_for(30 * SECOND).unwrap();
    let told = CloseFrame::new(CloseCode::RESTART, "connection too old");
    assert_eq!(fed.borrow().close, Some(told));
    assert_eq!(reported(&reports), one("flooded", Expired::TooOld));
}

#[test]
fn a_slow_peer_that_gets_on_is_not_too_slow() {
    let mut sim = Sim::seed(5);
    // A message of 5,000 bytes takes 50 s, and some of it goes out all the time.
    sim.link("flooded", "server").to("flooded").rate(100).buffer(500);
    let (reports, host) = start(&sim, Expire::default().silent(None).stuck(10 * SECOND));
    let (heard, _task) = reading(&sim, "flooded");
    sim.run_for(120 * SECOND).unwrap();
    assert_eq!((reported(&reports), host.registry.len()), (vec![], 1));
    assert!(heard.borrow().texts.len() > 50);
}

#[test]
fn a_handler_that_does_not_drive_its_write_is_not_held_against_the_peer() {
    let mut sim = Sim::seed(6);
    sim.link("busy", "server").to("busy").rate(4_000).buffer(1_000);
    let (reports, host) = start(&sim, Expire::default().stuck(5 * SECOND));
    let (_heard, _task) = reading(&sim, "busy");
    sim.run_for(50 * SECOND).unwrap();
    assert_eq!((reported(&reports), host.registry.len()), (vec![], 1));
}

#[test]
fn who_lets_too_much_wait_is_too_slow_and_the_others_are_not() {
    let mut sim = Sim::seed(7);
    sim.link("slow", "server").to("slow").rate(100).buffer(100);
    let (reports, host) = start(&sim, Expire::default().silent(None).behind(10_000));
    let (slow, _task) = reading(&sim, "slow");
    let (prompt, _task) = reading(&sim, "prompt");
    sim.run_for(SECOND).unwrap();
    for number in 0..20 {
        let refused = host.registry.send_all(format!("{number:01000}")).unwrap();
        assert!(refused.slow.iter().all(|handle| handle.facts() == "slow"));
        sim.run_for(SECOND / 10).unwrap();
    }
    sim.run_for(10 * SECOND).unwrap();
    assert_eq!(prompt.borrow().texts.len(), 20);
    assert_eq!(reported(&reports), one("slow", Expired::TooSlow));
    assert!(slow.borrow().ended.is_some() && host.registry.len() == 1);
}

#[test]
fn a_handler_that_never_looks_at_its_connection_is_dropped_when_a_rule_ends_it() {
    let mut sim = Sim::seed(8);
    let (reports, host) = start(&sim, Expire::default().age(20 * SECOND));
    let (deaf, deaf_task) = reading(&sim, "deaf");
    let (told, _task) = reading(&sim, "evicted");
    sim.run_for(10 * SECOND).unwrap();
    let evicted = host.registry.handles().into_iter().find(|one| one.facts() == "evicted");
    evicted.unwrap().evict();
    sim.run_for(SECOND).unwrap();
    assert_eq!(told.borrow().close.as_ref().unwrap().code, CloseCode::POLICY);
    assert_eq!(reported(&reports), one("evicted", Expired::Evicted));
    sim.run_for(6 * SECOND).unwrap();
    assert!(!deaf_task.is_finished());
    // 18 to 20 s, the 5 s of a Close, and a second.
    sim.run_for(SECOND * 92 / 10).unwrap();
    assert!(host.registry.is_empty() && host.wheel.is_empty());
    assert!(deaf.borrow().close.is_none(), "its handler never said it");
    assert_eq!(reported(&reports)[0], ("deaf".to_owned(), Expired::TooOld));
}

#[test]
fn an_order_is_obeyed_or_the_handler_is_dropped() {
    let mut sim = Sim::seed(9);
    let (reports, host) = start(&sim, Expire::default());
    let (_deaf, deaf) = reading(&sim, "deaf");
    sim.run_for(SECOND).unwrap();
    host.registry.close_all(&CloseCode::NORMAL.into());
    sim.run_for(6 * SECOND - SECOND / 10).unwrap();
    assert!(!deaf.is_finished());
    sim.run_for(SECOND / 5).unwrap();
    assert!(deaf.is_finished() && host.registry.is_empty());
    assert_eq!(reported(&reports), [], "no rule has ended it");
}

#[test]
fn a_handler_that_has_dropped_its_connection_may_go_on() {
    let mut sim = Sim::seed(13);
    let (reports, host) = start(&sim, Expire::default().age(10 * SECOND));
    let (_done, _task) = reading(&sim, "done");
    sim.run_for(SECOND).unwrap();
    host.registry.handles()[0].evict();
    sim.run_for(70 * SECOND).unwrap();
    // It says so itself, at its end
    assert_eq!(lock(&reports).len(), 1);
    assert!(lock(&reports)[0].2 >= seconds(60.0), "{:?}", lock(&reports));
}

#[test]
fn the_silent_the_idle_and_those_at_a_shutdown_are_reported_too_each_once() {
    let mut sim = Sim::seed(10);
    let (reports, host) = start(&sim, Expire::default().idle(20 * SECOND));
    let _silent = silent(&sim, "silent");
    let (_idle, _task) = reading(&sim, "idle");
    let (_lingering, _task) = reading(&sim, "lingering");
    let _live = talking(&sim, "live", "hello");
    // It reads nothing, so that its Pongs do not come, but its bytes are life
    sim.run_for(30 * SECOND).unwrap();
    host.handle.shutdown();
    sim.run_for(10 * SECOND).unwrap();
    let expected = [
        ("idle".to_owned(), Expired::Idle),
        ("lingering".to_owned(), Expired::Idle),
        ("live".to_owned(), Expired::ShuttingDown),
        ("silent".to_owned(), Expired::Silent),
    ];
    assert_eq!(reported(&reports), expected);
}

#[test]
fn a_promise_to_expire_the_silent_is_kept() {
    let mut sim = Sim::seed(11);
    let rules = Expire::default().silent(10 * SECOND);
    let (reports, host) = start_builder(&sim, builder(&sim).expire(rules));
    let _silent: Vec<_> = (0..100).map(|n| silent(&sim, &format!("s{n}"))).collect();
    sim.run_for(10 * SECOND).unwrap();
    assert!(host.registry.is_empty());
    assert!(reported(&reports).iter().all(|(_, rule)| *rule == Expired::Silent));
    assert_eq!(reported(&reports).len(), 100);
}

#[test]
fn a_report_that_panics_harms_nobody() {
    let mut sim = Sim::seed(12);
    let handler = |mut connection: ServerConnection, _: Accepted<String>| async move {
        while connection.recv().await?.is_some() {}
        Ok::<_, Cause>(())
    };
    let rules = builder(&sim).expire(Expire::default().idle(5 * SECOND));
    let host = start_with(
        &sim,
        rules,
        |server| server.on_expire(|handle, _| assert_ne!(handle.facts(), "unlucky")),
        handler,
    );
    let (unlucky, _task) = reading(&sim, "unlucky");
    let _live = talking(&sim, "live", "hello");
    sim.run_for(20 * SECOND).unwrap();
    assert!(unlucky.borrow().close.is_some());
    assert_eq!(host.registry.len(), 1);
}

/// By the server's defaults, which give no time to anybody before
#[test]
fn an_authentication_for_a_time_ends_by_it_without_any_rule() {
    let mut sim = Sim::seed(21);
    let (reports, _host) = start(&sim, Expire::default());
    let (token, _task) = reading(&sim, "token");
    let (good, _other) = reading(&sim, "good");
    sim.run_for(60 * SECOND).unwrap();
    assert_eq!(reported(&reports), one("token", Expired::Stale));
    let ended = token.borrow().ended.unwrap();
    assert!((seconds(7.0)..seconds(7.2)).contains(&ended), "{ended:?}");
    assert!(good.borrow().ended.is_none());
}

/// What stood over the first time has long been given up at the second
#[test]
fn a_peer_that_got_on_once_is_too_slow_when_it_stops_again() {
    let mut sim = Sim::seed(22);
    sim.link("moody", "server").to("moody").buffer(1_000);
    let (reports, host) = start(&sim, Expire::default().stuck(10 * SECOND));
    let handle = sim.handle();
    let _moody = sim.spawn(async move {
        let Some(mut pipe) = dial(handle.clone(), "moody".to_owned()).await else {
            panic!("not connected");
        };
        for second in 0.. {
            if pipe.send(Outgoing::Message("I am alive".into())).await.is_err() {
                break;
            }
            let reads = (5..40).contains(&second);
            let cx = &mut Context::from_waker(Waker::noop());
            while reads && pin!(pipe.next()).poll(cx).is_ready() {}
            handle.sleep(SECOND).await;
        }
    });
    sim.run_for(SECOND / 10).unwrap();
    for (second, registered) in [(0_u32, 1), (41, 1), (60, 0)] {
        let now = host.timer.now().since_origin();
        sim.run_for((SECOND * second).saturating_sub(now)).unwrap();
        assert_eq!(host.registry.len(), registered, "after {second} s");
        for _ in 0..50 {
            assert!(host.registry.send_all("x".repeat(100)).unwrap().is_empty());
        }
    }
    assert_eq!(reported(&reports), one("moody", Expired::TooSlow));
    let at = lock(&reports)[0].2;
    assert!((seconds(51.0)..seconds(57.0)).contains(&at), "{at:?}");
}
