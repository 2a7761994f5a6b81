//! everbeat's own connection, driven as an application does, with what it said kept for the test.

#![expect(clippy::unwrap_used, reason = "helpers of tests are tests")]

use std::cell::RefCell;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use everbeat_core::cause::{Cause, Verdict};
use everbeat_core::config::{ConnectionConfig, HeartbeatConfig};
use everbeat_core::outcome::Disconnected;
use everbeat_core::time::{Instant, Timer};
use everbeat_core::transport::Transport;
use everbeat_core::{Connection, Event};
use everbeat_museum::rules::Sending;
use everbeat_sim::Sim;
use futures_core::Stream;

use super::{since, with_peer};

/// What a connection has said so far
#[derive(Debug, Default)]
pub(crate) struct Log {
    /// Messages that came
    pub(crate) received: u64,
    /// Messages that were accepted
    pub(crate) accepted: u64,
    /// Bytes that the operating system took
    pub(crate) written: u64,
    /// How often it was suspected
    pub(crate) suspected: u32,
    /// When it ended, and how
    pub(crate) end: Option<(Instant, Disconnected)>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Seen(Rc<RefCell<Log>>);

impl Seen {
    /// When it was declared dead, and why; panics if it ended otherwise
    pub(crate) fn death(&self) -> Option<(Instant, Verdict)> {
        let log = self.0.borrow();
        let (at, end) = log.end.as_ref()?;
        match &end.cause {
            Cause::Dead { verdict, .. } => Some((*at, *verdict)),
            other => panic!("it ended at {at:?}, but: {other}"),
        }
    }

    /// Panics unless it was declared dead within that time after `broken`, for this reason
    pub(crate) fn assert_dies(&self, broken: Duration, within: Duration, verdict: Verdict) {
        let (at, why) = self.death().unwrap();
        let took = since(at, broken);
        assert!(why == verdict && took <= within, "{why:?} after {took:?}");
    }

    /// Panics if it has ended
    pub(crate) fn assert_alive(&self) {
        let log = self.0.borrow();
        assert!(log.end.is_none(), "{:?}", log.end);
    }

    pub(crate) fn log(&self) -> std::cell::Ref<'_, Log> {
        self.0.borrow()
    }

    fn note(&self, note: impl FnOnce(&mut Log)) {
        note(&mut self.0.borrow_mut());
    }
}

/// A client's configuration with this beat
pub(crate) fn beat(interval: Duration, timeout: Duration) -> ConnectionConfig {
    let beat = HeartbeatConfig::new(interval, timeout).unwrap();
    ConnectionConfig::client().with_heartbeat(Some(beat))
}

/// A connection of everbeat's on the host `us`, with a peer on the host `them`, and the traffic of
/// both
pub(crate) fn connect(
    sim: &Sim,
    config: ConnectionConfig,
    traffic: impl IntoIterator<Item = Sending> + 'static,
    of_peer: impl IntoIterator<Item = Sending> + 'static,
) -> Seen {
    let (us, seen) = (sim.host("us"), Seen::default());
    let ours = with_peer(sim, of_peer);
    let connection = Connection::new(ours, us.timer(), config, sim.random());
    us.spawn(drive(connection, us.timer(), traffic, seen.clone()));
    seen
}

/// Reads what comes and sends what `traffic` says, until the end
pub(crate) async fn drive<T, K>(
    mut connection: Connection<T, K>,
    timer: K,
    traffic: impl IntoIterator<Item = Sending>,
    seen: Seen,
) where
    T: Transport + Unpin,
    K: Timer,
{
    for sending in traffic {
        read_until(&mut connection, &timer, sending.at, &seen).await;
        if connection.send(vec![0; sending.bytes]).await.is_ok() {
            seen.note(|log| log.accepted += 1);
        }
    }
    read_until(&mut connection, &timer, Instant::NEVER, &seen).await;
}

/// Reads what comes until then; once the connection is over, does nothing until then
pub(crate) async fn read_until<T, K>(
    connection: &mut Connection<T, K>,
    timer: &K,
    until: Instant,
    seen: &Seen,
) where
    T: Transport + Unpin,
    K: Timer,
{
    let mut due = pin!(timer.sleep_until(until));
    poll_fn(|cx| {
        while let Poll::Ready(Some(event)) = Pin::new(&mut *connection).poll_next(cx) {
            seen.note(|log| match event {
                Event::Message(_) => log.received += 1,
                Event::Suspect { .. } => log.suspected += 1,
                Event::Disconnected(end) => log.end = Some((timer.now(), *end)),
                _ => {}
            });
        }
        seen.note(|log| log.written = log.written.max(connection.transport().sent()));
        due.as_mut().poll(cx)
    })
    .await;
}
