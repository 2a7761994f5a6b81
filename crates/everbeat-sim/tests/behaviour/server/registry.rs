//! Who is in the registry, by tag and by rule, and what is known of them.

use std::collections::BTreeSet;
use std::time::Duration;

use everbeat_core::cause::{CloseCode, CloseFrame};
use everbeat_core::config::defaults::SERVER_INTERVAL;
use everbeat_core::time::Timer;
use everbeat_core::transport::Outgoing;
use everbeat_server::registry::{MailboxError, TagError};
use everbeat_server::{ConnectionHandle, Expire, Limits};
use everbeat_sim::Sim;

use super::rig::{Host, SECOND, builder, dial, noting, reading, silent, start};

fn handle(host: &Host, peer: &str) -> ConnectionHandle<String> {
    match host.registry.handles().into_iter().find(|one| one.facts() == peer) {
        Some(handle) => handle,
        None => panic!("{peer} is not connected"),
    }
}

fn peers(handles: &[ConnectionHandle<String>]) -> BTreeSet<&str> {
    handles.iter().map(|one| one.facts().as_str()).collect()
}

#[test]
fn a_tag_finds_who_has_it_and_nobody_who_has_left() {
    let mut sim = Sim::seed(1);
    let host = start(&sim, builder(&sim), noting(&sim).1);
    let heard: Vec<_> = ["a", "b", "c"].iter().map(|name| reading(&sim, name)).collect();
    sim.run_for(SECOND).unwrap();
    let [a, b] = ["a", "b"].map(|name| handle(&host, name));
    a.tag("red").unwrap();
    a.tag("red").unwrap();
    a.tag("blue").unwrap();
    b.tag("red").unwrap();
    assert_eq!(peers(&host.registry.tagged("red")), BTreeSet::from(["a", "b"]));
    assert_eq!(a.tags().len(), 2);
    assert!(host.registry.send_tagged("red", "to the red").unwrap().is_empty());
    assert!(host.registry.send_tagged("green", "to nobody").unwrap().is_empty());
    assert!(b.untag("red") && !b.untag("red"));
    host.registry.send_tagged("red", "again").unwrap();
    host.registry.send_where(|one| one.facts() != "a", "to the others").unwrap();
    sim.run_for(SECOND).unwrap();
    let texts: Vec<_> = heard.iter().map(|(heard, _)| heard.borrow().texts.clone()).collect();
    assert_eq!(texts[0], ["to the red", "again"]);
    assert_eq!(texts[1], ["to the red", "to the others"]);
    assert_eq!(texts[2], ["to the others"]);

    // What was only for a while is given back when a Pong has come; tags are for good.
    sim.run_for(2 * SERVER_INTERVAL).unwrap();
    let now = host.timer.now();
    assert!(a.stats(now).round_trip.is_some() && a.stats(now).silent_for < SERVER_INTERVAL);
    assert_eq!((a.tags().len(), b.tags().len()), (2, 0));
    assert_eq!(peers(&host.registry.tagged("red")), BTreeSet::from(["a"]));

    a.close(CloseCode::NORMAL.into());
    sim.run_for(SECOND).unwrap();
    assert!(host.registry.tagged("red").is_empty() && host.registry.tagged("blue").is_empty());
    assert_eq!((a.tag("red"), a.tags().len()), (Err(TagError::Ended), 0));
}

#[test]
fn tags_are_bounded_in_number_and_length() {
    let mut sim = Sim::seed(2);
    let host = start(&sim, builder(&sim), noting(&sim).1);
    let (_heard, _task) = reading(&sim, "a");
    sim.run_for(SECOND).unwrap();
    let a = handle(&host, "a");
    for number in 0..256 {
        a.tag(&number.to_string()).unwrap();
    }
    assert_eq!(a.tag("one more"), Err(TagError::TooMany { limit: 256 }));
    a.tag("255").unwrap();
    a.untag("255");
    assert_eq!(a.tag(&"x".repeat(257)), Err(TagError::TooLong { length: 257, limit: 256 }));
    a.tag(&"x".repeat(256)).unwrap();
}

#[test]
fn all_are_closed_with_the_same_words_and_the_server_goes_on() {
    let mut sim = Sim::seed(3);
    let host = start(&sim, builder(&sim), noting(&sim).1);
    let heard: Vec<_> = (0..10).map(|n| reading(&sim, &format!("c{n}"))).collect();
    sim.run_for(SECOND).unwrap();
    let words = CloseFrame::new(CloseCode(4_001), "maintenance");
    host.registry.close_all(&words);
    sim.run_for(SECOND).unwrap();
    assert!(heard.iter().all(|(heard, _)| heard.borrow().close.as_ref() == Some(&words)));
    assert!(host.registry.is_empty() && !host.task.is_finished());
    let (_late, _task) = reading(&sim, "late");
    sim.run_for(SECOND).unwrap();
    assert_eq!(host.registry.len(), 1);
}

