//! A server's connections, counted as their handlers begin and end, and by what its registry knows.

use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use everbeat_core::time::{Instant, Timer};
use everbeat_core::transport::Transport;
use everbeat_core::{Connection, Event};
use everbeat_server::{Accepted, ConnectionHandle, Handler, Registry};
use metrics::{Gauge, counter, gauge};
use pin_project::pin_project;

use crate::bytes::Bytes;
use crate::counts::Counts;
use crate::{names, reason};

/// Counts what one server's connections do
///
/// A clone counts for the same server; each server wants one of its own, by whose registry it samples.
/// Made before a recorder is installed it counts nothing.
#[derive(Clone)]
pub struct ServerMetrics {
    inner: Arc<Inner>,
}

struct Inner {
    counts: Counts,
    queued: Gauge,
    /// What was counted of each live connection; locked when one comes, goes, or is looked at
    live: Mutex<HashMap<u64, Bytes>>,
}

impl ServerMetrics {
    /// Of a server of which nothing was counted yet
    #[must_use]
    pub fn new() -> Self {
        Self {
            inner: Arc::new(Inner {
                counts: Counts::new("server"),
                queued: gauge!(names::QUEUED),
                live: Mutex::default(),
            }),
        }
    }

    /// A handler whose connections are counted, from when it is called to when its future is gone
    ///
    /// `server.serve_with(metrics.observe(handler))`, or, behind the routes of somebody else's HTTP
    /// server, `Sockets::over_with(server, |run| metrics.observe(run))`. It makes each task two words larger and
    /// leaves it alone otherwise: no message is looked at.
    pub fn observe<H>(&self, handler: H) -> Observed<H> {
        Observed { metrics: self.inner.clone(), handler }
    }

    /// Counts an event of a connection that its handler has read by `next`: messages, suspicions,
    /// stalls; and with the end what became of its messages
    ///
    /// Who reads by `recv` leaves these out, and has all else.
    pub fn event<T: Transport, K: Timer>(&self, connection: &Connection<T, K>, event: &Event) {
        let counts = &self.inner.counts;
        counts.event(event);
        if let Event::Disconnected(end) = event {
            let (delivered, unconfirmed) = (connection.delivered(), end.unconfirmed.count);
            let unsent = end.unsent.len() as u64;
            counts.accepted.increment(delivered + unsent + unconfirmed);
            counts.delivered.increment(delivered);
            counts.unsent.increment(unsent);
            counts.unconfirmed.increment(unconfirmed);
        }
    }

    /// Looks at each live connection: its round trip, its bytes, what waits for it
    ///
    /// Call it every ten seconds or so; it walks over all of them, as
    /// [`Registry::percentiles`] does. `now` is what the server's wheel says.
    pub fn sample<X>(&self, registry: &Registry<X>, now: Instant) {
        let mut queued = 0;
        for handle in registry.handles() {
            let stats = handle.stats(now);
            queued += stats.queued_bytes;
            if let Some(round_trip) = stats.round_trip {
                self.inner.counts.round_trip(round_trip);
            }
            // Locked anew for each, so that those who come and go do not wait for a whole walk.
            let seen = self
                .inner
                .live()
                .get_mut(&handle.id())
                .map(|seen| seen.grow(stats.received, stats.sent));
            if let Some(new) = seen {
                self.inner.counts.bytes(new);
            }
        }
        self.inner.queued.set(queued as f64);
    }
}

impl Inner {
    /// No step leaves it half-changed, so a panic of another thread is no reason to stop
    fn live(&self) -> MutexGuard<'_, HashMap<u64, Bytes>> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A handler whose connections are counted: see [`ServerMetrics::observe`]
pub struct Observed<H> {
    metrics: Arc<Inner>,
    handler: H,
}

/// The task of a connection that is counted
#[pin_project]
pub struct Observing<X, F> {
    /// Dropped first, and with it the connection, so that its end is known
    #[pin]
    future: F,
    live: Live<X>,
}

/// A connection that counts as open until this is dropped
struct Live<X> {
    metrics: Arc<Inner>,
    handle: ConnectionHandle<X>,
}

impl<X> Live<X> {
    fn new(metrics: Arc<Inner>, handle: ConnectionHandle<X>) -> Self {
        metrics.live().insert(handle.id(), Bytes::default());
        metrics.counts.opened();
        Self { metrics, handle }
    }
}

impl<X> Drop for Live<X> {
    fn drop(&mut self) {
        let counts = &self.metrics.counts;
        let seen = self.metrics.live().remove(&self.handle.id());
        // Of its age, which is not looked at, this is the only use.
        let stats = self.handle.stats(Instant::ORIGIN);
        counts.bytes(seen.unwrap_or_default().grow(stats.received, stats.sent));
        let Some(cause) = self.handle.cause() else {
            return counts.closed(reason::DROPPED);
        };
        counts.ended(&cause);
        if let Some(rule) = cause.expired() {
            counter!(names::EXPIRED, "rule" => reason::rule(rule)).increment(1);
        }
    }
}

impl<T, K, X, R, H> Handler<T, K, Accepted<X, R>> for Observed<H>
where
    T: Transport,
    K: Timer,
    H: Handler<T, K, Accepted<X, R>>,
{
    type Error = H::Error;
    type Future = Observing<X, H::Future>;

    fn handle(&self, connection: Connection<T, K>, accepted: Accepted<X, R>) -> Self::Future {
        let live = Live::new(self.metrics.clone(), accepted.handle.clone());
        Observing { future: self.handler.handle(connection, accepted), live }
    }
}

impl<X, F: Future> Future for Observing<X, F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        self.project().future.poll(cx)
    }
}

impl Default for ServerMetrics {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for ServerMetrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerMetrics")
            .field("live", &self.inner.live().len())
            .finish_non_exhaustive()
    }
}

impl<H> fmt::Debug for Observed<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Observed").finish_non_exhaustive()
    }
}

impl<X, F> fmt::Debug for Observing<X, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Observing").field("id", &self.live.handle.id()).finish_non_exhaustive()
    }
}
