//! The durations of the beat: how often, and by which clocks a silence is death. Presets, and the
//! promise that derives them all.

use core::time::Duration;

use super::{ConfigError, LONGEST, SHORTEST, defaults, within};

/// The beat's durations, known to be possible
///
/// A Ping after [`interval`](Self::interval) of silence, and then two clocks. The road's: what we sent
/// is not acknowledged for [`path_timeout`](Self::path_timeout), or longer on a road that was silent
/// for long before, four times that, up to the longer clock. The program's: its kernel has our Ping,
/// and nothing is heard for [`app_timeout`](Self::app_timeout). Where the kernel tells nothing there is
/// one clock, the program's, and the road's column does not apply.
///
/// | preset | interval | road | program | a death is known after (half, 99 of 100) | for |
/// |---|---|---|---|---|---|
/// | [`CLIENT`](Self::CLIENT) | 20 s | 10 to 20 s | 20 s | 19.5 s, 29.2 s | the default of a client |
/// | [`SERVER`](Self::SERVER) | 25 s | 10 to 20 s | 20 s | 21.4 s, 33.8 s | the default of a server |
/// | [`MOBILE`](Self::MOBILE) | 20 s | 18 to 20 s | 20 s | 27.5 s, 37.2 s | roads with outages of some seconds |
/// | [`DATACENTER`](Self::DATACENTER) | 5 s | 5 to 10 s | 10 s | 7.3 s, 9.8 s | wired roads only |
///
/// Measured by `cargo xtask sim` on an idle connection whose road is gone, at a round trip of 60 ms, with
/// a kernel that tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeartbeatConfig {
    interval: Duration,
    path: Duration,
    app: Duration,
    /// Derived from the two, for it is asked with each message
    soft: Duration,
    /// A promise was made: also that our own bytes get out is asked within each interval
    promised: bool,
}

impl HeartbeatConfig {
    /// A client's default: every 20 s
    pub const CLIENT: Self = Self {
        interval: defaults::CLIENT_INTERVAL,
        path: defaults::PATH_TIMEOUT,
        app: defaults::APP_TIMEOUT,
        soft: soft(defaults::PATH_TIMEOUT, defaults::APP_TIMEOUT),
        promised: false,
    };
    /// A server's default: every 25 s, so that a client's Pings keep it quiet
    pub const SERVER: Self = Self { interval: defaults::SERVER_INTERVAL, ..Self::CLIENT };
    /// For phones and trains: time for one retransmission more at nearly every round trip. TCP doubles
    /// its patience, so that what was sent into an outage of 8 s arrives 15 s later at a round trip of
    /// 30 ms
    pub const MOBILE: Self = Self { path: Duration::from_secs(18), ..Self::CLIENT };
    /// For wired roads, where an outage of five seconds is one
    pub const DATACENTER: Self = Self {
        interval: Duration::from_secs(5),
        path: Duration::from_secs(5),
        app: Duration::from_secs(10),
        soft: soft(Duration::from_secs(5), Duration::from_secs(10)),
        promised: false,
    };

    /// A beat after `interval` of silence, and death `timeout` after an unanswered Ping was flushed,
    /// by either clock
    ///
    /// The timeout may be shorter than the interval. A silent peer is declared dead at most
    /// `interval + timeout` after it was last heard.
    ///
    /// # Errors
    ///
    /// Either is under 100 ms or over 24 h.
    pub fn new(interval: Duration, timeout: Duration) -> Result<Self, ConfigError> {
        Self::CLIENT.with_interval(interval)?.with_timeout(timeout)
    }

    /// The same with another interval; a promise that was made before is none any more
    ///
    /// # Errors
    ///
    /// Under 100 ms or over 24 h.
    pub fn with_interval(self, interval: Duration) -> Result<Self, ConfigError> {
        let interval = within("interval", interval, SHORTEST, LONGEST)?;
        Ok(Self { interval, promised: false, ..self })
    }

    /// The same with this duration for both clocks; a promise that was made before is none any more
    ///
    /// # Errors
    ///
    /// Under 100 ms or over 24 h.
    pub fn with_timeout(self, timeout: Duration) -> Result<Self, ConfigError> {
        let timeout = within("timeout", timeout, SHORTEST, LONGEST)?;
        Ok(Self {
            path: timeout,
            app: timeout,
            soft: soft(timeout, timeout),
            promised: false,
            ..self
        })
    }

