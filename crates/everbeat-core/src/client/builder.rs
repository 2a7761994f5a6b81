//! How a client is made: settings with defaults, checked once when it is built.

use core::fmt;
use core::future::poll_fn;
use core::task::{Poll, ready};
use core::time::Duration;

use alloc::boxed::Box;
use alloc::sync::Arc;

use super::backlog::Backlog;
use super::driver::{Counts, Driver};
use super::road::RoadMemory;
use super::settings::{Custom, Settings, Shared};
use super::state::State;
use super::{Client, ConnectError, Queue, VerdictFn};
use crate::cause::Cause;
#[cfg(feature = "std")]
use crate::client::Hints;
use crate::config::{
    ConfigError, ConnectionConfig, HeartbeatAsked, HeartbeatConfig, LONGEST, OwnBeat, PingLimit,
    SHORTEST, defaults, within,
};
use crate::event::Event;
use crate::hint::Feed;
use crate::reconnect::{Backoff, Endpoints, Reconnect, Retry};
use crate::time::{Timer, Wake};
use crate::transport::{Connect, Several};
use crate::turn::Turn;

/// Builds a [`Client`]
///
/// The first page of settings: [`detect_within`](Self::detect_within) or
/// [`interval`](Self::interval) and [`timeout`](Self::timeout), [`backoff`](Self::backoff),
/// [`verdict`](Self::verdict), [`queue`](Self::queue), [`retry_first`](Self::retry_first), and
/// [`connector`](Self::connector) for what belongs to the transport. Nothing is checked before
/// [`connect`](Self::connect) or [`build`](Self::build), which name the setting that cannot be.
#[must_use = "a builder does nothing before `connect` or `build`"]
pub struct ClientBuilder<C, K> {
    parts: Result<(C, K, u64), ConfigError>,
    /// Whether it beats at all
    beats: bool,
    beat: HeartbeatAsked,
    own_beat: Option<OwnBeat>,
    backoff: Backoff,
    verdict: Option<VerdictFn>,
    queue: Queue,
    retry_first: bool,
    connect_timeout: Duration,
    close_timeout: Duration,
    idle: Option<Duration>,
    unfinished: Option<Duration>,
    ping_limit: Result<PingLimit, ConfigError>,
    retain_bytes: usize,
    hints: Option<Feed>,
}

impl<C: Connect, K: Timer + Clone> ClientBuilder<C, K> {
    pub(super) fn new(parts: Result<(C, K, u64), ConfigError>) -> Self {
        Self {
            parts,
            beats: true,
            beat: HeartbeatAsked::new(HeartbeatConfig::CLIENT),
            own_beat: None,
            backoff: Backoff::default(),
            verdict: None,
            queue: Queue::default(),
            retry_first: false,
            connect_timeout: defaults::CONNECT_TIMEOUT,
            close_timeout: defaults::CLOSE_TIMEOUT,
            idle: None,
            unfinished: Some(defaults::UNFINISHED),
            ping_limit: Ok(PingLimit::DEFAULT),
            retain_bytes: defaults::RETAIN_BYTES,
            hints: None,
        }
    }

    /// A promise: a server that is gone is declared dead within this time; shortens interval and
    /// clocks as far as it takes ([`HeartbeatConfig::detect_within`]); needs the heartbeat
    pub const fn detect_within(mut self, promise: Duration) -> Self {
        self.beat = self.beat.detect_within(promise);
        self
    }

    /// After how long a proxy in between forgets a connection that is idle; shortens the interval as
    /// far as it takes ([`HeartbeatConfig::idle_limit`]); needs the heartbeat
    ///
    /// The default suits limits of 45 s and more, which are nearly all there are. This keeps a quiet
    /// connection; [`idle`](Self::idle) ends one.
    pub const fn idle_limit(mut self, limit: Duration) -> Self {
        self.beat = self.beat.idle_limit(limit);
        self
    }

    /// Another set of durations to start from, such as [`HeartbeatConfig::MOBILE`]; by default
    /// [`HeartbeatConfig::CLIENT`]
    pub const fn preset(mut self, preset: HeartbeatConfig) -> Self {
        self.beat = self.beat.preset(preset);
        self
    }

    /// How long a silence is answered with a Ping; 20 s by default
    pub const fn interval(mut self, interval: Duration) -> Self {
        self.beat = self.beat.interval(interval);
        self
    }

