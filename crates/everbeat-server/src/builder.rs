//! How a server is made: settings with defaults, checked once when it is bound or built.

mod settings;

use std::error::Error;
use std::fmt;
use std::time::Duration;

use everbeat_core::cause::CloseFrame;
use everbeat_core::config::{ConfigError, HeartbeatConfig, OwnBeat};
use everbeat_core::time::Timer;
use everbeat_core::transport::{Accept, Hookable, Listen, WithHook};

use crate::storm::Restart;
use crate::{Expire, Limits, Server};

use settings::Settings;
pub(crate) use settings::{Checked, Farewell, SHUTDOWN_TIMEOUT, within};

/// Builds a [`Server`]
///
/// The first page of settings: [`interval`](Self::interval) and [`timeout`](Self::timeout) of the
/// beat that expires the silent, [`expire`](Self::expire) for all other reasons to end a connection,
/// [`limits`](Self::limits), and [`listener`](Self::listener) for what belongs to the transport.
/// Nothing is checked before `bind` or `build`, which name the setting that cannot be.
///
/// ```
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/runtime.in"));
/// use std::time::Duration;
/// use everbeat_server::Server;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # use runtime::{Nobody, Runtime, Stopped};
/// # let (acceptor, timer, spawner, seed) = (Nobody, Stopped, Runtime, 7);
/// let hasty = Server::over(acceptor, timer, spawner, seed).handshake_timeout(Duration::ZERO);
/// let error = hasty.build().unwrap_err();
/// assert_eq!(error.setting(), "handshake_timeout");
/// # Ok(())
/// # }
/// ```
#[must_use = "a builder does nothing before `bind` or `build`"]
#[derive(Debug)]
pub struct ServerBuilder<O> {
    origin: O,
    settings: Settings,
}

/// A server whose acceptor is made when it is bound; holds the acceptor's own settings
pub struct ToBind<A: Listen> {
    listener: A::Settings,
}

/// A server's acceptor, timer, spawner and seed
pub struct Parts<A, K, S> {
    pub(crate) acceptor: A,
    pub(crate) timer: K,
    pub(crate) spawner: S,
    pub(crate) seed: u64,
}

impl<O> ServerBuilder<O> {
    /// How long a silence is answered with a Ping; 25 s by default
    /// ([`SERVER_INTERVAL`](everbeat_core::config::defaults::SERVER_INTERVAL))
    pub const fn interval(mut self, interval: Duration) -> Self {
        self.settings.asked = self.settings.asked.interval(interval);
        self
    }

    /// How long after a Ping its silence means death, one duration for both clocks; by default 20 s, or
    /// 10 s where the kernel tells that the road is gone, as Linux's does ([`HeartbeatConfig`])
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.settings.asked = self.settings.asked.timeout(timeout);
        self
    }

    /// After how long a proxy in between forgets a connection that is idle; shortens the interval as
    /// far as it takes ([`HeartbeatConfig::idle_limit`]); needs the heartbeat
    ///
    /// The default suits limits of 56 s and more. This keeps a quiet connection;
    /// [`Expire::idle`] ends one.
    pub const fn idle_limit(mut self, limit: Duration) -> Self {
        self.settings.asked = self.settings.asked.idle_limit(limit);
        self
    }

    /// Another set of durations to start from, such as [`HeartbeatConfig::DATACENTER`]; by default
    /// [`HeartbeatConfig::SERVER`]
    ///
    /// A client's preset brings a client's interval: `.preset(MOBILE).interval(25 s)` keeps the server
    /// quiet while its clients beat.
    pub const fn preset(mut self, preset: HeartbeatConfig) -> Self {
        self.settings.asked = self.settings.asked.preset(preset);
        self
    }

    /// Which connections are ended, and when: the silent, within 45 s, and those whose write is
    /// stuck; see [`Expire`]
    pub const fn expire(mut self, rules: Expire) -> Self {
        self.settings.expire = rules;
        self
    }

    /// A message of the application's own in place of the Pings, on every connection; Pings by
    /// default; needs the heartbeat
    pub fn beat(mut self, beat: OwnBeat) -> Self {
        self.settings.beat = Some(beat);
        self
    }

    /// How much the server takes on; see [`Limits`]
    pub const fn limits(mut self, limits: Limits) -> Self {
        self.settings.limits = limits;
        self
    }

    /// How many Pings a client may send at once, and a second on average, before it is told 1008
    /// and let go; 20 and 12 by default ([`PingLimit`](everbeat_core::config::PingLimit))
    pub const fn ping_limit(mut self, burst: u32, per_second: u32) -> Self {
        self.settings.pings = (burst, per_second);
        self
    }

    /// How long a Close handshake may take before the socket is dropped; 5 s by default
    pub const fn close_timeout(mut self, timeout: Duration) -> Self {
        self.settings.close_timeout = timeout;
        self
    }

    /// How long an upgrade may take; 10 s by default, a slow road's TLS and request with room
    pub const fn handshake_timeout(mut self, timeout: Duration) -> Self {
        self.settings.handshake_timeout = timeout;
        self
    }

    /// How long handlers have at a shutdown before they are dropped; 10 s by default: a Close
    /// handshake's 5 s, and as long again for the handler's own last work
    ///
    /// At a [`restart`](Self::restart) it is how long this process may live on to serve those whose
    /// turn has not come. Behind the last turn handlers have those 10 s, or the `close_timeout` if
    /// that is longer.
    pub const fn shutdown_timeout(mut self, timeout: Duration) -> Self {
        self.settings.shutdown_timeout = timeout;
        self
    }

    /// What connections say at a shutdown, all at once; 1001 without a reason by default, after which
    /// clients come back; refused together with [`restart`](Self::restart), which has words of its own
    pub fn shutdown_with(mut self, frame: CloseFrame) -> Self {
        self.settings.farewell = Some(frame);
        self
    }

    /// Each shutdown is a restart: clients are sent to a successor that takes so many connections a
    /// second, one after the other; off by default, for only its user knows that there is one
    ///
    /// `.restart(Restart::per_second(2_000))` and a [`shutdown_timeout`](Self::shutdown_timeout) of
    /// N / (0.8 * 2,000) + 5 s for N connections is all, **if the successor listens before this process
    /// ends**; with the default of 10 s some are served until their turn, and the others told when to
    /// come. It is refused together with [`shutdown_with`](Self::shutdown_with).
    ///
    /// If a supervisor starts it only after that, as `systemctl restart` does, this process
    /// has to end soon, and clients are told to come when the successor is there:
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/runtime.in"));
    /// use std::time::Duration;
    /// use everbeat_server::Server;
    /// use everbeat_server::storm::Restart;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use runtime::{Nobody, Runtime, Stopped};
    /// # let (acceptor, timer, spawner, seed) = (Nobody, Stopped, Runtime, 7);
    /// let server = Server::over(acceptor, timer, spawner, seed)
    ///     // A second to tell everybody, and the 5 s of `close_timeout`
    ///     .shutdown_timeout(Duration::from_secs(6))
    ///     // Behind those 6 s, the second in which handlers are dropped, and the 3 s at most that it
    ///     // takes the next one to start
    ///     .restart(Restart::per_second(2_000).opens_in(Duration::from_secs(10)))
    ///     .build()?;
    /// # drop(server);
    /// # Ok(())
    /// # }
    /// ```
    pub const fn restart(mut self, restart: Restart) -> Self {
        self.settings.restart = Some(restart);
        self
    }
}

