//! Settings, their defaults with the reason for each, and the one error for values that cannot be.
//! Values are parsed once, here; the machines only take what has been parsed.

mod asked;
mod heartbeat;
mod own_beat;
mod recent;

use core::error::Error;
use core::fmt;
use core::time::Duration;

use alloc::string::{String, ToString};

pub use asked::HeartbeatAsked;
pub use heartbeat::HeartbeatConfig;
pub use own_beat::OwnBeat;
pub use recent::Recent;

/// The default of every setting, each with its reason
pub mod defaults {
    use core::time::Duration;

    /// A server's beat: one within the 30 s after which the tightest proxies cut (for those set
    /// `idle_limit`), and not in step with a client's 20 s, whose Pings keep the server quiet
    pub const SERVER_INTERVAL: Duration = Duration::from_secs(25);
    /// A client's beat: twice within the 55 to 60 s after which common balancers cut
    pub const CLIENT_INTERVAL: Duration = Duration::from_secs(20);
    /// How long the road may be silent: TCP sends a lone Ping again after .23, .47, .94, 1.9, 3.8 and
    /// 7.7 s at a round trip of 30 ms, so that it gets through an outage of 7 s within 10; at other
    /// round trips that is 5 to 8.5 s. Up to [`APP_TIMEOUT`] on a road that has been silent for long before
    pub const PATH_TIMEOUT: Duration = Duration::from_secs(10);
    /// How long a program whose kernel has our Ping may be silent, and everything where no kernel
    /// tells: garbage collection and overload pass in less
    pub const APP_TIMEOUT: Duration = Duration::from_secs(20);
    /// How long a Ping may be unanswered before that is suspicious and the kernel is asked, or a third
    /// of the path clock if that is less: three retransmissions, and rarer than any round trip
    pub const SOFT: Duration = Duration::from_secs(3);
    /// The shortest promise that is taken: below it our own lateness would decide
    pub const SHORTEST_PROMISE: Duration = Duration::from_millis(500);
    /// How long a Close handshake may take before the socket is dropped (RFC 6455, section 7.1.1)
    pub const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);
    /// How long an attempt may take, from name to upgrade
    pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
    /// How many Pings a peer may send at once: many beats' worth, for one that was held up
    pub const PING_BURST: u32 = 20;
    /// How many Pings a peer may send a second, on average: as many as the fastest beat that
    /// everbeat itself can be set to, 100 ms times 0.9
    pub const PINGS_PER_SECOND: u32 = 12;
    /// How much of what was written and is not proven a client keeps, to hand it back, in bytes
    pub const RETAIN_BYTES: usize = 256 << 10;
    /// The send queue's limit, in messages
    pub const QUEUE_MESSAGES: usize = 1_024;
    /// The send queue's limit, in bytes
    pub const QUEUE_BYTES: usize = 1 << 20;
    /// The first step of the backoff: long enough for a restart, short enough not to be noticed
    pub const BACKOFF_MIN: Duration = Duration::from_secs(1);
    /// The last step of the backoff: beyond it an outage is not shortened, only watched
    pub const BACKOFF_MAX: Duration = Duration::from_secs(30);
    /// How long a message that the peer has begun may make no progress: far longer than a road that is
    /// not gone is silent, and short enough that nobody keeps our memory by not going on
    pub const UNFINISHED: Duration = Duration::from_secs(60);
    /// How long a connection must have stood before its end counts as a new beginning: a server
    /// that accepts and then closes must keep backing us off
    pub const HEALTHY_AFTER: Duration = Duration::from_secs(30);
}

/// A setting, or a set of them, that cannot be
///
/// ```
/// use core::time::Duration;
/// use everbeat_core::config::HeartbeatConfig;
///
/// let error = HeartbeatConfig::new(Duration::from_secs(20), Duration::ZERO).unwrap_err();
/// assert_eq!(error.setting(), "timeout");
/// assert_eq!(error.to_string(), "`timeout` is 0ns: it must be between 100ms and 86400s");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    setting: &'static str,
    problem: String,
}

impl ConfigError {
    /// An error about `setting`; `problem` says what it is, and what it may be
    #[must_use]
    pub fn new(setting: &'static str, problem: impl fmt::Display) -> Self {
        Self { setting, problem: problem.to_string() }
    }

