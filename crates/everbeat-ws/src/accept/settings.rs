//! What an acceptor is told: a WebSocket's limits, TLS, and who is let in.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use everbeat_core::config::ConfigError;

use crate::settings::{Settings, forward_limits};
use crate::tls::ServerTls;
use crate::upgrade::{AcceptAll, Hook, Origins};

/// What an acceptor is told: a WebSocket's limits, TLS if it speaks it, and who is let in
///
/// A [`Settings`] is one, of an acceptor that speaks no TLS and lets everybody in.
pub struct AcceptSettings<H = AcceptAll> {
    pub(super) limits: Settings,
    /// `None` speaks no TLS
    pub(crate) tls: Option<ServerTls>,
    pub(super) hook: Arc<H>,
    pub(super) hook_timeout: Duration,
    /// `None` looks at no origin
    pub(super) origins: Option<Origins>,
    pub(super) cookies: bool,
    pub(super) backlog: u16,
}

impl<H> AcceptSettings<H> {
    /// The default of [`hook_timeout`](Self::hook_timeout): half of what a server lets an upgrade
    /// take, so that there is time for an answer
    pub const HOOK_TIMEOUT: Duration = Duration::from_secs(5);
    /// The default of [`backlog`](Self::backlog): what Linux allows by default, and room for the
    /// crowd of a server that comes back and takes 820 connections a second or more
    pub const BACKLOG: u16 = 4_096;

    forward_limits!(it => &mut it.limits);

    /// Who decides about each request; everybody is let in by default
    ///
    /// Handlers are given what it found out: see [`Hook`].
    #[must_use]
    pub fn upgrade<N: Hook>(self, hook: N) -> AcceptSettings<N> {
        AcceptSettings {
            limits: self.limits,
            tls: self.tls,
            hook: Arc::new(hook),
            hook_timeout: self.hook_timeout,
            origins: self.origins,
            cookies: self.cookies,
            backlog: self.backlog,
        }
    }

    /// How long the hook may take before the request is answered 503; 5 s by default, 1 ms to 24
    /// hours
    ///
    /// It must be shorter than what the server lets the whole upgrade take, its setting
    /// `handshake_timeout`: when that is over the socket is dropped, and the peer gets no answer. TLS
    /// and the request are of that time too, and the answer may take a second.
    #[must_use]
    pub const fn hook_timeout(mut self, limit: Duration) -> Self {
        self.hook_timeout = limit;
        self
    }

    /// Whose web pages may connect (RFC 6455, section 10.2): others are answered 403; all by default
    #[must_use]
    pub fn origins(mut self, origins: Origins) -> Self {
        self.origins = Some(origins);
        self
    }

    /// Whether cookies authenticate; they do not by default, and then nobody sees them
    ///
    /// A browser sends them for every page that connects here, so that [`origins`](Self::origins)
    /// has to be said as well.
    ///
    /// They are not all that a browser sends for whichever page asks: so it does with a password that
    /// it has cached (`Authorization: Basic`, NTLM, Negotiate), and with a TLS client certificate.
    /// Those are not withheld. A hook that relies on one needs [`origins`](Self::origins) as much,
    /// and nothing here can ask for it.
    #[must_use]
    pub const fn cookies(mut self, authenticate: bool) -> Self {
        self.cookies = authenticate;
        self
    }

    /// How many connections may wait in the kernel to be taken; 4,096 by default, 1 or more; the
    /// system takes less if its own limit is less (`net.core.somaxconn` on Linux)
    ///
    /// At most what the server takes in half of the time for which its clients wait: for those that
    /// give up after 10 s, 5 times the capacity a second. Whoever waits longer is gone when its turn
    /// comes, and its upgrade is done for nobody. A server that takes 200 a second has 20 s of work
    /// in a backlog of 4,096: with such clients it never gets to one that is still there, and after a
    /// restart it serves nobody again. Too short costs little, for whoever finds it full tries again
    /// a second later, then after 3 and 7.
    ///
    /// A server that is told its capacity (`upgrades_per_second` of its limits) lets nobody wait for
    /// an upgrade, so that its backlog does not fill with work.
    #[must_use]
    pub const fn backlog(mut self, most: u16) -> Self {
        self.backlog = most;
        self
    }