#[test]
fn what_is_known_of_a_connection_is_what_happened_to_it() {
    let mut sim = Sim::seed(4);
    for peer in ["near", "far"] {
        let delay = SECOND / if peer == "far" { 5 } else { 100 };
        sim.link(peer, "server").delay(delay);
    }
    let beat = builder(&sim).interval(10 * SECOND).timeout(20 * SECOND);
    let host = start(&sim, beat, noting(&sim).1);
    let (_near, _task) = reading(&sim, "near");
    let (_far, _task) = reading(&sim, "far");
    let _silent = silent(&sim, "silent");
    sim.run_for(15 * SECOND).unwrap();
    let stats = |peer| handle(&host, peer).stats(host.timer.now());
    let (near, far, silent) = (stats("near"), stats("far"), stats("silent"));
    // There and back, and a tick of the wheel at most before the answer is seen
    assert!((20..40).contains(&near.round_trip.unwrap().as_millis()), "{near:?}");
    assert!((400..420).contains(&far.round_trip.unwrap().as_millis()), "{far:?}");
    assert_eq!(silent.round_trip, None);
    assert!(near.received > 0 && near.sent > 0 && near.silent_for < 10 * SECOND, "{near:?}");
    assert_eq!(silent.received, 0);
    assert!(silent.silent_for == silent.age && silent.age > 14 * SECOND, "{silent:?}");

    let percentiles = host.registry.percentiles(host.timer.now());
    assert_eq!(percentiles.connections, 3);
    assert_eq!(percentiles.round_trip.p50, near.round_trip.unwrap());
    assert_eq!(percentiles.round_trip.max, far.round_trip.unwrap());
    assert_eq!(percentiles.silent_for.max, silent.silent_for);
    let ended = handle(&host, "silent");
    assert_eq!(ended.cause(), None);
    sim.run_for(20 * SECOND).unwrap();
    let cause = ended.cause().map(|cause| cause.to_string()).unwrap_or_default();
    assert!(cause.starts_with("dead (app): nothing heard for"), "{cause:?}");
}

#[test]
fn a_message_of_the_peer_is_what_it_was_last_heard_by() {
    let mut sim = Sim::seed(5);
    let host = start(&sim, builder(&sim).expire(Expire::default().silent(None)), noting(&sim).1);
    let handle_of_sim = sim.handle();
    let _talker = sim.spawn(async move {
        let mut pipe = dial(handle_of_sim.clone(), "talker".to_owned()).await.unwrap();
        handle_of_sim.sleep(30 * SECOND).await;
        pipe.send(Outgoing::Message("hello".into())).await.unwrap();
        std::future::pending::<()>().await;
    });
    sim.run_for(40 * SECOND).unwrap();
    let stats = handle(&host, "talker").stats(host.timer.now());
    let about = |expected: Duration, is: Duration| is.abs_diff(expected) < SECOND / 10;
    assert!(about(10 * SECOND, stats.silent_for) && about(40 * SECOND, stats.age), "{stats:?}");
}

#[test]
fn what_waits_for_all_is_bounded_and_comes_back_when_it_is_sent_or_lost() {
    let mut sim = Sim::seed(6);
    for peer in ["a", "b"] {
        sim.link(peer, "server").to(peer).buffer(10);
    }
    let limits = Limits::default().queued(100, 1_000).queued_in_all(1_500);
    let host = start(&sim, builder(&sim).limits(limits), noting(&sim).1);
    let _peers = [silent(&sim, "a"), silent(&sim, "b")];
    sim.run_for(SECOND).unwrap();
    let [a, b] = ["a", "b"].map(|name| handle(&host, name));
    let fill = |handle: &ConnectionHandle<String>| loop {
        if let Err(error) = handle.send("x".repeat(100)) {
            break error;
        }
    };
    let full = fill(&a);
    assert!(matches!(full, MailboxError::Full { bytes: 1_000, .. }), "{full}");
    let full = fill(&b);
    assert!(matches!(full, MailboxError::FullInAll { limit: 1_500, .. }), "{full}");
    assert!(full.to_string().contains("`queued_in_all`"), "{full}");
    assert_eq!(
        (a.stats(host.timer.now()).queued_bytes, b.stats(host.timer.now()).queued),
        (1_000, 7)
    );
    sim.run_for(60 * SECOND).unwrap();
    assert!(host.registry.is_empty());
    // What nobody has taken out still waits, and no longer does when nobody could
    assert_eq!(b.unsent().len() + a.unsent().len(), 17 - 2);
    let (_c, _task) = reading(&sim, "c");
    sim.run_for(SECOND).unwrap();
    let c = handle(&host, "c");
    for _ in 0..10 {
        for _ in 0..10 {
            c.send("x".repeat(100)).unwrap();
        }
        sim.run_for(SECOND).unwrap();
    }
}