    /// The same with these two clocks: the road's at least, and the program's
    ///
    /// A road that was silent for long before gets more, up to the longer of the two. A promise that was
    /// made before is none any more.
    ///
    /// # Errors
    ///
    /// Either is under 100 ms or over 24 h.
    pub fn with_clocks(self, path: Duration, app: Duration) -> Result<Self, ConfigError> {
        let path = within("path_timeout", path, SHORTEST, LONGEST)?;
        let app = within("app_timeout", app, SHORTEST, LONGEST)?;
        Ok(Self { path, app, soft: soft(path, app), promised: false, ..self })
    }

    /// The beat that keeps a promise: whatever is gone, the road or the program, is declared dead within
    /// `promise` of the last evidence that it was there
    ///
    /// The clocks get three quarters of the promise at most and the interval what is left, less a
    /// margin of 4 % for our own lateness; none is longer than this configuration's own. What we were
    /// late beyond that is added, and reported in
    /// [`Evidence::stalled_for`](crate::cause::Evidence::stalled_for).
    ///
    /// Where the kernel tells of the road, the promise is kept for the way out too: a peer that only talks
    /// and never pings is asked for a Pong within each interval, although it is heard. Where it does not,
    /// a peer that goes on talking is alive, whatever becomes of our bytes.
    ///
    /// # Errors
    ///
    /// Under 500 ms, below which our own lateness would decide, or over 24 h.
    ///
    /// ```
    /// use core::time::Duration;
    /// use everbeat_core::config::HeartbeatConfig;
    ///
    /// let beat = HeartbeatConfig::SERVER.detect_within(Duration::from_secs(15))?;
    /// assert_eq!(beat.interval(), Duration::from_millis(3_600));
    /// assert_eq!(beat.path_timeout(), Duration::from_secs(10));
    /// assert_eq!(beat.app_timeout(), Duration::from_millis(10_800));
    ///
    /// let error = HeartbeatConfig::SERVER.detect_within(Duration::from_millis(50)).unwrap_err();
    /// assert_eq!(
    ///     error.to_string(),
    ///     "`detect_within` is 50ms: the shortest promise that can be kept is 500ms, the longest 86400s"
    /// );
    /// # Ok::<_, everbeat_core::config::ConfigError>(())
    /// ```
    pub fn detect_within(self, promise: Duration) -> Result<Self, ConfigError> {
        if !(defaults::SHORTEST_PROMISE..=LONGEST).contains(&promise) {
            return Err(ConfigError::new(
                "detect_within",
                format_args!(
                    "is {promise:?}: the shortest promise that can be kept is {:?}, the longest {LONGEST:?}",
                    defaults::SHORTEST_PROMISE
                ),
            ));
        }
        let longest = promise * 72 / 100;
        let (path, app) = (self.path.min(longest), self.app.min(longest));
        let left = (promise * 96 / 100).saturating_sub(path.max(app));
        let interval = self.interval.min(left);
        Ok(Self { interval, path, app, soft: soft(path, app), promised: true })
    }

    /// The beat that keeps a connection from being idle for this long: for the proxy in between, which
    /// forgets whom it has not seen for its limit
    ///
    /// The interval becomes 45 % of the limit at most, so that there is a second beat within it if the
    /// first is lost.
    ///
    /// # Errors
    ///
    /// Under 250 ms or over 24 h.
    pub fn idle_limit(self, limit: Duration) -> Result<Self, ConfigError> {
        const LEAST: Duration = Duration::from_millis(250);
        let limit = within("idle_limit", limit, LEAST, LONGEST)?;
        Ok(Self { interval: self.interval.min(limit * 45 / 100), ..self })
    }

    /// How long a silence is answered with a Ping
    #[must_use]
    pub const fn interval(&self) -> Duration {
        self.interval
    }

    /// How long after something of ours was sent, and not acknowledged, the road is gone; longer if
    /// the road has been silent for long before
    #[must_use]
    pub const fn path_timeout(&self) -> Duration {
        self.path
    }

    /// How long after our Ping was acknowledged the program hangs; where the kernel tells nothing, how
    /// long after it was flushed the peer is gone
    #[must_use]
    pub const fn app_timeout(&self) -> Duration {
        self.app
    }

