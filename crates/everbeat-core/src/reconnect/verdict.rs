//! The default verdict on each cause: what another attempt is worth.

use core::time::Duration;

use crate::cause::{Cause, Expired, RetryWindow};

/// What a cause says about another attempt
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Retry {
    /// None: the peer meant it, or the same request would fail again
    Never,
    /// One, with a fresh request: credentials may have expired
    Once,
    /// Soon: only we were cut, as far as we know
    Alone,
    /// Spread over a longer while: everybody else was cut too
    Together,
    /// Not before this delay, a `Retry-After`, and at most the backoff's first step later; whoever is
    /// told so again and again is spread wider
    After(Duration),
    /// At one moment of this window, for the server that said so spreads its clients over it; not
    /// before it and with backoff, if none of the connections since was healthy
    Within(RetryWindow),
}

impl Cause {
    /// The default verdict
    ///
    /// | cause | verdict |
    /// |---|---|
    /// | closed 1000, or by us | never |
    /// | closed 1001, 1012, 1013 with `retry=from-to` as reason ([`RetryWindow`]) | within that window |
    /// | closed 1001, 1012 | together |
    /// | closed 1002, 1003, 1007 to 1010 | never: the same bytes would be refused again |
    /// | closed with another code, or none; cut; dead; idle; a connect timeout | alone |
    /// | unreachable | together: a server that is down is down for everybody |
    /// | status 401, 403, closed 3000, 3003 | once, with a fresh request |
    /// | status 408, 425, 429 and 5xx | together, or not before its `Retry-After` |
    /// | another status (404 among them) | never |
    /// | not a WebSocket, violation of the protocol | never |
    ///
    /// ```
    /// use everbeat_core::Cause;
    /// use everbeat_core::reconnect::Retry;
    ///
    /// let busy = Cause::Rejected { status: 503, retry_after: None };
    /// assert_eq!(busy.default_verdict(), Retry::Together);
    /// ```
    #[must_use]
    pub fn default_verdict(&self) -> Retry {
        match self {
            Self::Closed { code, reason } => match (code.0, RetryWindow::parse(reason)) {
                (1001 | 1012 | 1013, Some(window)) => Retry::Within(window),
                (code, _) => Self::of_code(code),
            },
            Self::Rejected { status, retry_after } => match (*status, *retry_after) {
                (401 | 403, _) => Retry::Once,
                (408 | 425 | 429 | 500..=599, Some(delay)) => Retry::After(delay),
                (408 | 425 | 429 | 500..=599, None) => Retry::Together,
                _ => Retry::Never,
            },
            Self::Dead { .. }
            | Self::Cut { .. }
            | Self::TimedOut { .. }
            | Self::Expired(Expired::Idle | Expired::Unfinished) => Retry::Alone,
            Self::Unreachable { .. } => Retry::Together,
            Self::ClosedByUs
            | Self::Violation { .. }
            | Self::NotWebSocket { .. }
            | Self::Expired(_) => Retry::Never,
        }
    }

    const fn of_code(code: u16) -> Retry {
        match code {
            1000 | 1002 | 1003 | 1007..=1010 => Retry::Never,
            1001 | 1012 => Retry::Together,
            3000 | 3003 => Retry::Once,
            _ => Retry::Alone,
        }
    }
}
