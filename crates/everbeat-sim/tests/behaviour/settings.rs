//! A client whose settings cannot be is refused when it is built, and told which setting it was.

use std::time::Duration;

use everbeat_core::Client;
use everbeat_core::client::{ClientBuilder, Queue};
use everbeat_core::config::OwnBeat;
use everbeat_core::reconnect::Backoff;
use everbeat_sim::{Sim, SimConnector, SimTimer};

use crate::support::{MS, SECOND};

type Builder = ClientBuilder<SimConnector, SimTimer>;

/// A day, the longest that a duration may be
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

fn build(settings: impl FnOnce(Builder) -> Builder) -> Result<(), &'static str> {
    let sim = Sim::seed(1);
    let builder = Client::over(sim.connector("server"), sim.timer(), 1);
    settings(builder).build().map(drop).map_err(|error| error.setting())
}

#[test]
fn each_setting_that_cannot_be_is_named() {
    assert_eq!(build(|b| b.interval(Duration::ZERO)), Err("interval"));
    assert_eq!(build(|b| b.interval(DAY + SECOND)), Err("interval"));
    assert_eq!(build(|b| b.timeout(Duration::ZERO)), Err("timeout"));
    assert_eq!(build(|b| b.timeout(99 * MS)), Err("timeout"));
    assert_eq!(build(|b| b.timeout(DAY + SECOND)), Err("timeout"));
    assert_eq!(build(|b| b.connect_timeout(Duration::ZERO)), Err("connect_timeout"));
    assert_eq!(build(|b| b.close_timeout(Duration::ZERO)), Err("close_timeout"));
    assert_eq!(build(|b| b.idle(Some(Duration::ZERO))), Err("idle"));
    assert_eq!(build(|b| b.ping_limit(0, 1)), Err("ping_limit"));
    assert_eq!(build(|b| b.queue(Queue::bounded(0, 1))), Err("queue"));
    let never = Backoff::full_jitter(Duration::ZERO..=SECOND);
    assert_eq!(build(|b| b.backoff(never)), Err("backoff"));
    let backwards = Backoff::full_jitter(2 * SECOND..=SECOND);
    assert_eq!(build(|b| b.backoff(backwards)), Err("backoff"));
}

#[test]
fn sets_that_contradict_each_other_are_refused() {
    assert_eq!(build(|b| b.detect_within(MS)), Err("detect_within"));
    assert_eq!(
        build(|b| b.heartbeat(false).detect_within(10 * SECOND)),
        Err("detect_within"),
        "a promise that nobody can keep without a beat"
    );
    let own = OwnBeat::new("ping", |_| false);
    assert_eq!(build(|b| b.beat(own.clone()).heartbeat(false)), Err("beat"));
    assert_eq!(build(|b| b.beat(own)), Ok(()));
}

#[test]
fn the_edges_of_what_can_be_are_taken() {
    assert_eq!(build(|b| b.interval(100 * MS).timeout(100 * MS)), Ok(()));
    assert_eq!(build(|b| b.interval(DAY).timeout(DAY)), Ok(()));
    assert_eq!(build(|b| b.detect_within(SECOND)), Ok(()));
    assert_eq!(build(|b| b.heartbeat(false)), Ok(()));
    assert_eq!(build(|b| b.queue(Queue::bounded(1, 1))), Ok(()));
}
