//! How long an outage a connection outlives, by where TCP's doubling falls: what the docs promise of
//! the presets.

use std::time::Duration;

use everbeat_core::Connection;
use everbeat_core::config::{ConnectionConfig, HeartbeatConfig};
use everbeat_core::time::Instant;
use everbeat_core::transport::Incoming;
use everbeat_sim::Sim;

use crate::support::{MS, SECOND, at, drive, read_all};

/// A client whose Ping leaves into an outage: when that Ping leaves, and whether it outlives it
fn run(
    beat: HeartbeatConfig,
    round_trip: u32,
    outage: Option<(Instant, Duration)>,
) -> (Instant, bool) {
    let mut sim = Sim::seed(7);
    let link = sim.link("client", "server");
    link.delay(MS * round_trip / 2);
    let (client, server) = sim.pipe("client", "server");
    let heard = read_all(&sim, server);
    let config = ConnectionConfig::client().with_heartbeat(Some(beat));
    let mut client = Connection::new(client, sim.timer(), config, 7);
    if let Some((from, long)) = outage {
        let back = link.clone();
        sim.after(from.since_origin(), move || link.partition());
        sim.after(from.since_origin() + long, move || back.repair());
    }
    // A while, so that the road is known.
    let events = drive(&mut sim, &mut client, 400 * SECOND);
    drop(client);
    assert!(sim.run_for(SECOND).is_ok());
    let heard = heard.take().unwrap_or_default();
    let pings = heard.iter().filter(|(_, said)| matches!(said, Incoming::Ping(_)));
    let ping = pings.map(|(when, _)| *when).find(|when| *when > at(200 * SECOND));
    let left = ping.map(|when| when - MS * round_trip / 2).unwrap_or(Instant::NEVER);
    (left, !events.iter().any(|(_, event)| matches!(event, everbeat_core::Event::Disconnected(_))))
}

/// The longest outage, in half seconds, that is outlived although a Ping leaves as it begins
fn outlives(beat: HeartbeatConfig, round_trip: u32) -> u32 {
    let (ping, _) = run(beat, round_trip, None);
    let dies = |half: &u32| !run(beat, round_trip, Some((ping - MS, SECOND * *half / 2))).1;
    (1..60).find(dies).map_or(60, |half| half - 1)
}

#[test]
fn what_the_docs_say_of_the_presets() {
    let round_trips = [10, 30, 70, 120, 200, 300];
    let client = round_trips.map(|round_trip| outlives(HeartbeatConfig::CLIENT, round_trip));
    let mobile = round_trips.map(|round_trip| outlives(HeartbeatConfig::MOBILE, round_trip));
    // In half seconds.
    assert_eq!(client, [13, 14, 17, 10, 12, 16]);
    assert_eq!(mobile, [26, 29, 34, 20, 25, 32]);
}
