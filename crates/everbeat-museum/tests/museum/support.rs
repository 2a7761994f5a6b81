//! What the exhibits share: a rule on a pipe, and everbeat on another.

#![expect(clippy::unwrap_used, reason = "helpers of tests are tests")]

use std::time::Duration;

use everbeat_core::time::Instant;
use everbeat_museum::rules::{Peer, Rule, Sending, Watch, run};
use everbeat_sim::Sim;

pub(crate) const MS: Duration = Duration::from_millis(1);
pub(crate) const SECOND: Duration = Duration::from_secs(1);
pub(crate) const HOUR: Duration = Duration::from_secs(3_600);

pub(crate) fn at(duration: Duration) -> Instant {
    Instant::ORIGIN + duration
}

/// Nothing is sent
pub(crate) const fn quiet() -> [Sending; 0] {
    []
}

/// A program that lives by `rule` on the host `us`, connected with a [`Peer`] on the host `them`
pub(crate) fn live_by(
    sim: &Sim,
    rule: impl Rule + 'static,
    traffic: impl IntoIterator<Item = Sending> + 'static,
    of_peer: impl IntoIterator<Item = Sending> + 'static,
) -> Watch {
    let (us, them) = (sim.host("us"), sim.host("them"));
    let (ours, theirs) = sim.pipe("us", "them");
    let watch = Watch::default();
    us.spawn(run(rule, ours, us.timer(), traffic, watch.clone()));
    them.spawn(run(Peer::default(), theirs, them.timer(), of_peer, Watch::default()));
    watch
}

pub(crate) fn pass(sim: &mut Sim, duration: Duration) {
    sim.run_for(duration).unwrap();
}