    /// How long after a Ping its silence means death, one duration for both clocks; by default 20 s, or
    /// 10 s where the kernel tells that the road is gone, as Linux's does ([`HeartbeatConfig`]; two
    /// durations are set by [`preset`](Self::preset) and [`HeartbeatConfig::with_clocks`])
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.beat = self.beat.timeout(timeout);
        self
    }

    /// Whether the client beats at all; it does by default
    ///
    /// Without a beat a vanished server is noticed when the kernel does, after many minutes.
    pub const fn heartbeat(mut self, on: bool) -> Self {
        self.beats = on;
        self
    }

    /// A message of the application's own in place of the Pings, on every connection; Pings by
    /// default; needs the heartbeat
    pub fn beat(mut self, beat: OwnBeat) -> Self {
        self.own_beat = Some(beat);
        self
    }

    /// How long to wait between attempts; 1 s doubling to 30 s by default
    pub const fn backoff(mut self, backoff: Backoff) -> Self {
        self.backoff = backoff;
        self
    }

    /// Whether to try again, decided from the cause; [`Cause::default_verdict`] by default
    pub fn verdict(mut self, verdict: impl Fn(&Cause) -> Retry + Send + Sync + 'static) -> Self {
        self.verdict = Some(Box::new(verdict));
        self
    }

    /// How much may wait to be sent; 1,024 messages and 1 MiB by default
    pub const fn queue(mut self, queue: Queue) -> Self {
        self.queue = queue;
        self
    }

    /// Whether the first connection is retried as later ones are; it fails fast by default, so that
    /// a wrong address is noticed at once
    pub const fn retry_first(mut self, retry: bool) -> Self {
        self.retry_first = retry;
        self
    }

    /// Changes the connector: limits, headers, a fresh request for each attempt; or makes another of
    /// it, such as one that dials through a proxy
    pub fn connector<N: Connect>(self, change: impl FnOnce(C) -> N) -> ClientBuilder<N, K> {
        ClientBuilder {
            parts: self.parts.map(|(connector, timer, seed)| (change(connector), timer, seed)),
            beats: self.beats,
            beat: self.beat,
            own_beat: self.own_beat,
            backoff: self.backoff,
            verdict: self.verdict,
            queue: self.queue,
            retry_first: self.retry_first,
            connect_timeout: self.connect_timeout,
            close_timeout: self.close_timeout,
            idle: self.idle,
            unfinished: self.unfinished,
            ping_limit: self.ping_limit,
            retain_bytes: self.retain_bytes,
            hints: self.hints,
        }
    }

    /// How long an attempt may take, from name to upgrade; 10 s by default
    pub const fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// How long a Close handshake may take before the socket is dropped; 5 s by default
    pub const fn close_timeout(mut self, timeout: Duration) -> Self {
        self.close_timeout = timeout;
        self
    }

    /// How long a connection may go without a message either way; for ever by default
    pub const fn idle(mut self, idle: Option<Duration>) -> Self {
        self.idle = idle;
        self
    }

    /// How long a message that the server has begun may go without a byte more; 60 s by default
    /// ([`ConnectionConfig::with_unfinished`](crate::config::ConnectionConfig::with_unfinished))
    pub const fn unfinished(mut self, limit: Option<Duration>) -> Self {
        self.unfinished = limit;
        self
    }

    /// How many Pings the server may send at once, and a second on average, before it is told 1008
    /// and let go; 20 and 12 by default ([`PingLimit`])
    pub fn ping_limit(mut self, burst: u32, per_second: u32) -> Self {
        self.ping_limit = PingLimit::new(burst, per_second);
        self
    }

    /// How many bytes of unproven messages are kept, to be handed back; 256 KiB by default
    ///
    /// A message counts its payload and a few dozen bytes for the entry that remembers it.
    pub const fn retain_bytes(mut self, bytes: usize) -> Self {
        self.retain_bytes = bytes;
        self
    }

    /// Listens to what happens outside: networks that change, an application in the background; to
    /// nothing by default ([`Hint`](crate::client::Hint) has the table of what it does)
    #[cfg(feature = "std")]
    pub fn hints(mut self, hints: &Hints) -> Self {
        self.hints = Some(hints.subscribe());
        self
    }

    /// Makes the client; its first attempt begins when it is first awaited
    ///
    /// # Errors
    ///
    /// A setting cannot be; the error names it.
    pub fn build(self) -> Result<Client<C, K>, ConfigError> {
        let (connector, timer, seed) = self.parts?;
        connector.check()?;
        let beat = self.beat.check()?;
        if let Some(setting) = self.beat.needs_beat().filter(|_| !self.beats) {
            return Err(ConfigError::new(setting, "needs the heartbeat, which is off"));
        }
        let connection = ConnectionConfig::client()
            .with_heartbeat(self.beats.then_some(beat))
            .with_idle(self.idle)?
            .with_unfinished(self.unfinished)?
            .with_close_timeout(self.close_timeout)?
            .with_ping_limit(self.ping_limit?)
            .with_retain_bytes(self.retain_bytes);
        if self.own_beat.is_some() && connection.heartbeat().is_none() {
            return Err(ConfigError::new("beat", "needs the heartbeat, which is off"));
        }
        let settings = Settings {
            connection: connection.into(),
            backoff: self.backoff.check()?,
            connect_timeout: within("connect_timeout", self.connect_timeout, SHORTEST, LONGEST)?,
            queue: self.queue.check()?,
            retry_first: self.retry_first,
        };
        let mut seeds = fastrand::Rng::with_seed(seed);
        let reconnect = Reconnect::new(Shared::new(settings), seeds.u64(..));
        let endpoints = connector.endpoints();
        let custom = Custom {
            beat: self.own_beat,
            verdict: self.verdict,
            hints: self.hints,
            endpoints: (endpoints > 1).then(|| Endpoints::new(endpoints, seeds.u64(..))),
            span: span(seed),
        };
        let driver = Driver {
            connector,
            timer,
            reconnect,
            custom: custom.boxed(),
            seeds,
            state: State::Start,
            backlog: Backlog::default(),
            ending: None,
            counts: Counts::default(),
            road: RoadMemory::default(),
            established: false,
            turn: Turn::default(),
        };
        Ok(Client { driver: Box::new(driver) })
    }

    /// Makes the client and waits for its first connection, which is then its first event
    ///
    /// With [`retry_first`](Self::retry_first) it waits through as many attempts as it takes.
    ///
    /// # Errors
    ///
    /// A setting cannot be, or the attempt failed.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future abandons the attempt.
    pub fn connect(self) -> impl Future<Output = Result<Client<C, K>, ConnectError>> {
        // Built outside of the future, which would keep the builder's room for as long as it lives, as
        // would the task that awaits it an error's.
        let mut built = Some(self.build().map_err(Box::new));
        poll_fn(move |cx| {
            while let Some(Ok(client)) = &mut built {
                let failed = match ready!(client.driver.poll_next(&mut Wake::new(cx))) {
                    Some(connected @ Event::Connected { .. }) => {
                        client.driver.backlog.put_back(connected);
                        break;
                    }
                    Some(Event::GaveUp(end) | Event::Closed(end)) => end.cause,
                    Some(_) => continue,
                    None => Cause::ClosedByUs,
                };
                built = None;
                return Poll::Ready(Err(ConnectError::Failed(failed)));
            }
            match built.take() {
                Some(Ok(client)) => Poll::Ready(Ok(client)),
                Some(Err(error)) => Poll::Ready(Err((*error).into())),
                // It was ready before.
                None => Poll::Pending,
            }
        })
    }
}

