//! Tells everbeat's clients when the network around them changes: addresses, links, default routes.
//!
//! A client on a laptop whose Wi-Fi changes learns of it at once, instead of from a silence: an
//! address that is gone ends the connection that stood on it, a new one has the client try again.
//!
//! ```no_run
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! use everbeat_tokio::Client;
//! use everbeat_tokio::client::Hints;
//! use everbeat_watch::Watcher;
//!
//! let hints = Hints::new();
//! let _watcher = Watcher::new(&hints)?; // until it is dropped
//! let mut client = Client::builder("wss://example.com/feed").hints(&hints).connect().await?;
//! while let Some(event) = client.next().await { /* .. */ }
//! # Ok(()) }
//! ```
//!
//! One watcher serves any number of clients, on any runtime: it is a thread that sleeps in the kernel
//! until something changes. It needs no rights.
//!
//! # What is told
//!
//! What changes within 200 ms is looked at together, by what it was before and what it is then: what
//! flaps meanwhile, such as an address that moves into a bridge, is told to nobody.
//!
//! | before and after | hint |
//! |---|---|
//! | an address is on no link any more | [`AddressGone`](Hint::AddressGone) |
//! | the last default route, or the last address, has gone, or its link has no carrier | [`Offline`](Hint::Offline) |
//! | one is there again | [`Online`](Hint::Online) |
//! | another default route, another address, a link with one runs or has stopped | [`NetworkChanged`](Hint::NetworkChanged) |
//! | the kernel had more to tell than it could keep | [`NetworkChanged`](Hint::NetworkChanged), after all was asked anew |
//!
//! Where there was no network from the beginning nothing is told of it: whoever talks to its own
//! machine only is not offline. A link that is set down keeps its IPv4 addresses, and connections
//! survive that, so it is no `AddressGone`.
//!
//! # What is left out
//!
//! A host of containers adds and removes links all day. Of these nothing is told: ports of a bridge or
//! bond, bridges, dummies and tunnels between containers (`vxlan`, `geneve`), except where a default
//! route leaves by them; addresses that are valid on their link or host only; routes that are not
//! default routes; addresses that IPv6 has not yet found to be unique; lifetimes that are renewed.
//! Other network namespaces are not watched, only that of the thread which calls [`Watcher::new`].
//!
//! # Elsewhere
//!
//! On other systems [`Watcher::new`] returns [`Error::Unsupported`]. There the platform tells the
//! application, and it tells [`Hints`], from any thread:
//!
//! - **Apple**: the handler of an `NWPathMonitor`: `Online` when a path becomes satisfied, `Offline`
//!   when it is not, `NetworkChanged` for another path.
//! - **Windows**: the callbacks of `NotifyUnicastIpAddressChange` (a deleted address is
//!   `AddressGone`) and `NotifyRouteChange2`, or a thread in `NotifyAddrChange`: `NetworkChanged`.
//! - **Android**: a `ConnectivityManager.NetworkCallback`: `onAvailable` is `Online`, `onLost` is
//!   `Offline`, `onLinkPropertiesChanged` is `NetworkChanged`. Its applications may not watch the
//!   kernel, so that this crate takes it for unsupported.
//! - **Browsers**: `online` and `offline` of `window`, `change` of `navigator.connection`; and
//!   `visibilitychange` is `Foreground` or `Background`.

#![forbid(unsafe_code)]

mod error;
#[cfg_attr(not(target_os = "linux"), path = "elsewhere.rs")]
mod watch;

use everbeat_core::client::{Hint, Hints};

pub use error::Error;

/// Watches until it is dropped
#[derive(Debug)]
#[must_use = "dropped, it watches no more"]
pub struct Watcher {
    _watch: watch::Watch,
}

impl Watcher {
    /// Watches the network namespace of the thread that calls this, and tells `hints`
    ///
    /// Asks the kernel for what is there, which takes about a millisecond, and starts a thread named
    /// `everbeat-watch`. Dropping the watcher ends the thread without waiting for it, so that a hint
    /// which is just being told may still arrive.
    ///
    /// # Errors
    ///
    /// [`Error::Unsupported`] elsewhere than on Linux; [`Error::Kernel`] if the kernel does not let us
    /// ask, as in a sandbox without `AF_NETLINK`; [`Error::Thread`] if there is no thread for it. All
    /// of them leave a client as it is without a watcher.
    pub fn new(hints: &Hints) -> Result<Self, Error> {
        let hints = hints.clone();
        let watch = watch::Watch::start(move |hint: Hint| hints.tell(hint))?;
        Ok(Self { _watch: watch })
    }
}
