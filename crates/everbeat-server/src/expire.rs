//! When a server ends a connection: [`Expire`], what may be asked for, and the machine that decides
//! for one connection. It takes instants and facts and returns a reason; who tells the connection is
//! the task's.

mod machine;

use std::time::Duration;

use everbeat_core::config::{ConfigError, HeartbeatConfig, defaults};

use crate::builder::within;

pub(crate) use machine::{Blocked, Decision, Expiry, GoodFor};

/// The rules by which a server ends connections, each off or a limit
///
/// The first rule that applies counts. Its connection says Close, has `close_timeout` for what was
/// sent and for the peer's answer, and then the socket is dropped: the handler is told by its
/// connection, and if it has not looked at that for a second longer, it is dropped as well. The
/// reason is an [`Expired`](everbeat_core::cause::Expired); [`on_expire`](crate::Server::on_expire)
/// is told of all.
///
/// | rule | default | close code |
/// |---|---|---|
/// | [`silent`](Self::silent): no answer to a Ping | on, by `interval` and `timeout`: 45 s | none, for nobody hears it |
/// | [`idle`](Self::idle): no message either way | off: who answers Pings is there | 1001 |
/// | [`unfinished`](Self::unfinished): stopped in the middle of a message | 60 s | 1008 |
/// | [`unauthenticated`](Self::unauthenticated): not authenticated in time | off | 3000 |
/// | [`authentication`](Self::authentication): authenticated too long ago | off | 3000 |
/// | [`age`](Self::age): lived too long | off | 1012 |
/// | [`stuck`](Self::stuck): the peer takes none of our bytes | 25 s | 1013, if it ever reads it |
/// | [`behind`](Self::behind): too much waits for the peer | off: senders are refused | 1013 |
///
/// ```
/// use std::time::Duration;
/// use everbeat_server::Expire;
///
/// let rules = Expire::default()
///     .silent(Duration::from_secs(15))
///     .unauthenticated(Duration::from_secs(10))
///     .age(Duration::from_secs(3_600))
///     .stuck(None);
/// # _ = rules;
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expire {
    silent: Silent,
    pub(crate) idle: Option<Duration>,
    pub(crate) unfinished: Option<Duration>,
    pub(crate) unauthenticated: Option<Duration>,
    pub(crate) authentication: Option<Duration>,
    pub(crate) age: Option<Duration>,
    pub(crate) stuck: Option<Duration>,
    pub(crate) behind: Option<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Silent {
    Off,
    ByBeat,
    Within(Duration),
}

impl Expire {
    /// The default of [`stuck`](Self::stuck): longer than the heartbeat's 20 s, which says more of
    /// a peer that is gone, and shorter than the kernel's 30 s, which say less of one that is there
    pub const STUCK: Duration = Duration::from_secs(25);

    /// Within how long a peer that says nothing and answers no Ping is expired; by the server's
    /// `interval` and `timeout` if nothing is said here, which is 45 s
    ///
    /// A promise as a client's [`detect_within`](HeartbeatConfig::detect_within): it can shorten
    /// the beat and never lengthens it. `None` turns the beat off; a peer that vanishes then keeps
    /// its connection until the kernel notices, after many minutes.
    #[must_use]
    pub fn silent(mut self, within: impl Into<Option<Duration>>) -> Self {
        self.silent = within.into().map_or(Silent::Off, Silent::Within);
        self
    }

    /// How long a connection may go without a message either way, however well it answers Pings
    ///
    /// Messages that handles send count; beats do not.
    #[must_use]
    pub fn idle(mut self, idle: impl Into<Option<Duration>>) -> Self {
        self.idle = idle.into();
        self
    }

    /// How long a message that the peer has begun may go without a byte more, however well it answers
    /// Pings: what has come of it is held meanwhile
    ///
    /// [`ConnectionConfig::with_unfinished`](everbeat_core::config::ConnectionConfig::with_unfinished)
    /// says more.
    #[must_use]
    pub fn unfinished(mut self, limit: impl Into<Option<Duration>>) -> Self {
        self.unfinished = limit.into();
        self
    }

    /// How long a peer may take until
    /// [`authenticated`](crate::ConnectionHandle::authenticated) is called for it
    ///
    /// For those who authenticate by a first message. Who does so in the request has no need of it.
    #[must_use]
    pub fn unauthenticated(mut self, limit: impl Into<Option<Duration>>) -> Self {
        self.unauthenticated = limit.into();
        self
    }

    /// How long an authentication is good for, from
    /// [`authenticated`](crate::ConnectionHandle::authenticated) or, if that was never called, from
    /// the connection's beginning
    ///
    /// Calling it again refreshes it, while the connection goes on.
    #[must_use]
    pub fn authentication(mut self, limit: impl Into<Option<Duration>>) -> Self {
        self.authentication = limit.into();
        self
    }

    /// How long a connection may live, times U(0.9, 1), so that those which came together do not
    /// come back together; a fleet rebalances by it
    #[must_use]
    pub fn age(mut self, limit: impl Into<Option<Duration>>) -> Self {
        self.age = limit.into();
        self
    }

    /// How long the operating system may take no byte of what is to be written, because the peer
    /// reads nothing; [25 s](Self::STUCK) by default
    ///
    /// It is judged only while the connection is awaited, and only if the transport can tell what was
    /// sent. TCP opens its window in steps, so that a peer which reads very slowly takes nothing for
    /// long: with a limit of 2 s one that read 40 kB/s over Linux's loopback was ended, and one that
    /// read 80 kB/s was not.
    #[must_use]
    pub fn stuck(mut self, limit: impl Into<Option<Duration>>) -> Self {
        self.stuck = limit.into();
        self
    }

    /// How many bytes of payload that handles have sent may wait for a peer before it is too slow
    ///
    /// At most what [`Limits::queued`](crate::Limits::queued) lets wait. Without it a sender is
    /// refused there, and decides.
    #[must_use]
    pub fn behind(mut self, bytes: impl Into<Option<usize>>) -> Self {
        self.behind = bytes.into();
        self
    }

    /// Whether a connection that does nothing has a time by these rules
    pub(crate) const fn has_times(&self) -> bool {
        self.unauthenticated.is_some() || self.authentication.is_some() || self.age.is_some()
    }

    /// The beat that these rules want of a server's own
    pub(crate) fn beat(
        &self,
        own: HeartbeatConfig,
    ) -> Result<Option<HeartbeatConfig>, ConfigError> {
        match self.silent {
            Silent::Off => Ok(None),
            Silent::ByBeat => Ok(Some(own)),
            Silent::Within(promise) => own
                .detect_within(promise)
                .map(Some)
                .map_err(|error| ConfigError::new("silent", error.problem())),
        }
    }

    /// Whether the durations can be; `idle` and `unfinished` are checked with
    /// the connection's settings
    pub(crate) fn check(&self, most_queued: usize) -> Result<(), ConfigError> {
        let durations = [
            ("unauthenticated", self.unauthenticated),
            ("authentication", self.authentication),
            ("age", self.age),
            ("stuck", self.stuck),
        ];
        for (setting, limit) in durations {
            if let Some(limit) = limit {
                within(setting, limit, SHORTEST, LONGEST)?;
            }
        }
        match self.behind {
            Some(bytes) if bytes == 0 || bytes > most_queued => Err(ConfigError::new(
                "behind",
                format_args!(
                    "is {bytes} bytes: it must be between 1 and the {most_queued} that \
                     `Limits::queued` lets wait"
                ),
            )),
            _ => Ok(()),
        }
    }
}

const SHORTEST: Duration = Duration::from_millis(100);
/// A connection may well live for weeks
const LONGEST: Duration = Duration::from_secs(366 * 24 * 60 * 60);

impl Default for Expire {
    fn default() -> Self {
        Self {
            silent: Silent::ByBeat,
            idle: None,
            unfinished: Some(defaults::UNFINISHED),
            unauthenticated: None,
            authentication: None,
            age: None,
            stuck: Some(Self::STUCK),
            behind: None,
        }
    }
}