    /// The setting's name, as its method spells it
    #[must_use]
    pub const fn setting(&self) -> &'static str {
        self.setting
    }

    /// What it is, and what it may be
    #[must_use]
    pub fn problem(&self) -> &str {
        &self.problem
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` {}", self.setting, self.problem)
    }
}

impl Error for ConfigError {}

/// Checks that a duration is within bounds
///
/// # Errors
///
/// It is not; the error names the setting and the bounds.
pub(crate) fn within(
    setting: &'static str,
    value: Duration,
    min: Duration,
    max: Duration,
) -> Result<Duration, ConfigError> {
    if (min..=max).contains(&value) {
        return Ok(value);
    }
    Err(ConfigError::new(
        setting,
        format_args!("is {value:?}: it must be between {min:?} and {max:?}"),
    ))
}

/// The shortest and longest of the durations that a beat is made of
pub(crate) const SHORTEST: Duration = Duration::from_millis(100);
pub(crate) const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// What one connection is told: its beat, how long it may be idle, how it closes, what it retains
///
/// ```
/// use core::time::Duration;
/// use everbeat_core::config::{ConnectionConfig, HeartbeatConfig};
///
/// let beat = HeartbeatConfig::new(Duration::from_secs(10), Duration::from_secs(5))?;
/// let config = ConnectionConfig::server().with_heartbeat(Some(beat));
/// assert_eq!(config.heartbeat(), Some(beat));
/// # Ok::<_, everbeat_core::config::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConnectionConfig {
    beats: bool,
    /// The default if it does not beat
    beat: HeartbeatConfig,
    idle: Option<Duration>,
    unfinished: Option<Duration>,
    close_timeout: Duration,
    ping_limit: PingLimit,
    retain_bytes: usize,
}

impl ConnectionConfig {
    /// A client's defaults: [`HeartbeatConfig::CLIENT`], 256 KiB retained
    #[must_use]
    pub const fn client() -> Self {
        Self {
            beats: true,
            beat: HeartbeatConfig::CLIENT,
            idle: None,
            unfinished: Some(defaults::UNFINISHED),
            close_timeout: defaults::CLOSE_TIMEOUT,
            ping_limit: PingLimit::DEFAULT,
            retain_bytes: defaults::RETAIN_BYTES,
        }
    }

    /// A server's defaults: [`HeartbeatConfig::SERVER`], nothing retained
    #[must_use]
    pub const fn server() -> Self {
        Self { beat: HeartbeatConfig::SERVER, retain_bytes: 0, ..Self::client() }
    }

    /// The beat; `None` turns it off, and then only the kernel tells of a dead peer, after minutes
    #[must_use]
    pub const fn with_heartbeat(mut self, heartbeat: Option<HeartbeatConfig>) -> Self {
        (self.beats, self.beat) = match heartbeat {
            Some(beat) => (true, beat),
            None => (false, HeartbeatConfig::CLIENT),
        };
        self
    }

    /// How long a connection may go without a message either way; `None`, the default, is for ever
    ///
    /// # Errors
    ///
    /// Under 100 ms or over 24 h.
    pub fn with_idle(mut self, idle: Option<Duration>) -> Result<Self, ConfigError> {
        self.idle = idle.map(|idle| within("idle", idle, SHORTEST, LONGEST)).transpose()?;
        Ok(self)
    }

    /// How long a message that the peer has begun may go without a byte more; 60 s by default, for what
    /// has come of it is held meanwhile, and a peer that answers Pings is not silent
    ///
    /// `None` is for ever. Time in which nobody reads does not count.
    ///
    /// # Errors
    ///
    /// Under 100 ms or over 24 h.
    pub fn with_unfinished(mut self, limit: Option<Duration>) -> Result<Self, ConfigError> {
        self.unfinished =
            limit.map(|limit| within("unfinished", limit, SHORTEST, LONGEST)).transpose()?;
        Ok(self)
    }

    /// How long the Close handshake may take before the socket is dropped; 5 s by default
    ///
    /// # Errors
    ///
    /// Under 100 ms or over 24 h.
    pub fn with_close_timeout(mut self, timeout: Duration) -> Result<Self, ConfigError> {
        self.close_timeout = within("close_timeout", timeout, SHORTEST, LONGEST)?;
        Ok(self)
    }

    /// How many Pings the peer may send; 20 at once and 12 a second by default
    #[must_use]
    pub const fn with_ping_limit(mut self, limit: PingLimit) -> Self {
        self.ping_limit = limit;
        self
    }

