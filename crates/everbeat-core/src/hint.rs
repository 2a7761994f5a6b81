//! What only the application or its platform can know of the network and of itself, and what a
//! connection makes of it.

#[cfg_attr(not(feature = "std"), path = "hint/deaf.rs")]
mod feed;

use core::net::IpAddr;

pub(crate) use feed::Feed;
#[cfg(feature = "std")]
pub use feed::Hints;

/// Something that happened outside of the connection, and may concern it
///
/// A hint is never trusted blindly, for platforms say much that is not so, and early: no hint but
/// [`AddressGone`](Self::AddressGone) ends a connection, and none delays an attempt beyond the
/// backoff's last step; only a server's `Retry-After` or `retry=` does.
///
/// | hint | a connection that stands | a client that waits for its next attempt |
/// |---|---|---|
/// | `NetworkChanged`, `Online`, `Foreground` | is asked by a Ping now, once a second at most | tries within the backoff's first step, or after the attempt that is under way, not before the time that the server gave |
/// | `Offline`, `Background` | nothing | spreads its attempts over the backoff's last step, `Offline` until `Online`, `Background` until `Foreground`; while either stands no hint brings one forward |
/// | `AddressGone` | is dead, if the address is its own | nothing |
///
/// With several endpoints, `NetworkChanged` and `Online` also forget which of them failed: the next
/// attempt goes to the preferred one.
///
/// A network that flaps does not have a server besieged: of hints that hurry there are five at once,
/// and one more every ten first steps of the backoff.
///
/// Where they come from: on Linux the crate `everbeat-watch` tells of addresses and routes; elsewhere
/// the platform does (`NWPathMonitor` on Apple's systems, `NotifyUnicastIpAddressChange` on Windows,
/// `ConnectivityManager` on Android), and an application with windows knows whether it is seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Hint {
    /// Another network, another default route, another address: what stands may not stand any more
    NetworkChanged,
    /// There is a network again
    Online,
    /// There is no network
    Offline,
    /// The application is used again
    Foreground,
    /// The application is not used now
    Background,
    /// The machine has this address no more: nothing that was sent to it arrives
    ///
    /// It has no scope: do not tell it of a link-local address that stands on several links.
    AddressGone(IpAddr),
}

impl Hint {
    /// Whether a connection that stands is to be asked, and an attempt to be made soon
    pub(crate) const fn hurries(self) -> bool {
        matches!(self, Self::NetworkChanged | Self::Online | Self::Foreground)
    }

    /// Whether what was learnt of endpoints was learnt over another network
    pub(crate) const fn is_of_the_network(self) -> bool {
        matches!(self, Self::NetworkChanged | Self::Online)
    }
}