    /// The longer of the two clocks: no silence outlives interval and this
    #[must_use]
    pub fn timeout(&self) -> Duration {
        self.path.max(self.app)
    }

    /// How long after a Ping its silence is suspicious, and the kernel is asked: a third of the
    /// shorter clock, 3 s at most
    #[must_use]
    pub const fn soft(&self) -> Duration {
        self.soft
    }

    /// Whether a peer that only talks is asked for a Pong
    pub(crate) const fn watches_the_way_out(&self) -> bool {
        self.promised
    }
}

/// A third of the shorter clock, [`defaults::SOFT`] at most
const fn soft(path: Duration, app: Duration) -> Duration {
    let shorter = if path.as_nanos() < app.as_nanos() { path } else { app };
    match shorter.checked_div(3) {
        Some(third) if third.as_nanos() < defaults::SOFT.as_nanos() => third,
        _ => defaults::SOFT,
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn impossible_durations_are_refused_by_name() {
        let bad = [
            (HeartbeatConfig::new(Duration::ZERO, SECOND), "interval"),
            (HeartbeatConfig::new(SECOND, Duration::ZERO), "timeout"),
            (HeartbeatConfig::new(SECOND, Duration::from_millis(99)), "timeout"),
            (HeartbeatConfig::new(SECOND, LONGEST + SECOND), "timeout"),
            (HeartbeatConfig::CLIENT.with_clocks(Duration::ZERO, SECOND), "path_timeout"),
            (HeartbeatConfig::CLIENT.with_clocks(SECOND, Duration::ZERO), "app_timeout"),
            (HeartbeatConfig::CLIENT.idle_limit(SECOND / 5), "idle_limit"),
        ];
        for (result, setting) in bad {
            let error = result.unwrap_err();
            assert_eq!(error.setting(), setting);
            assert!(error.to_string().contains("must be between"), "{error}");
        }
    }

    #[test]
    fn a_promise_leaves_room_for_lateness_and_never_slows_the_default() {
        let beat = HeartbeatConfig::CLIENT.detect_within(5 * SECOND).unwrap();
        assert_eq!(beat.interval(), Duration::from_millis(1_200));
        assert_eq!(beat.path_timeout(), Duration::from_millis(3_600));
        assert_eq!(beat.app_timeout(), Duration::from_millis(3_600));
        assert_eq!(beat.soft(), Duration::from_millis(1_200));
        let lazy = HeartbeatConfig::CLIENT.detect_within(3_600 * SECOND).unwrap();
        assert_eq!(HeartbeatConfig { promised: false, ..lazy }, HeartbeatConfig::CLIENT);
    }

    #[test]
    fn suspicion_comes_before_either_clock_is_over() {
        let beat = |path, app| HeartbeatConfig::CLIENT.with_clocks(path, app).unwrap();
        assert_eq!(beat(6 * SECOND, 60 * SECOND).soft(), 2 * SECOND);
        assert_eq!(beat(60 * SECOND, 6 * SECOND).soft(), 2 * SECOND);
        assert_eq!(beat(60 * SECOND, 60 * SECOND).soft(), 3 * SECOND);
    }

    #[test]
    fn no_promise_is_longer_than_interval_and_slower_clock() {
        let presets = [
            HeartbeatConfig::CLIENT,
            HeartbeatConfig::SERVER,
            HeartbeatConfig::MOBILE,
            HeartbeatConfig::DATACENTER,
            HeartbeatConfig::new(100 * SECOND, 300 * SECOND).unwrap(),
        ];
        for beat in presets {
            for millis in (500..400_000).step_by(500) {
                let promise = Duration::from_millis(millis);
                let kept = beat.detect_within(promise).unwrap();
                assert!(kept.interval() + kept.timeout() <= promise * 96 / 100, "{kept:?}");
                assert!(kept.interval() >= SHORTEST, "{kept:?}");
            }
        }
    }

    #[test]
    fn two_beats_fit_into_an_idle_limit_and_a_longer_one_changes_nothing() {
        let beat = HeartbeatConfig::SERVER.idle_limit(30 * SECOND).unwrap();
        assert_eq!(beat.interval(), Duration::from_millis(13_500));
        assert_eq!(HeartbeatConfig::SERVER.idle_limit(60 * SECOND), Ok(HeartbeatConfig::SERVER));
    }
}