    /// How many bytes of unproven messages are kept, to be handed back; beyond it they are counted
    ///
    /// A message counts its payload and a few dozen bytes for the entry that remembers it, not what
    /// its payload shares with others: one that is passed on as it came in may keep 4 KiB.
    #[must_use]
    pub const fn with_retain_bytes(mut self, bytes: usize) -> Self {
        self.retain_bytes = bytes;
        self
    }

    /// The beat
    #[must_use]
    pub const fn heartbeat(&self) -> Option<HeartbeatConfig> {
        if self.beats { Some(self.beat) } else { None }
    }

    /// How it beats, if it does
    pub(crate) const fn beat(&self) -> &HeartbeatConfig {
        &self.beat
    }

    /// How long it may go without a message
    #[must_use]
    pub const fn idle(&self) -> Option<Duration> {
        self.idle
    }

    /// How long a message that the peer has begun may go without a byte more
    #[must_use]
    pub const fn unfinished(&self) -> Option<Duration> {
        self.unfinished
    }

    /// The limit on the Close handshake
    #[must_use]
    pub const fn close_timeout(&self) -> Duration {
        self.close_timeout
    }

    /// The limit on the peer's Pings
    #[must_use]
    pub const fn ping_limit(&self) -> PingLimit {
        self.ping_limit
    }

    /// The limit on retained bytes
    #[must_use]
    pub const fn retain_bytes(&self) -> usize {
        self.retain_bytes
    }
}

/// How many Pings a peer may send, before it is told 1008 and let go: a bucket, known to be possible
///
/// Each Ping is to be answered (RFC 6455, section 5.5.2), so a flood of them is work that a peer
/// makes for nothing. Answers are merged, so it costs no memory either way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PingLimit {
    burst: u32,
    per_second: u32,
}

impl PingLimit {
    /// 20 at once, 12 a second: [`defaults::PING_BURST`], [`defaults::PINGS_PER_SECOND`]
    pub const DEFAULT: Self =
        Self { burst: defaults::PING_BURST, per_second: defaults::PINGS_PER_SECOND };

    /// So many at once, and so many a second on average
    ///
    /// Time in which the connection was not read counts for the average as any other, so that
    /// Pings which had to wait are no flood. Nor can they be told from those of a peer that was
    /// quiet, which may then send at once what it has saved: at most `burst`, and `per_second` for
    /// each second since the last time but one that everything had been read. An awaited connection
    /// finds that with every beat at least, so that it is two beats' time; without a beat it is as
    /// long as the peer was quiet. On average over its life no peer sends more than `per_second`,
    /// and `burst` on top.
    ///
    /// # Errors
    ///
    /// Either is 0, or over 1,000,000.
    pub fn new(burst: u32, per_second: u32) -> Result<Self, ConfigError> {
        const MOST: u32 = 1_000_000;
        if !(1..=MOST).contains(&burst) || !(1..=MOST).contains(&per_second) {
            return Err(ConfigError::new(
                "ping_limit",
                format_args!(
                    "is {burst} at once, {per_second} a second: each must be between 1 and {MOST}"
                ),
            ));
        }
        Ok(Self { burst, per_second })
    }

    /// How many at once
    #[must_use]
    pub const fn burst(self) -> u32 {
        self.burst
    }

    /// How many a second, on average
    #[must_use]
    pub const fn per_second(self) -> u32 {
        self.per_second
    }

    /// The time that refills one, in nanoseconds: it is asked for at each wake-up
    #[inline]
    pub(crate) const fn every(self) -> u64 {
        1_000_000_000 / self.per_second as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn impossible_durations_are_refused_by_name() {
        let bad = [
            (PingLimit::new(0, 1).unwrap_err(), "ping_limit"),
            (PingLimit::new(1, 0).unwrap_err(), "ping_limit"),
            (PingLimit::new(1, 1_000_001).unwrap_err(), "ping_limit"),
            (ConnectionConfig::client().with_idle(Some(Duration::ZERO)).unwrap_err(), "idle"),
            (
                ConnectionConfig::client().with_unfinished(Some(Duration::ZERO)).unwrap_err(),
                "unfinished",
            ),
            (
                ConnectionConfig::client().with_close_timeout(Duration::ZERO).unwrap_err(),
                "close_timeout",
            ),
        ];
        for (error, setting) in bad {
            assert_eq!(error.setting(), setting);
            assert!(error.to_string().contains("must be between"), "{error}");
        }
    }
}
