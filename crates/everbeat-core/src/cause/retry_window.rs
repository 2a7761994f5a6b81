//! When a server that restarts asks its clients to come back: a span of time in a Close frame's
//! reason.

use core::fmt;
use core::time::Duration;

use super::CloseFrame;

/// When to come back, counted from the Close: `retry=2000-6500` in its reason, in milliseconds
///
/// A server that is replaced tells each client one with [`CloseCode::RESTART`](super::CloseCode::RESTART),
/// so that they do not come all at once; a client draws one moment of it. It is plain text for people,
/// and no client of another make minds it.
///
/// ```
/// use std::time::Duration;
/// use everbeat_core::cause::{CloseCode, CloseFrame, RetryWindow};
///
/// let window = RetryWindow::new(Duration::from_secs(2), Duration::from_millis(6_500));
/// assert_eq!(window.to_string(), "retry=2000-6500");
/// let frame = CloseFrame::new(CloseCode::RESTART, window.to_string());
/// assert_eq!(RetryWindow::parse(&frame.reason), Some(window));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryWindow {
    from: Duration,
    to: Duration,
}

impl RetryWindow {
    /// The longest that is believed, an hour: one frame, wrong by a unit or by intent, must not keep
    /// clients away for a day
    pub const LONGEST: Duration = Duration::from_secs(60 * 60);

    /// From this delay to that; of both at most [`LONGEST`](Self::LONGEST), and a `to` before `from`
    /// is `from`
    #[must_use]
    pub fn new(from: Duration, to: Duration) -> Self {
        let from = from.min(Self::LONGEST);
        Self { from, to: to.clamp(from, Self::LONGEST) }
    }

    /// The window that a Close frame's reason names, alone or as one of its words; `None` if it names
    /// none, one that ends before it begins, or later than [`LONGEST`](Self::LONGEST)
    #[must_use]
    pub fn parse(reason: &str) -> Option<Self> {
        let window =
            reason.split_ascii_whitespace().find_map(|word| word.strip_prefix("retry="))?;
        let (from, to) = window.split_once('-')?;
        let (from, to) = (millis(from)?, millis(to)?);
        (from <= to && to <= Self::LONGEST).then_some(Self { from, to })
    }

    /// The shortest delay
    #[must_use]
    pub const fn from(&self) -> Duration {
        self.from
    }

    /// The longest delay
    #[must_use]
    pub const fn to(&self) -> Duration {
        self.to
    }
}

/// Digits and nothing else
fn millis(text: &str) -> Option<Duration> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| digits).map(Duration::from_millis)
}

impl fmt::Display for RetryWindow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "retry={}-{}", self.from.as_millis(), self.to.as_millis())
    }
}

impl From<RetryWindow> for CloseFrame {
    /// 1012 with the window as its reason
    fn from(window: RetryWindow) -> Self {
        use alloc::string::ToString;
        Self::new(super::CloseCode::RESTART, window.to_string())
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    fn parsed(reason: &str) -> Option<(u128, u128)> {
        RetryWindow::parse(reason)
            .map(|window| (window.from().as_millis(), window.to().as_millis()))
    }

    #[test]
    fn a_window_is_found_where_it_stands() {
        assert_eq!(parsed("retry=0-0"), Some((0, 0)));
        assert_eq!(parsed("retry=2000-6500"), Some((2_000, 6_500)));
        assert_eq!(parsed("deploy 117, retry=2000-6500 please"), Some((2_000, 6_500)));
        for none in [
            "",
            "retry=",
            "retry=5",
            "retry=-",
            "retry=1-",
            "retry=-1",
            "retry=6-5",
            "retry=1-2-3",
            "retry=+1-2",
            "retry=1-2.5",
            "noretry=1-2",
            "RETRY=1-2",
            "retry=1 -2",
            "retry=１-2",
        ] {
            assert_eq!(parsed(none), None, "{none:?}");
        }
    }

    #[test]
    fn nothing_keeps_a_client_away_for_more_than_an_hour() {
        let hour = RetryWindow::LONGEST.as_millis();
        assert_eq!(parsed("retry=0-3600000"), Some((0, hour)));
        for beyond in
            ["retry=0-3600001", "retry=9999999999-9999999999", "retry=0-99999999999999999999"]
        {
            assert_eq!(parsed(beyond), None, "{beyond}");
        }
        let second = Duration::from_secs(1);
        assert_eq!(RetryWindow::new(5 * second, second).to_string(), "retry=5000-5000");
        assert_eq!(RetryWindow::new(Duration::MAX, Duration::MAX).to().as_millis(), hour);
    }
}
