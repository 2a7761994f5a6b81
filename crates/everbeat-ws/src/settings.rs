//! Limits of one WebSocket, of its upgrade and of the socket below it: values, defaults with the
//! reason for each, and the check that refuses values that cannot be.

use std::sync::Arc;
use std::time::Duration;

use everbeat_core::config::{ConfigError, Recent};

/// Limits of one WebSocket, of its upgrade and of the socket below it
///
/// ```
/// use everbeat_ws::Settings;
///
/// let settings = Settings::default().max_message(1 << 20).fragment(None);
/// assert!(settings.check().is_ok());
/// let error = settings.max_head(1 << 20).check().unwrap_err();
/// assert_eq!(error.setting(), "max_head");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    pub(crate) max_message: usize,
    pub(crate) max_frame: usize,
    pub(crate) max_head: usize,
    pub(crate) fragment: Option<usize>,
    pub(crate) user_timeout: Option<Duration>,
    pub(crate) notsent_lowat: Option<u32>,
}

thread_local! {
    /// What the last connections of this thread were told
    static SHARED: Recent<Settings> = const { Recent::new() };
}

impl Settings {
    /// The default of [`max_message`](Self::max_message): 16 MiB, above what applications send and
    /// below what hurts a server
    pub const MAX_MESSAGE: usize = 16 << 20;
    /// The default of [`max_frame`](Self::max_frame): as much as a message, because many peers send
    /// a message in one frame
    pub const MAX_FRAME: usize = 16 << 20;
    /// The default of [`max_head`](Self::max_head): 16 KiB, room for large cookies and tokens
    pub const MAX_HEAD: usize = 16 << 10;
    /// The default of [`fragment`](Self::fragment): 64 KiB, which a slow road of 1 Mbit/s carries
    /// in half a second, so that a Ping never waits longer
    pub const FRAGMENT: usize = 64 << 10;
    /// The default of [`user_timeout`](Self::user_timeout): 30 s, longer than the heartbeat waits for
    /// an acknowledgement, and far shorter than the quarter of an hour for which kernels go on
    pub const USER_TIMEOUT: Duration = Duration::from_secs(30);

    /// The default of [`notsent_lowat`](Self::notsent_lowat): 128 KiB, twice our own frames, so that
    /// a fast road never waits for us, and a slow one of 1 Mbit/s is a second ahead and no more
    pub const NOTSENT_LOWAT: u32 = 128 << 10;

    /// The most that one head may be allowed: the HTTP parser behind it takes no more
    const LARGEST_HEAD: usize = 64 << 10;
    /// The least that a head may be allowed: an upgrade without any extra header fits
    const SMALLEST_HEAD: usize = 512;
    /// The least that the kernel's patience may be: one lost segment that is lost again is sent a
    /// third time within it
    const SHORTEST_USER_TIMEOUT: Duration = Duration::from_secs(1);
    /// The most that the kernel's patience may be, as every duration's
    const LONGEST_USER_TIMEOUT: Duration = Duration::from_secs(24 * 60 * 60);
    /// The least that may wait to leave: a few segments, or each would be a wake-up
    const SMALLEST_NOTSENT_LOWAT: u32 = 4 << 10;
    /// The most that may wait to leave: beyond it no limit is meant
    const LARGEST_NOTSENT_LOWAT: u32 = 1 << 30;

    /// The longest message taken from the peer, in bytes; a longer one ends the connection with
    /// 1009; 16 MiB by default, 1 byte or more
    #[must_use]
    pub const fn max_message(mut self, bytes: usize) -> Self {
        self.max_message = bytes;
        self
    }

    /// The longest frame taken from the peer, in bytes of payload; a longer one ends the connection
    /// with 1009 before its payload is read; 16 MiB by default, 1 byte or more
    #[must_use]
    pub const fn max_frame(mut self, bytes: usize) -> Self {
        self.max_frame = bytes;
        self
    }

    /// The longest head of an HTTP request or response taken from the peer, in bytes; 16 KiB by
    /// default, 512 bytes to 64 KiB
    #[must_use]
    pub const fn max_head(mut self, bytes: usize) -> Self {
        self.max_head = bytes;
        self
    }

    /// The longest frame sent, in bytes of payload; a longer message is cut into frames, so that a
    /// Ping or a Close can go between them (RFC 6455, section 5.4); 64 KiB by default
    ///
    /// `None` sends every message as one frame: for peers that cannot take fragments. A Ping then
    /// waits until the message before it is out.
    #[must_use]
    pub const fn fragment(mut self, bytes: Option<usize>) -> Self {
        self.fragment = bytes;
        self
    }

