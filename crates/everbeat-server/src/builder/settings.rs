//! A server's settings: as they were asked for, and as they were found to be possible.

use std::time::Duration;

use everbeat_core::cause::{CloseCode, CloseFrame};
use everbeat_core::config::{
    ConfigError, ConnectionConfig, HeartbeatAsked, HeartbeatConfig, OwnBeat, PingLimit, defaults,
};

use crate::storm::Restart;
use crate::{Expire, Limits};

/// What was asked for, unchecked
#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub(super) beat: Option<OwnBeat>,
    pub(super) asked: HeartbeatAsked,
    pub(super) expire: Expire,
    pub(super) close_timeout: Duration,
    /// At once, and a second
    pub(super) pings: (u32, u32),
    pub(super) handshake_timeout: Duration,
    pub(super) shutdown_timeout: Duration,
    /// 1001 without a reason, if nothing is said
    pub(super) farewell: Option<CloseFrame>,
    pub(super) restart: Option<Restart>,
    pub(super) limits: Limits,
}

/// What was found to be possible
#[derive(Clone, Debug)]
pub(crate) struct Checked {
    pub(crate) connection: ConnectionConfig,
    pub(crate) beat: Option<OwnBeat>,
    pub(crate) handshake_timeout: Duration,
    pub(crate) shutdown_timeout: Duration,
    pub(crate) farewell: Farewell,
    pub(crate) expire: Expire,
    pub(crate) limits: Limits,
}

/// What connections say at a shutdown
#[derive(Clone, Debug)]
pub(crate) enum Farewell {
    /// This, all at once
    Together(CloseFrame),
    /// When their clients are to come to the successor, one after the other
    InTurn(Restart),
}

/// A Close handshake's 5 s, and as long again for the handler's own last work
pub(crate) const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(10);
const SHORTEST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

impl Settings {
    pub(super) fn check(self) -> Result<Checked, ConfigError> {
        let beat = self.asked.check()?;
        let connection = ConnectionConfig::server()
            .with_heartbeat(self.expire.beat(beat)?)
            .with_idle(self.expire.idle)?
            .with_unfinished(self.expire.unfinished)?
            .with_ping_limit(PingLimit::new(self.pings.0, self.pings.1)?)
            .with_close_timeout(self.close_timeout)?;
        let needs_beat = match &self.beat {
            Some(_) => Some("beat"),
            None => self.asked.needs_beat(),
        };
        if let Some(setting) = needs_beat.filter(|_| connection.heartbeat().is_none()) {
            return Err(ConfigError::new(setting, "needs the heartbeat, which is off"));
        }
        self.limits.check()?;
        self.expire.check(self.limits.room.bytes)?;
        let farewell = farewell(self.farewell, self.restart)?;
        Ok(Checked {
            connection,
            beat: self.beat,
            handshake_timeout: within(
                "handshake_timeout",
                self.handshake_timeout,
                SHORTEST,
                LONGEST,
            )?,
            // Zero is possible: cut at once.
            shutdown_timeout: within(
                "shutdown_timeout",
                self.shutdown_timeout,
                Duration::ZERO,
                LONGEST,
            )?,
            farewell,
            expire: self.expire,
            limits: self.limits,
        })
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            beat: None,
            asked: HeartbeatAsked::new(HeartbeatConfig::SERVER),
            expire: Expire::default(),
            close_timeout: defaults::CLOSE_TIMEOUT,
            pings: (defaults::PING_BURST, defaults::PINGS_PER_SECOND),
            handshake_timeout: Duration::from_secs(10),
            shutdown_timeout: SHUTDOWN_TIMEOUT,
            farewell: None,
            restart: None,
            limits: Limits::default(),
        }
    }
}

fn farewell(frame: Option<CloseFrame>, restart: Option<Restart>) -> Result<Farewell, ConfigError> {
    match (frame, restart) {
        (Some(_), Some(_)) => Err(ConfigError::new(
            "shutdown_with",
            "says what `restart` says in its own words: one of them",
        )),
        (Some(frame), None) if !frame.code.may_be_sent() => Err(ConfigError::new(
            "shutdown_with",
            format_args!("is {}: no Close frame may say that", frame.code),
        )),
        (Some(frame), None) => Ok(Farewell::Together(frame)),
        (None, None) => Ok(Farewell::Together(CloseCode::GOING_AWAY.into())),
        (None, Some(restart)) => restart.check().map(|()| Farewell::InTurn(restart)),
    }
}

