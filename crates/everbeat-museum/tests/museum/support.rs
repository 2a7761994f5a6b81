//! What the exhibits share: a rule on one connection and everbeat on another, between the same two
//! hosts, so that the same befalls both.

#![expect(clippy::unwrap_used, reason = "helpers of tests are tests")]

pub(crate) mod clients;
pub(crate) mod everbeat;
pub(crate) mod proxy;
pub(crate) mod unread;

use std::time::Duration;

use everbeat_core::time::Instant;
use everbeat_museum::rules::{Peer, Rule, Sending, Watch, run};
use everbeat_sim::{Pipe, Sim};

pub(crate) const MS: Duration = Duration::from_millis(1);
pub(crate) const SECOND: Duration = Duration::from_secs(1);
pub(crate) const MINUTE: Duration = Duration::from_secs(60);
pub(crate) const HOUR: Duration = Duration::from_secs(3_600);

pub(crate) fn at(duration: Duration) -> Instant {
    Instant::ORIGIN + duration
}

/// How long after `earlier` that was
pub(crate) fn since(later: Instant, earlier: Duration) -> Duration {
    later.saturating_duration_since(at(earlier))
}

/// Nothing is sent
pub(crate) const fn quiet() -> [Sending; 0] {
    []
}

/// A small message so often, from the beginning
pub(crate) fn every(period: Duration) -> impl Iterator<Item = Sending> + Clone {
    Sending::every(period, 100, Instant::ORIGIN)
}

/// A program that lives by `rule` on the host `us`, connected with a [`Peer`] on the host `them`
pub(crate) fn live_by(
    sim: &Sim,
    rule: impl Rule + 'static,
    traffic: impl IntoIterator<Item = Sending> + 'static,
    of_peer: impl IntoIterator<Item = Sending> + 'static,
) -> Watch {
    let us = sim.host("us");
    let watch = Watch::default();
    let ours = with_peer(sim, of_peer);
    us.spawn(run(rule, ours, us.timer(), traffic, watch.clone()));
    watch
}

/// Our end of a connection with a [`Peer`] on the host `them`
pub(crate) fn with_peer(sim: &Sim, of_peer: impl IntoIterator<Item = Sending> + 'static) -> Pipe {
    let them = sim.host("them");
    let (ours, theirs) = sim.pipe("us", "them");
    them.spawn(run(Peer::default(), theirs, them.timer(), of_peer, Watch::default()));
    ours
}

/// What the living connections between `us` and `them` send vanishes from then on, as behind a
/// router that has forgotten them; new connections are fine
pub(crate) fn cut_at(sim: &Sim, when: Duration) {
    let link = sim.link("us", "them");
    sim.after(when, move || link.cut());
}

pub(crate) fn pass(sim: &mut Sim, duration: Duration) {
    sim.run_for(duration).unwrap();
}
