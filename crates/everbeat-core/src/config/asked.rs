//! What is asked of a beat, in any order and unchecked; a builder holds it until it builds.

use core::time::Duration;

use super::{ConfigError, HeartbeatConfig};

/// What was asked of a beat: a preset, and what differs from it
///
/// For builders, whose methods may be called in any order; [`check`](Self::check) finds out whether
/// it can be. A promise and an idle limit hold whatever the interval and the timeout are.
///
/// ```
/// use core::time::Duration;
/// use everbeat_core::config::{HeartbeatConfig, HeartbeatAsked};
///
/// let asked = HeartbeatAsked::new(HeartbeatConfig::MOBILE)
///     .detect_within(Duration::from_secs(30))
///     .interval(Duration::from_secs(60)); // what the promise leaves of it
/// assert_eq!(asked.check()?.interval(), Duration::from_millis(8_800));
/// # Ok::<_, everbeat_core::config::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct HeartbeatAsked {
    preset: HeartbeatConfig,
    interval: Option<Duration>,
    timeout: Option<Duration>,
    detect_within: Option<Duration>,
    idle_limit: Option<Duration>,
}

impl HeartbeatAsked {
    /// Nothing but a preset
    #[must_use]
    pub const fn new(preset: HeartbeatConfig) -> Self {
        Self { preset, interval: None, timeout: None, detect_within: None, idle_limit: None }
    }

    /// Another preset; what else was asked stays asked
    #[must_use]
    pub const fn preset(self, preset: HeartbeatConfig) -> Self {
        Self { preset, ..self }
    }

    /// See [`HeartbeatConfig::with_interval`]
    #[must_use]
    pub const fn interval(self, interval: Duration) -> Self {
        Self { interval: Some(interval), ..self }
    }

    /// See [`HeartbeatConfig::with_timeout`]
    #[must_use]
    pub const fn timeout(self, timeout: Duration) -> Self {
        Self { timeout: Some(timeout), ..self }
    }

    /// See [`HeartbeatConfig::detect_within`]
    #[must_use]
    pub const fn detect_within(self, promise: Duration) -> Self {
        Self { detect_within: Some(promise), ..self }
    }

    /// See [`HeartbeatConfig::idle_limit`]
    #[must_use]
    pub const fn idle_limit(self, limit: Duration) -> Self {
        Self { idle_limit: Some(limit), ..self }
    }

    /// The first of these that makes no sense without a beat
    #[must_use]
    pub const fn needs_beat(&self) -> Option<&'static str> {
        match (self.detect_within, self.idle_limit) {
            (Some(_), _) => Some("detect_within"),
            (None, Some(_)) => Some("idle_limit"),
            (None, None) => None,
        }
    }

    /// The beat that was asked for
    ///
    /// # Errors
    ///
    /// It cannot be; the error names the setting.
    pub fn check(self) -> Result<HeartbeatConfig, ConfigError> {
        let mut beat = self.preset;
        if let Some(interval) = self.interval {
            beat = beat.with_interval(interval)?;
        }
        if let Some(timeout) = self.timeout {
            beat = beat.with_timeout(timeout)?;
        }
        if let Some(promise) = self.detect_within {
            beat = beat.detect_within(promise)?;
        }
        self.idle_limit.map_or(Ok(beat), |limit| beat.idle_limit(limit))
    }
}