impl<A: Listen<Settings: Default>> ServerBuilder<ToBind<A>> {
    pub(crate) fn to_bind() -> Self {
        Self { origin: ToBind { listener: A::Settings::default() }, settings: Settings::default() }
    }
}

impl<A: Listen> ServerBuilder<ToBind<A>> {
    /// Who decides about each request for an upgrade, and finds out who the peer is; everybody is
    /// let in by default
    ///
    /// The hook is an async function: it accepts with a principal, which handlers are given, or
    /// rejects with an HTTP status. What else there is to say of it (origins, cookies, its time) is
    /// said by [`listener`](Self::listener).
    pub fn upgrade<H, F>(self, hook: H) -> ServerBuilder<ToBind<A::Hooked>>
    where
        A: WithHook<H>,
        H: Fn(<A as Hookable>::Request) -> F,
    {
        let listener = A::with_hook(self.origin.listener, hook);
        ServerBuilder { origin: ToBind { listener }, settings: self.settings }
    }

    /// Changes what belongs to the transport: limits on messages and requests
    pub fn listener(mut self, change: impl FnOnce(A::Settings) -> A::Settings) -> Self {
        self.origin.listener = change(self.origin.listener);
        self
    }

    /// Listens at `address`, such as `127.0.0.1:9001` or `[::]:0`
    ///
    /// # Errors
    ///
    /// A setting cannot be, or the address cannot be listened at.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, nothing listens.
    pub async fn bind(
        self,
        address: &str,
    ) -> Result<Server<A, A::Timer, A::Spawner>, BindError<A::Error>> {
        let settings = self.settings.check()?;
        let acceptor = A::listen(address, self.origin.listener).await.map_err(BindError::Listen)?;
        let parts = Parts {
            timer: acceptor.timer(),
            spawner: acceptor.spawner(),
            seed: acceptor.seed(),
            acceptor,
        };
        Ok(Server::new(parts, settings))
    }
}

impl<A: Accept, K: Timer + Clone, S> ServerBuilder<Parts<A, K, S>> {
    pub(crate) fn over(acceptor: A, timer: K, spawner: S, seed: u64) -> Self {
        Self { origin: Parts { acceptor, timer, spawner, seed }, settings: Settings::default() }
    }

    /// Makes the server
    ///
    /// # Errors
    ///
    /// A setting cannot be; the error names it.
    pub fn build(self) -> Result<Server<A, K, S>, ConfigError> {
        let settings = self.settings.check()?;
        Ok(Server::new(self.origin, settings))
    }
}

impl<A: Listen> fmt::Debug for ToBind<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ToBind").finish_non_exhaustive()
    }
}

impl<A, K, S> fmt::Debug for Parts<A, K, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Parts").finish_non_exhaustive()
    }
}

/// Why a server could not be bound
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BindError<E> {
    /// A setting cannot be
    Config(ConfigError),
    /// The address cannot be listened at
    Listen(E),
}

impl<E> From<ConfigError> for BindError<E> {
    fn from(error: ConfigError) -> Self {
        Self::Config(error)
    }
}

/// As what is behind it
impl<E: fmt::Display> fmt::Display for BindError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Config(error) => error.fmt(f),
            Self::Listen(error) => error.fmt(f),
        }
    }
}

impl<E: Error> Error for BindError<E> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Config(error) => error.source(),
            Self::Listen(error) => error.source(),
        }
    }
}
