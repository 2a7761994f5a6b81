//! A server's settings: as they were asked for, and as they were found to be possible.

use std::time::Duration;

use everbeat_core::config::{
    ConfigError, ConnectionConfig, HeartbeatConfig, OwnBeat, PingLimit, defaults,
};

use crate::registry::Limits;

/// What was asked for, unchecked
#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub(super) heartbeat: bool,
    pub(super) beat: Option<OwnBeat>,
    pub(super) interval: Duration,
    pub(super) timeout: Duration,
    pub(super) idle: Option<Duration>,
    pub(super) close_timeout: Duration,
    /// At once, and a second
    pub(super) pings: (u32, u32),
    pub(super) handshake_timeout: Duration,
    pub(super) shutdown_timeout: Duration,
    pub(super) upgrades: usize,
    pub(super) mailbox: Limits,
}

/// What was found to be possible
#[derive(Clone, Debug)]
pub(crate) struct Checked {
    pub(crate) connection: ConnectionConfig,
    pub(crate) beat: Option<OwnBeat>,
    pub(crate) handshake_timeout: Duration,
    pub(crate) shutdown_timeout: Duration,
    pub(crate) upgrades: usize,
    pub(crate) mailbox: Limits,
}

const SHORTEST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

impl Settings {
    pub(super) const DEFAULT: Self = Self {
        heartbeat: true,
        beat: None,
        interval: defaults::SERVER_INTERVAL,
        timeout: defaults::TIMEOUT,
        idle: None,
        close_timeout: defaults::CLOSE_TIMEOUT,
        pings: (defaults::PING_BURST, defaults::PINGS_PER_SECOND),
        handshake_timeout: Duration::from_secs(10),
        shutdown_timeout: Duration::from_secs(10),
        upgrades: 1_024,
        mailbox: Limits { messages: defaults::QUEUE_MESSAGES, bytes: defaults::QUEUE_BYTES },
    };

    pub(super) fn check(self) -> Result<Checked, ConfigError> {
        let beat = HeartbeatConfig::new(self.interval, self.timeout)?;
        let connection = ConnectionConfig::server()
            .with_heartbeat(self.heartbeat.then_some(beat))
            .with_idle(self.idle)?
            .with_ping_limit(PingLimit::new(self.pings.0, self.pings.1)?)
            .with_close_timeout(self.close_timeout)?;
        if self.beat.is_some() && !self.heartbeat {
            return Err(ConfigError::new("beat", "needs the heartbeat, which is off"));
        }
        if self.upgrades == 0 {
            return Err(ConfigError::new("upgrades", "is 0: no peer would ever be upgraded"));
        }
        if self.mailbox.messages == 0 || self.mailbox.bytes == 0 {
            let Limits { messages, bytes } = self.mailbox;
            return Err(ConfigError::new(
                "mailbox",
                format_args!("is bounded to {messages} messages, {bytes} bytes: nothing would fit"),
            ));
        }
        Ok(Checked {
            connection,
            beat: self.beat,
            handshake_timeout: within("handshake_timeout", self.handshake_timeout, SHORTEST)?,
            // Zero is possible: cut at once.
            shutdown_timeout: within("shutdown_timeout", self.shutdown_timeout, Duration::ZERO)?,
            upgrades: self.upgrades,
            mailbox: self.mailbox,
        })
    }
}

fn within(
    setting: &'static str,
    value: Duration,
    shortest: Duration,
) -> Result<Duration, ConfigError> {
    if (shortest..=LONGEST).contains(&value) {
        return Ok(value);
    }
    Err(ConfigError::new(
        setting,
        format_args!("is {value:?}: it must be between {shortest:?} and {LONGEST:?}"),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A setting's name, and a change that makes it impossible
    type Case = (&'static str, fn(&mut Settings));

    #[test]
    fn impossible_settings_are_refused_by_name() {
        let cases: [Case; 11] = [
            ("interval", |s| s.interval = Duration::ZERO),
            ("timeout", |s| s.timeout = Duration::from_millis(99)),
            ("timeout", |s| s.timeout = LONGEST + Duration::from_secs(1)),
            ("idle", |s| s.idle = Some(Duration::ZERO)),
            ("close_timeout", |s| s.close_timeout = Duration::ZERO),
            ("beat", |s| {
                s.heartbeat = false;
                s.beat = Some(OwnBeat::new("ping", |_| false));
            }),
            ("ping_limit", |s| s.pings = (0, 1)),
            ("handshake_timeout", |s| {
                s.handshake_timeout = Duration::ZERO;
            }),
            ("shutdown_timeout", |s| s.shutdown_timeout = Duration::MAX),
            ("upgrades", |s| s.upgrades = 0),
            ("mailbox", |s| s.mailbox.bytes = 0),
        ];
        for (name, spoil) in cases {
            let mut settings = Settings::DEFAULT;
            spoil(&mut settings);
            assert_eq!(settings.check().unwrap_err().setting(), name);
        }
    }

    #[test]
    fn the_silent_are_expired_by_default_and_the_idle_are_not() {
        let checked = Settings::DEFAULT.check().unwrap();
        assert_eq!(checked.connection, ConnectionConfig::server());
        assert_eq!(checked.connection.heartbeat(), Some(HeartbeatConfig::SERVER));
        assert_eq!(checked.connection.idle(), None);
        let mut off = Settings::DEFAULT;
        off.heartbeat = false;
        assert_eq!(off.check().unwrap().connection.heartbeat(), None);
    }
}
