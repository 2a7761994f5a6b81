//! How much a server takes on: [`Limits`], each with a number, a reason, and the setting's name.

use everbeat_core::config::{ConfigError, defaults};

/// How much a server takes on
///
/// | limit | default | beyond it |
/// |---|---|---|
/// | [`connections`](Self::connections) | 100,000 | the request is answered 503 |
/// | [`per_address`](Self::per_address) | none | the request is answered 429 |
/// | [`upgrades`](Self::upgrades) | 1,024 at a time | peers wait in the kernel's backlog |
/// | [`upgrades_per_second`](Self::upgrades_per_second) | none | the request is answered 503, with a slot |
/// | [`queued`](Self::queued) | 1,024 messages, 1 MiB a connection | the sender is refused |
/// | [`queued_in_all`](Self::queued_in_all) | 256 MiB | the sender is refused |
///
/// ```
/// use everbeat_server::Limits;
///
/// let limits = Limits::default().connections(50_000).per_address(20);
/// # _ = limits;
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    pub(crate) connections: usize,
    pub(crate) per_address: Option<u32>,
    pub(crate) upgrades: usize,
    pub(crate) upgrades_per_second: Option<u32>,
    pub(crate) room: Room,
    pub(crate) queued_in_all: usize,
}

/// How much may wait for one connection
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Room {
    pub(crate) messages: usize,
    pub(crate) bytes: usize,
}

impl Limits {
    /// The default of [`connections`](Self::connections): more than one machine usually serves, and
    /// an end to what a server's memory can come to
    pub const CONNECTIONS: usize = 100_000;
    /// The default of [`upgrades`](Self::upgrades): each holds a descriptor and up to its request's
    /// 16 KiB, so that strangers who never finish one hold at most 16 MiB
    pub const UPGRADES: usize = 1_024;
    /// The default of [`queued_in_all`](Self::queued_in_all): 256 MiB, a quarter of a small machine
    pub const QUEUED_IN_ALL: usize = 256 << 20;

    /// How many connections may live at one time, those that are being upgraded included; 100,000
    /// by default
    #[must_use]
    pub const fn connections(mut self, most: usize) -> Self {
        self.connections = most;
        self
    }

    /// How many of them may come from one address; no limit by default, for behind a proxy all come
    /// from one
    ///
    /// An IPv6 address counts by its first 64 bits, which one subscriber has.
    /// [`Server::address`](crate::Server::address) takes the address from elsewhere, such as a
    /// header that a proxy sets.
    #[must_use]
    pub fn per_address(mut self, most: impl Into<Option<u32>>) -> Self {
        self.per_address = most.into();
        self
    }

    /// How many upgrades may go on at one time; 1,024 by default
    ///
    /// Nobody holds one up for longer than the `handshake_timeout`.
    #[must_use]
    pub const fn upgrades(mut self, most: usize) -> Self {
        self.upgrades = most;
        self
    }

    /// How many upgrades the server can do a second, 1 or more; no limit by default, for nobody but
    /// its user can know
    ///
    /// It is what a storm of reconnects is survived by: whoever finds more than a quarter of a second
    /// of work before him is answered 503 with a `Retry-After`, a slot at which there will be time
    /// for him, and is no work until then. [`Slots`](crate::storm::Slots) is the machine, its
    /// [`LATEST`](crate::storm::Slots::LATEST) slot is in half a minute. everbeat's client obeys.
    /// Those that do not, as browsers cannot, are let in or refused as they come, and cost those that
    /// do half a minute at the most.
    ///
    /// The number is what everything that an upgrade needs can bear: TLS, the hook, whatever a
    /// connection asks of a database in its first second. Over TLS the answer comes behind the
    /// handshake, for which nothing is spared: set it to half if TLS is most of the work.
    #[must_use]
    pub fn upgrades_per_second(mut self, most: impl Into<Option<u32>>) -> Self {
        self.upgrades_per_second = most.into();
        self
    }

    /// How much others may leave for one connection through its handles; 1,024 messages and 1 MiB
    /// of payload by default, as a client's queue
    #[must_use]
    pub const fn queued(mut self, messages: usize, bytes: usize) -> Self {
        self.room = Room { messages, bytes };
        self
    }

    /// How many bytes of payload they may leave for all connections together; 256 MiB by default
    ///
    /// A message that is [sent to many](crate::Registry::send_all) at a time counts once, as it is
    /// there once. Each connection has an equal share of it
    /// whatever the others hold, so that a few who read nothing cannot silence the rest; at the very
    /// worst twice as much waits.
    #[must_use]
    pub const fn queued_in_all(mut self, bytes: usize) -> Self {
        self.queued_in_all = bytes;
        self
    }

    /// Whether the numbers can be
    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        let Room { messages, bytes } = self.room;
        let zero = |setting, what| Err(ConfigError::new(setting, format_args!("is 0: {what}")));
        if self.connections == 0 {
            return zero("connections", "nobody would ever be connected");
        }
        if self.per_address == Some(0) {
            return zero("per_address", "nobody would ever be connected; None is no limit");
        }
        if self.upgrades == 0 {
            return zero("upgrades", "nobody would ever be upgraded");
        }
        if self.upgrades_per_second == Some(0) {
            return zero("upgrades_per_second", "nobody would ever be upgraded; None is no limit");
        }
        if messages == 0 || bytes == 0 {
            return Err(ConfigError::new(
                "queued",
                format_args!("is bounded to {messages} messages, {bytes} bytes: nothing would fit"),
            ));
        }
        if self.queued_in_all < bytes {
            return Err(ConfigError::new(
                "queued_in_all",
                format_args!(
                    "is {} bytes: less than the {bytes} that `queued` lets wait for one connection",
                    self.queued_in_all
                ),
            ));
        }
        Ok(())
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: Self::CONNECTIONS,
            per_address: None,
            upgrades: Self::UPGRADES,
            upgrades_per_second: None,
            room: Room { messages: defaults::QUEUE_MESSAGES, bytes: defaults::QUEUE_BYTES },
            queued_in_all: Self::QUEUED_IN_ALL,
        }
    }
}
