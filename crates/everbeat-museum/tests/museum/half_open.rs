//! The road is gone, and nobody tells: connections that stay open for ever.

use everbeat_core::cause::Verdict;
use everbeat_core::config::ConnectionConfig;
use everbeat_museum::rules::naive::{NeverAsks, NeverLooks, OnlySaysClose, SendPostpones};
use everbeat_sim::for_each_seed;

use crate::support::clients::{self, Comeback, serve};
use crate::support::{HOUR, MINUTE, SECOND, cut_at, everbeat, every, live_by, pass, quiet, since};

/// alloy-rs/alloy#2067: the keepalive ticks, its Pings are sent without an error, and nobody looks
/// for an answer: subscriptions are silent for ever.
#[test]
fn pings_go_out_and_nobody_looks_for_an_answer() {
    // Where the kernel tells of the road, and where it does not.
    for (blind, within, verdict) in [(false, 30, Verdict::Path), (true, 40, Verdict::Silent)] {
        for_each_seed(0..3, |sim| {
            if blind {
                sim.host("us").blind();
            }
            let subscription = every(5 * SECOND);
            let naive = live_by(sim, NeverLooks::new(10 * SECOND), quiet(), subscription.clone());
            let ours = everbeat::connect(sim, ConnectionConfig::client(), quiet(), subscription);
            cut_at(sim, MINUTE);
            pass(sim, 11 * MINUTE);
            let report = naive.get();
            assert_eq!((report.verdict, report.pings), (None, 66), "and not one answered since");
            assert_eq!(report.received, 11);
            ours.assert_dies(MINUTE, within * SECOND, verdict);
        });
    }
}

/// warmcat/libwebsockets#1223, oxidezap/whatsapp-rust#995: each send restarts the clock by which
/// the peer is asked or judged, so who keeps sending into a hole never learns of it. alloy does
/// this to this day.
#[test]
fn who_keeps_sending_into_a_hole_is_never_asked() {
    for_each_seed(0..3, |sim| {
        let feed = every(5 * SECOND);
        let naive = live_by(sim, SendPostpones::new(10 * SECOND), feed.clone(), quiet());
        let ours = everbeat::connect(sim, ConnectionConfig::client(), feed, quiet());
        cut_at(sim, MINUTE);
        pass(sim, 11 * MINUTE);
        assert_eq!((naive.get().verdict, naive.get().pings), (None, 0));
        // Its own messages ask the road as well as Pings do.
        ours.assert_dies(MINUTE, 16 * SECOND, Verdict::Path);
        // And what went into the hole is told.
        let unconfirmed = ours.log().end.as_ref().map(|(_, end)| end.unconfirmed.count);
        assert!(unconfirmed.unwrap() >= 2, "{unconfirmed:?}");
    });
}

/// librefang/librefang#8276: of 58 disconnects none was found by asking. Without a Ping only a
/// failing write tells, and an idle socket never fails.
#[test]
fn an_idle_dead_peer_is_found_by_a_failing_write_or_never() {
    for_each_seed(0..3, |sim| {
        let idle = live_by(sim, NeverAsks::default(), quiet(), quiet());
        let writes = every(HOUR).take(1);
        let writing = live_by(sim, NeverAsks::default(), writes, quiet());
        let ours = everbeat::connect(sim, ConnectionConfig::server(), quiet(), quiet());
        cut_at(sim, MINUTE);
        pass(sim, 24 * HOUR);
        assert_eq!(idle.get().verdict, None, "after a day");
        let told = writing.get().verdict.unwrap().at;
        assert!(since(told, HOUR) >= 10 * MINUTE, "the kernel gives up late: {told:?}");
        ours.assert_dies(MINUTE, 35 * SECOND, Verdict::Path);
    });
}

/// gbaranski/ezsockets#104: the host's address has changed, the socket stays established, and the
/// expiry only says Close into the hole: "the client silently dies".
#[test]
fn an_expiry_that_only_says_close_leaves_the_client_dead() {
    for_each_seed(0..3, |sim| {
        serve(sim);
        let rule = OnlySaysClose::new(5 * SECOND, 10 * SECOND);
        let naive = Comeback::new(rule, |_| 5 * SECOND).start(sim, "us");
        let ours = clients::everbeat(sim, "us", |plan| plan);
        cut_at(sim, MINUTE);
        pass(sim, 6 * MINUTE);
        assert_eq!(naive.borrow().len(), 1, "it never came back");
        let ours = ours.borrow();
        assert_eq!(ours.len(), 2);
        assert!(since(ours[1], MINUTE) <= 31 * SECOND, "{ours:?}");
    });
}

/// pladaria/reconnecting-websocket#98: a library that reconnects, and never notices that it should.
#[test]
fn a_library_that_reconnects_never_notices_that_it_should() {
    for_each_seed(0..3, |sim| {
        serve(sim);
        let naive = Comeback::new(NeverAsks::default(), |_| SECOND).start(sim, "us");
        let ours = clients::everbeat(sim, "us", |plan| plan);
        cut_at(sim, MINUTE);
        pass(sim, 11 * MINUTE);
        assert_eq!(naive.borrow().len(), 1);
        assert_eq!(ours.borrow().len(), 2);
        assert!(since(ours.borrow()[1], MINUTE) <= 31 * SECOND);
    });
}
