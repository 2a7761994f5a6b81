//! What the behaviour tests share: connections on pipes, a way to drive them, and what they did.

#![expect(clippy::unwrap_used, reason = "helpers of tests are tests")]

pub(crate) mod clients;
pub(crate) mod pipes;

use std::cell::RefCell;
use std::future::poll_fn;
use std::pin::Pin;
use std::rc::Rc;
use std::time::Duration;

use everbeat_core::config::{ConnectionConfig, HeartbeatConfig};
use everbeat_core::outcome::Disconnected;
use everbeat_core::time::Instant;
use everbeat_core::transport::Incoming;
use everbeat_core::{Connection, Event, Message};
use everbeat_sim::{Pipe, Sim, SimTimer, Stop, Task};
use futures_core::Stream;

pub(crate) const MS: Duration = Duration::from_millis(1);
pub(crate) const SECOND: Duration = Duration::from_secs(1);

pub(crate) fn at(duration: Duration) -> Instant {
    Instant::ORIGIN + duration
}

/// A client's configuration with this beat
pub(crate) fn beat(interval: Duration, timeout: Duration) -> ConnectionConfig {
    let beat = HeartbeatConfig::new(interval, timeout).unwrap();
    ConnectionConfig::client().with_heartbeat(Some(beat))
}

/// A client's configuration without a beat
pub(crate) fn beatless() -> ConnectionConfig {
    ConnectionConfig::client().with_heartbeat(None)
}

/// A connection on one end of a new wire, and the bare pipe at the other
pub(crate) fn with_peer(sim: &Sim, config: ConnectionConfig) -> (Connection<Pipe, SimTimer>, Pipe) {
    let (client, server) = sim.pipe("client", "server");
    (Connection::new(client, sim.timer(), config, sim.random()), server)
}

/// A connection on either end of a new wire
pub(crate) fn both(
    sim: &Sim,
    client: ConnectionConfig,
    server: ConnectionConfig,
) -> (Connection<Pipe, SimTimer>, Connection<Pipe, SimTimer>) {
    let (client, peer) = with_peer(sim, client);
    (client, Connection::new(peer, sim.timer(), server, sim.random()))
}

/// Drives a connection or a client for so long; what it said, and when
pub(crate) fn drive(
    sim: &mut Sim,
    driven: &mut (impl Stream<Item = Event> + Unpin),
    duration: Duration,
) -> Vec<(Instant, Event)> {
    let until = sim.now() + duration;
    let mut events = Vec::new();
    loop {
        let left = until.saturating_duration_since(sim.now());
        let next = poll_fn(|cx| Pin::new(&mut *driven).poll_next(cx));
        match sim.block_on(next, left).map_err(|error| (error.stop(), error)) {
            Ok(Some(event)) => events.push((sim.now(), event)),
            Ok(None) | Err((Stop::TimedOut { .. } | Stop::Stuck, _)) => break,
            Err((_, error)) => panic!("{error}"),
        }
    }
    sim.run_until(until).unwrap();
    events
}

/// When it ended, and how; panics if it did not
pub(crate) fn the_end(events: &[(Instant, Event)]) -> (Instant, &Disconnected) {
    match events.last() {
        Some((at, Event::Disconnected(end) | Event::GaveUp(end) | Event::Closed(end))) => {
            (*at, end)
        }
        other => panic!("it did not end: {other:?}"),
    }
}

pub(crate) fn messages(events: &[(Instant, Event)]) -> Vec<Message> {
    let message = |(_, event): &(Instant, Event)| match event {
        Event::Message(message) => Some(message.clone()),
        _ => None,
    };
    events.iter().filter_map(message).collect()
}

/// Reads everything that comes to a bare pipe, answering as the transport does; all that came, and
/// when, once the stream is over
pub(crate) fn read_all(sim: &Sim, mut pipe: Pipe) -> Task<Vec<(Instant, Incoming)>> {
    let handle = sim.handle();
    sim.spawn(async move {
        let mut all = Vec::new();
        while let Some(Ok(incoming)) = pipe.next().await {
            all.push((handle.now(), incoming));
        }
        all
    })
}

/// What a bare pipe heard, and when
pub(crate) type Heard = Rc<RefCell<Vec<(Instant, Incoming)>>>;

/// As [`read_all`], but once the peer says no more the pipe stays as it is, for ever
pub(crate) fn read_and_stay(sim: &Sim, mut pipe: Pipe) -> Heard {
    let heard = Heard::default();
    let (log, handle) = (heard.clone(), sim.handle());
    sim.spawn(async move {
        while let Some(Ok(incoming)) = pipe.next().await {
            log.borrow_mut().push((handle.now(), incoming));
        }
        std::future::pending::<()>().await;
    });
    heard
}

/// A connection driven by a task of its own, which echoes nothing and ends when it ends
pub(crate) fn drive_beside(
    sim: &Sim,
    mut connection: Connection<Pipe, SimTimer>,
) -> Task<Disconnected> {
    sim.spawn(async move {
        loop {
            if let Some(Event::Disconnected(end)) = connection.next().await {
                return *end;
            }
        }
    })
}
