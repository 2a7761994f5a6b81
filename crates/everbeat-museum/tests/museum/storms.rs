//! Clients that come back: too soon, all at once, or never.

use std::time::Duration;

use everbeat_core::cause::{CloseCode, CloseFrame};
use everbeat_core::time::Instant;
use everbeat_core::transport::Incoming;
use everbeat_museum::rules::naive::NeverAsks;
use everbeat_sim::for_each_seed;
use everbeat_sim::net::{Answer, ConnectError};

use crate::support::clients::{self, Comeback, serve};
use crate::support::{MINUTE, MS, SECOND, at, pass, since};

/// The most of them within `window`
fn busiest(times: &[Instant], window: Duration) -> usize {
    let mut times = times.to_vec();
    times.sort_unstable();
    let within = |first: &Instant| times.partition_point(|at| *at < *first + window);
    times.iter().enumerate().map(|(index, first)| within(first) - index).max().unwrap_or(0)
}

/// gbaranski/ezsockets#104, its other half: an attempt that fails is followed by the next at once.
/// And garden-co/jazz#546: the backoff computes its delay, and on one platform throws it away.
#[test]
fn a_backoff_throws_its_delay_away() {
    for_each_seed(0..3, |sim| {
        sim.answer("them", Answer::Refuse);
        let naive = Comeback::new(NeverAsks::default(), |_| Duration::ZERO).start(sim, "us");
        let ours = clients::everbeat(sim, "us", |plan| plan);
        pass(sim, 10 * SECOND);
        assert!(naive.borrow().len() > 2_000, "{}", naive.borrow().len());
        assert!((2..=15).contains(&ours.borrow().len()), "{}", ours.borrow().len());
    });
}

/// pladaria/reconnecting-websocket#200: the server takes connections and drops them, and each time
/// one stands for a moment the client believes that all is well and begins anew.
#[test]
fn a_backoff_forgets_everything_when_a_connection_opens() {
    for_each_seed(0..3, |sim| {
        let overloaded = CloseFrame::new(CloseCode::TRY_AGAIN, "overloaded");
        sim.answer("them", Answer::Close(overloaded));
        let doubling = |failed: u32| SECOND * 2_u32.pow(failed.min(6) - 1).min(30);
        let naive = Comeback::new(NeverAsks::default(), doubling).start(sim, "us");
        let ours = clients::everbeat(sim, "us", |plan| plan);
        pass(sim, 5 * MINUTE);
        assert!(naive.borrow().len() >= 290, "{}", naive.borrow().len());
        assert!((5..=20).contains(&ours.borrow().len()), "{}", ours.borrow().len());
    });
}

/// BasedHardware/omi#5617, firezone/firezone#11493: one restart, and everybody is back in the same
/// moment, and again a fixed delay later, until nothing else is served.
#[test]
fn one_restart_brings_everybody_back_in_the_same_moment() {
    const CROWD: usize = 200;
    for_each_seed(0..2, |sim| {
        serve(sim);
        let names: Vec<String> = (0..CROWD).map(|number| format!("c{number}")).collect();
        let naive: Vec<_> = names
            .iter()
            .map(|name| Comeback::new(NeverAsks::default(), |_| SECOND).start(sim, name))
            .collect();
        let ours: Vec<_> =
            names.iter().map(|name| clients::everbeat(sim, name, |plan| plan)).collect();
        pass(sim, MINUTE);
        // It goes away for ten seconds, and says so to everybody.
        for name in &names {
            let going_away = Incoming::Close(Some(CloseCode::GOING_AWAY.into()));
            sim.link(name, "them").to(name).inject(going_away);
        }
        sim.answer("them", Answer::Refuse);
        pass(sim, 10 * SECOND);
        sim.answer("them", Answer::Upgrade);
        pass(sim, 2 * MINUTE);
        let after = |crowd: &[clients::Attempts]| -> Vec<Instant> {
            let all = crowd.iter().flat_map(|one| one.borrow().clone());
            all.filter(|tried| *tried > at(MINUTE)).collect()
        };
        let (naive, ours) = (after(&naive), after(&ours));
        assert_eq!(busiest(&naive, 100 * MS), CROWD);
        assert!(naive.len() >= 10 * CROWD, "{}", naive.len());
        assert!(busiest(&ours, 100 * MS) <= CROWD / 8, "{}", busiest(&ours, 100 * MS));
        assert!((CROWD..=7 * CROWD).contains(&ours.len()), "{}", ours.len());
    });
}

/// firezone/firezone#11594, langchain-ai/langsmith-sdk#3493: the server says when to come back. One
/// client hammers on, to another 429 is a client's error and the end.
#[test]
fn a_server_that_says_when_is_not_listened_to() {
    for_each_seed(0..3, |sim| {
        let retry_after = Some(20 * SECOND);
        sim.answer("them", Answer::Reject { status: 429, retry_after });
        let impatient = Comeback::new(NeverAsks::default(), |_| SECOND).start(sim, "us");
        let offended = Comeback {
            gives_up: |error| matches!(error, ConnectError::Rejected { status: 400..=499, .. }),
            ..Comeback::new(NeverAsks::default(), |_| SECOND)
        };
        let offended = offended.start(sim, "us");
        let ours = clients::everbeat(sim, "us", |plan| plan);
        pass(sim, 5 * MINUTE);
        assert!(impatient.borrow().len() >= 290);
        assert_eq!(offended.borrow().len(), 1);
        let ours = ours.borrow();
        assert!(ours.len() >= 6, "{ours:?}");
        for pair in ours.windows(2) {
            let pause = since(pair[1], pair[0].since_origin());
            assert!(pause >= 20 * SECOND, "{pause:?}");
        }
    });
}