    /// Whether the values can be
    ///
    /// # Errors
    ///
    /// See [`Settings::check`]; or `backlog` is 0, `hook_timeout` is under 1 ms or over 24 hours, or `cookies`
    /// authenticate and no `origins` are checked.
    pub fn check(&self) -> Result<(), ConfigError> {
        const SHORTEST: Duration = Duration::from_millis(1);
        const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);
        if !(SHORTEST..=LONGEST).contains(&self.hook_timeout) {
            let limit = self.hook_timeout;
            return Err(ConfigError::new(
                "hook_timeout",
                format_args!("is {limit:?}: it must be between {SHORTEST:?} and {LONGEST:?}"),
            ));
        }
        if self.backlog == 0 {
            return Err(ConfigError::new("backlog", "is 0: nobody could wait to be taken"));
        }
        if self.cookies && self.origins.is_none() {
            return Err(ConfigError::new(
                "cookies",
                "authenticate, and every web page can send them: say whose may with `origins`, or \
                 `Origins::any()` if something else tells who acts",
            ));
        }
        self.limits.check()
    }
}

impl Default for AcceptSettings {
    fn default() -> Self {
        Settings::default().into()
    }
}

impl From<Settings> for AcceptSettings {
    fn from(limits: Settings) -> Self {
        Self {
            limits,
            tls: None,
            hook: Arc::new(AcceptAll),
            hook_timeout: Self::HOOK_TIMEOUT,
            origins: None,
            cookies: false,
            backlog: Self::BACKLOG,
        }
    }
}

/// Shares the hook
impl<H> Clone for AcceptSettings<H> {
    fn clone(&self) -> Self {
        Self {
            limits: self.limits,
            tls: self.tls.clone(),
            hook: self.hook.clone(),
            hook_timeout: self.hook_timeout,
            origins: self.origins.clone(),
            cookies: self.cookies,
            backlog: self.backlog,
        }
    }
}

impl<H> fmt::Debug for AcceptSettings<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AcceptSettings")
            .field("limits", &self.limits)
            .field("tls", &self.tls)
            .field("hook_timeout", &self.hook_timeout)
            .field("origins", &self.origins)
            .field("cookies", &self.cookies)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cookies_without_an_origin_are_refused_unless_said_otherwise() {
        let settings = || AcceptSettings::default().cookies(true);
        let error = settings().check().unwrap_err();
        assert_eq!(error.setting(), "cookies");
        assert!(error.to_string().contains("`origins`"), "{error}");
        for said in [Origins::any(), Origins::same_host()] {
            assert_eq!(settings().origins(said).check(), Ok(()));
        }
    }

    #[test]
    fn by_default_a_hook_has_5_s_and_4096_may_wait() {
        let settings = AcceptSettings::default();
        assert_eq!(settings.hook_timeout, Duration::from_secs(5));
        assert!(settings.origins.is_none() && !settings.cookies);
        assert_eq!(settings.backlog, 4_096);
    }

    #[test]
    fn impossible_settings_are_refused_by_name() {
        let with = |limit| AcceptSettings::default().hook_timeout(limit).check();
        for limit in [Duration::ZERO, Duration::from_micros(999), Duration::from_secs(86_401)] {
            assert_eq!(with(limit).unwrap_err().setting(), "hook_timeout");
        }
        for limit in [Duration::from_millis(1), Duration::from_secs(86_400)] {
            assert_eq!(with(limit), Ok(()));
        }
        let full = AcceptSettings::default().backlog(0).check();
        assert_eq!(full.unwrap_err().setting(), "backlog");
        let limits = AcceptSettings::default().max_head(1);
        assert_eq!(limits.check().unwrap_err().setting(), "max_head");
    }
}