    /// How long sent bytes may wait for an acknowledgement of the peer's kernel before ours ends
    /// the connection (`TCP_USER_TIMEOUT`, on Linux and Android only); 30 s by default, 1 s to 24
    /// hours; `None` leaves the system's, which is about a quarter of an hour
    ///
    /// A net below the heartbeat, for a program that does not poll its connection, and for a way out
    /// that is closed while the peer goes on talking. Else the heartbeat is first: it asks the same
    /// kernel, and by default an acknowledgement may be missing for 10 s, or 20 s on a road that was
    /// silent for long before. A heartbeat whose clock for the road is longer needs this raised; the
    /// cause would be a cut, "timed out". It also ends a peer that reads nothing for as long while
    /// bytes of ours wait for it.
    #[must_use]
    pub const fn user_timeout(mut self, timeout: Option<Duration>) -> Self {
        self.user_timeout = timeout;
        self
    }

    /// How many bytes may wait in our kernel before it says that it is full (`TCP_NOTSENT_LOWAT`, on
    /// Linux and Android only), beside those that are on the road; 128 KiB by default, 4 KiB to 1
    /// GiB; `None` leaves the system's, which is no limit but the send buffer's
    ///
    /// What waits there goes out ahead of a Ping, whose silence counts from when the kernel took it.
    /// More buys nothing: what may be on the road at once is not limited by it.
    #[must_use]
    pub const fn notsent_lowat(mut self, bytes: Option<u32>) -> Self {
        self.notsent_lowat = bytes;
        self
    }

    /// The same, shared with every other connection of these settings that this thread makes
    pub(crate) fn shared(&self) -> Arc<Self> {
        SHARED.try_with(|shared| shared.share(self)).unwrap_or_else(|_| Arc::new(*self))
    }

    /// Whether the values can be
    ///
    /// # Errors
    ///
    /// `max_message`, `max_frame` or `fragment` is 0, `max_head` is under 512 bytes or over 64 KiB,
    /// `user_timeout` is under 1 s or over 24 hours, or `notsent_lowat` is under 4 KiB or over 1 GiB.
    pub fn check(&self) -> Result<(), ConfigError> {
        for (name, bytes) in [("max_message", self.max_message), ("max_frame", self.max_frame)] {
            if bytes == 0 {
                return Err(ConfigError::new(name, "is 0 bytes: nothing but empty could be taken"));
            }
        }
        if !(Self::SMALLEST_HEAD..=Self::LARGEST_HEAD).contains(&self.max_head) {
            return Err(ConfigError::new(
                "max_head",
                format_args!(
                    "is {} bytes: it must be between {} and {}",
                    self.max_head,
                    Self::SMALLEST_HEAD,
                    Self::LARGEST_HEAD
                ),
            ));
        }
        if self.fragment == Some(0) {
            return Err(ConfigError::new("fragment", "is 0 bytes: it must be at least 1, or None"));
        }
        let possible = Self::SHORTEST_USER_TIMEOUT..=Self::LONGEST_USER_TIMEOUT;
        if let Some(timeout) = self.user_timeout.filter(|timeout| !possible.contains(timeout)) {
            return Err(ConfigError::new(
                "user_timeout",
                format_args!(
                    "is {timeout:?}: it must be between {:?} and {:?}, or None",
                    possible.start(),
                    possible.end()
                ),
            ));
        }
        let possible = Self::SMALLEST_NOTSENT_LOWAT..=Self::LARGEST_NOTSENT_LOWAT;
        if let Some(bytes) = self.notsent_lowat.filter(|bytes| !possible.contains(bytes)) {
            return Err(ConfigError::new(
                "notsent_lowat",
                format_args!(
                    "is {bytes} bytes: it must be between {} and {}, or None",
                    possible.start(),
                    possible.end()
                ),
            ));
        }
        Ok(())
    }
}