impl<C: Several, K: Timer + Clone> ClientBuilder<C, K> {
    /// Another URL, which is connected to when those before it fail; up to 16 with the first
    ///
    /// The order is that of preference. An endpoint that fails rests, longer each time; a connection
    /// that stands is not left for one that is preferred, which is asked again when it ends anyway; and
    /// clients that lose an endpoint together come to the next one spread over some seconds.
    /// [`Endpoints`] has the rules. Events say which endpoint they are of. Without
    /// [`retry_first`](Self::retry_first) each is tried once before the client gives up.
    ///
    /// One that refuses for good, by a 404 say, or by an answer that is no WebSocket's, rests as well,
    /// for up to ten minutes; the client ends, with the last of the refusals, once all have refused.
    /// Credentials that are refused are the client's, and end it as with one endpoint.
    ///
    /// A client for `wss` has no endpoint for `ws`.
    pub fn endpoint(mut self, url: &str) -> Self {
        self.parts =
            self.parts.and_then(|(connector, timer, seed)| Ok((connector.and(url)?, timer, seed)));
        self
    }
}

/// What tells the log lines of one client from those of another; `None` if nobody logs
fn span(seed: u64) -> Option<Arc<tracing::Span>> {
    let id = fastrand::Rng::with_seed(!seed).u32(..);
    let span = tracing::info_span!(target: "everbeat", "client", id = %format_args!("{id:08x}"));
    (!span.is_none()).then(|| Arc::new(span))
}

impl<C, K> fmt::Debug for ClientBuilder<C, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientBuilder")
            .field("beat", &self.beat)
            .field("own_beat", &self.own_beat)
            .field("backoff", &self.backoff)
            .field("queue", &self.queue)
            .field("retry_first", &self.retry_first)
            .finish_non_exhaustive()
    }
}
