//! Tells everbeat's clients when the network around them changes: addresses, links, default routes.
//!
//! A client on a laptop whose Wi-Fi changes learns of it at once, instead of from a silence: an
//! address that is gone ends the connection that stood on it, a new one has the client try again.
//!
//! ```no_run
//! # fn run() -> Result<(), Box<dyn std::error::Error>> {
//! use everbeat_tokio::Client;
//! use everbeat_tokio::client::Hints;
//! use everbeat_watch::Watcher;
//!
//! let hints = Hints::new();
//! // Until it is dropped. It may block, so before the runtime starts; without it a client is as ever.
//! let _watcher = Watcher::new(&hints).inspect_err(|why| eprintln!("{why}")).ok();
//! tokio::runtime::Runtime::new()?.block_on(async {
//!     let mut client = Client::builder("wss://example.com/feed").hints(&hints).connect().await?;
//!     while let Some(event) = client.next().await { /* .. */ }
//! #   Ok(())
//! })
//! # }
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
//! | no address and no default route is left on any link that has a carrier | [`Offline`](Hint::Offline) |
//! | one is there again | [`Online`](Hint::Online) |
//! | a default route, an address, or a link with one comes or goes, and others are left | [`NetworkChanged`](Hint::NetworkChanged) |
//! | the kernel had more to tell than it could keep | [`NetworkChanged`](Hint::NetworkChanged), after all was asked anew |
//! | nobody watches any more, and `Offline` was told last | [`Online`](Hint::Online) |
//!
//! To lose the last default route is not to be offline, for the peer may be a neighbour. What is seen
//! is judged only if it is whole: while the kernel's answers are not, as in a storm of changes, nothing
//! is told, and it is asked again each second.
//!
//! Where there was no network from the beginning nothing is told of it: whoever talks to its own
//! machine only is not offline. A link that is set down keeps its IPv4 addresses, and connections
//! survive that, so it is no `AddressGone`.
//!
//! It does not see the machine sleep: listen to `PrepareForSleep` of `org.freedesktop.login1`, and tell
//! `Foreground` at the resume.
//!
//! # What is left out
//!
//! A host of containers adds and removes links all day. Of these nothing is told: ports of a bridge or
//! bond, bridges, dummies and tunnels between containers (`vxlan`, `geneve`), except where a default
//! route leaves by them; addresses that are valid on their host only, or on their link (a hint has no
//! link, and `fe80::1` may stand on two); routes that are not default routes; addresses that IPv6 has not yet found to be unique; lifetimes that are renewed.
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
    /// Asks the kernel for what is there, and starts a thread named `everbeat-watch`. This **blocks**:
    /// about a millisecond as a rule; longer on a router, for all routes are listed; some seconds where
    /// addresses or routes change so fast that it has to ask again, or the kernel does not answer. Make
    /// it before a runtime starts, or where blocking is allowed.
    ///
    /// Dropping the watcher ends the thread without waiting for it, so that a hint which is just being
    /// told may still arrive. If `Offline` was told last, `Online` is told then, and also if the kernel
    /// fails and the thread ends by itself: nobody else would take it back.
    ///
    /// # Errors
    ///
    /// [`Error::Unsupported`] elsewhere than on Linux; [`Error::Kernel`] if the kernel does not let us
    /// ask, as in a sandbox without `AF_NETLINK`; [`Error::Thread`] if there is no thread for it. All
    /// of them leave a client as it is without a watcher.
    pub fn new(hints: &Hints) -> Result<Self, Error> {
        let hints = hints.clone();
        Self::with(move |hint| hints.tell(hint))
    }

    /// [`new`](Self::new) for whoever is no client: a connection of one's own, a sign that says
    /// "offline"
    ///
    /// `tell` is called in the watcher's thread, and what it takes is time in which nothing is told.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    pub fn with(tell: impl FnMut(Hint) + Send + 'static) -> Result<Self, Error> {
        Ok(Self { _watch: watch::Watch::start(tell)? })
    }
}