/// The setters of [`Settings`], for a type that holds one in this field
macro_rules! forward_limits {
    ($it:ident => $limits:expr) => {
        /// The longest message taken from the peer, in bytes; 16 MiB by default
        ///
        /// A longer one ends the connection with 1009.
        #[must_use]
        pub fn max_message(mut self, bytes: usize) -> Self {
            let $it = &mut self;
            let limits: &mut $crate::Settings = $limits;
            *limits = limits.max_message(bytes);
            self
        }

        /// The longest frame taken from the peer, in bytes of payload; 16 MiB by default
        ///
        /// A longer one ends the connection with 1009 before its payload is read.
        #[must_use]
        pub fn max_frame(mut self, bytes: usize) -> Self {
            let $it = &mut self;
            let limits: &mut $crate::Settings = $limits;
            *limits = limits.max_frame(bytes);
            self
        }

        /// The longest head of the peer's HTTP, in bytes; 16 KiB by default, 512 bytes to 64 KiB
        #[must_use]
        pub fn max_head(mut self, bytes: usize) -> Self {
            let $it = &mut self;
            let limits: &mut $crate::Settings = $limits;
            *limits = limits.max_head(bytes);
            self
        }

        /// The longest frame sent, in bytes of payload; 64 KiB by default
        ///
        /// `None` sends every message as one frame, for peers that cannot take fragments.
        #[must_use]
        pub fn fragment(mut self, bytes: Option<usize>) -> Self {
            let $it = &mut self;
            let limits: &mut $crate::Settings = $limits;
            *limits = limits.fragment(bytes);
            self
        }

        /// How long sent bytes may wait for an acknowledgement before the kernel ends the
        /// connection; 30 s by default, 1 s to 24 hours; `None` leaves the system's
        ///
        /// A net below the heartbeat, whose clock for the road is to be shorter: see
        /// [`Settings::user_timeout`](crate::Settings::user_timeout).
        #[must_use]
        pub fn user_timeout(mut self, timeout: Option<std::time::Duration>) -> Self {
            let $it = &mut self;
            let limits: &mut $crate::Settings = $limits;
            *limits = limits.user_timeout(timeout);
            self
        }

        /// How many bytes may wait in our kernel, a Ping behind them, before it says that it is
        /// full; 128 KiB by default, 4 KiB to 1 GiB; `None` leaves the system's
        ///
        /// See [`Settings::notsent_lowat`](crate::Settings::notsent_lowat).
        #[must_use]
        pub fn notsent_lowat(mut self, bytes: Option<u32>) -> Self {
            let $it = &mut self;
            let limits: &mut $crate::Settings = $limits;
            *limits = limits.notsent_lowat(bytes);
            self
        }
    };
}

pub(crate) use forward_limits;

impl Default for Settings {
    fn default() -> Self {
        Self {
            max_message: Self::MAX_MESSAGE,
            max_frame: Self::MAX_FRAME,
            max_head: Self::MAX_HEAD,
            fragment: Some(Self::FRAGMENT),
            user_timeout: Some(Self::USER_TIMEOUT),
            notsent_lowat: Some(Self::NOTSENT_LOWAT),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn equal_settings_are_shared() {
        let of = |bytes| Settings::default().max_message(bytes).shared();
        assert!(Arc::ptr_eq(&of(1), &of(1)) && !Arc::ptr_eq(&of(1), &of(2)));
        assert_eq!(of(1).max_message, 1);
    }

    #[test]
    fn values_that_cannot_be_are_refused_by_name() {
        let bad = [
            (Settings::default().max_message(0), "max_message"),
            (Settings::default().max_frame(0), "max_frame"),
            (Settings::default().max_head(511), "max_head"),
            (Settings::default().max_head((64 << 10) + 1), "max_head"),
            (Settings::default().fragment(Some(0)), "fragment"),
            (Settings::default().user_timeout(Some(Duration::ZERO)), "user_timeout"),
            (Settings::default().user_timeout(Some(999 * MS)), "user_timeout"),
            (Settings::default().user_timeout(Some(86_400_001 * MS)), "user_timeout"),
            (Settings::default().notsent_lowat(Some(0)), "notsent_lowat"),
            (Settings::default().notsent_lowat(Some((4 << 10) - 1)), "notsent_lowat"),
            (Settings::default().notsent_lowat(Some((1 << 30) + 1)), "notsent_lowat"),
        ];
        for (settings, name) in bad {
            assert_eq!(settings.check().unwrap_err().setting(), name);
        }
        let good = [
            Settings::default(),
            Settings::default().max_message(1).max_frame(1).fragment(Some(1)),
            Settings::default().max_message(usize::MAX).max_frame(usize::MAX),
            Settings::default().max_head(512),
            Settings::default().max_head(64 << 10),
            Settings::default().user_timeout(Some(1_000 * MS)),
            Settings::default().user_timeout(Some(86_400_000 * MS)),
            Settings::default().user_timeout(None),
            Settings::default().notsent_lowat(Some(4 << 10)),
            Settings::default().notsent_lowat(Some(1 << 30)),
            Settings::default().notsent_lowat(None),
            // Either limit may be the tighter one: whichever is met first counts
            Settings::default().max_message(1_000),
            Settings::default().max_frame(1_000),
        ];
        for settings in good {
            assert_eq!(settings.check(), Ok(()), "{settings:?}");
        }
    }
}