/// Checks that a duration is within bounds
pub(crate) fn within(
    setting: &'static str,
    value: Duration,
    shortest: Duration,
    longest: Duration,
) -> Result<Duration, ConfigError> {
    if (shortest..=longest).contains(&value) {
        return Ok(value);
    }
    Err(ConfigError::new(
        setting,
        format_args!("is {value:?}: it must be between {shortest:?} and {longest:?}"),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A setting's name, and a change that makes it impossible
    type Case = (&'static str, fn(&mut Settings));

    const ONE: Restart = Restart::per_second(1);

    #[test]
    fn impossible_settings_are_refused_by_name() {
        let cases: [Case; 30] = [
            ("interval", |s| s.asked = s.asked.interval(Duration::ZERO)),
            ("timeout", |s| s.asked = s.asked.timeout(Duration::from_millis(99))),
            ("timeout", |s| s.asked = s.asked.timeout(LONGEST + Duration::from_secs(1))),
            ("idle_limit", |s| s.asked = s.asked.idle_limit(Duration::ZERO)),
            ("idle_limit", |s| {
                s.expire = s.expire.silent(None);
                s.asked = s.asked.idle_limit(Duration::from_secs(60));
            }),
            ("silent", |s| s.expire = s.expire.silent(Duration::ZERO)),
            ("idle", |s| s.expire = s.expire.idle(Duration::ZERO)),
            ("unfinished", |s| s.expire = s.expire.unfinished(Duration::ZERO)),
            ("unauthenticated", |s| s.expire = s.expire.unauthenticated(Duration::ZERO)),
            ("authentication", |s| s.expire = s.expire.authentication(Duration::ZERO)),
            ("age", |s| s.expire = s.expire.age(Duration::MAX)),
            ("stuck", |s| s.expire = s.expire.stuck(Duration::from_millis(99))),
            ("behind", |s| s.expire = s.expire.behind(0)),
            ("behind", |s| s.expire = s.expire.behind((1 << 20) + 1)),
            ("close_timeout", |s| s.close_timeout = Duration::ZERO),
            ("beat", |s| {
                s.expire = s.expire.silent(None);
                s.beat = Some(OwnBeat::new("ping", |_| false));
            }),
            ("ping_limit", |s| s.pings = (0, 1)),
            ("handshake_timeout", |s| {
                s.handshake_timeout = Duration::ZERO;
            }),
            ("shutdown_timeout", |s| s.shutdown_timeout = Duration::MAX),
            ("connections", |s| s.limits = s.limits.connections(0)),
            ("per_address", |s| s.limits = s.limits.per_address(0)),
            ("upgrades", |s| s.limits = s.limits.upgrades(0)),
            ("upgrades_per_second", |s| s.limits = s.limits.upgrades_per_second(0)),
            ("queued", |s| s.limits = s.limits.queued(1, 0)),
            ("queued_in_all", |s| s.limits = s.limits.queued_in_all(1 << 10)),
            ("shutdown_with", |s| s.farewell = Some(CloseCode::NO_STATUS.into())),
            ("shutdown_with", |s| {
                (s.farewell, s.restart) = (Some(CloseCode::RESTART.into()), Some(ONE));
            }),
            ("restart", |s| s.restart = Some(Restart::per_second(0))),
            ("restart", |s| s.restart = Some(ONE.opens_in(Duration::MAX))),
            ("restart", |s| s.restart = Some(Restart::per_second(u32::MAX))),
        ];
        for (name, spoil) in cases {
            let mut settings = Settings::default();
            spoil(&mut settings);
            assert_eq!(settings.check().unwrap_err().setting(), name);
        }
    }

    #[test]
    fn by_default_it_beats_at_25_s_and_serves_100_000() {
        let second = Duration::from_secs(1);
        let checked = Settings::default().check().unwrap();
        let beat = checked.connection.heartbeat().unwrap();
        assert_eq!(beat, HeartbeatConfig::SERVER);
        assert_eq!((beat.interval(), beat.timeout()), (25 * second, 20 * second));
        assert_eq!(checked.expire.stuck, Some(25 * second));
        assert_eq!(checked.connection.close_timeout(), 5 * second);
        assert_eq!(
            (checked.handshake_timeout, checked.shutdown_timeout),
            (10 * second, 10 * second)
        );
        assert_eq!((checked.limits.connections, checked.limits.upgrades), (100_000, 1_024));
        let room = checked.limits.room;
        assert_eq!((room.messages, room.bytes), (1_024, 1 << 20));
        assert_eq!(checked.limits.queued_in_all, 256 << 20);
    }

    #[test]
    fn the_silent_are_expired_by_default_and_the_idle_are_not() {
        let checked = Settings::default().check().unwrap();
        assert_eq!(checked.connection, ConnectionConfig::server());
        assert_eq!(checked.connection.heartbeat(), Some(HeartbeatConfig::SERVER));
        assert_eq!(checked.connection.idle(), None);
        let mut off = Settings::default();
        off.expire = off.expire.silent(None);
        assert_eq!(off.check().unwrap().connection.heartbeat(), None);
        let mut promised = Settings::default();
        promised.expire = promised.expire.silent(Duration::from_secs(10));
        let beat = promised.check().unwrap().connection.heartbeat().unwrap();
        assert!(beat.interval() + beat.timeout() < Duration::from_secs(10), "{beat:?}");
    }
}
