//! Taking connections: [`Accept`], and [`Listen`], an acceptor that an address is enough for.

use core::error::Error;
use core::fmt;
use core::future::Future;
use core::net::IpAddr;
use core::pin::Pin;
use core::task::{Context, Poll};

use super::Transport;
use crate::cause::Cause;
use crate::time::Timer;

/// Takes sockets; the upgrade is a future of its own, so that a slow one blocks nobody
pub trait Accept {
    /// What a finished upgrade yields
    type Transport: Transport;
    /// What is known of the peer beside its transport, for as long as its connection lives: address,
    /// who it is
    ///
    /// An idle connection holds it, so that it had better be small.
    type Facts;
    /// What it asked for: handed over once, to whoever serves the connection, and then his
    type Request;
    /// Why accepting or upgrading failed
    type Error: Error + 'static;
    /// One upgrade; it bounds its own size, its caller bounds the time
    type Upgrade: Future<
        Output = Result<(Self::Transport, Self::Facts, Self::Request), Self::Error>,
    >;

    /// The next socket, not yet upgraded
    ///
    /// # Errors
    ///
    /// Errors of one socket are not reported here. What is, such as being out of descriptors,
    /// may pass: the caller waits a little and polls again.
    fn poll_accept(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Self::Upgrade, Self::Error>>;

    /// The address behind a socket that is not yet upgraded, if there is one
    fn address(upgrade: &Self::Upgrade) -> Option<IpAddr> {
        _ = upgrade;
        None
    }

    /// The address behind a finished upgrade, for an acceptor that could not tell it before, as one
    /// behind somebody else's HTTP server; asked where [`address`](Self::address) told none
    fn address_of(facts: &Self::Facts) -> Option<IpAddr> {
        _ = facts;
        None
    }

    /// Tells the peer at once to come back later, for an acceptor whose words take no time, as one
    /// behind somebody else's HTTP server; the upgrade if they do, and by default
    ///
    /// However many are told in this way at one time, and so it is asked first. Called before the
    /// upgrade is polled.
    fn refuse_now(upgrade: Self::Upgrade, busy: Busy) -> Option<Self::Upgrade> {
        _ = busy;
        Some(upgrade)
    }

    /// The upgrade that tells the peer to come back later, and fails; `None` if there is none, and
    /// then the socket is dropped
    ///
    /// As many as are told at one time are bounded, and beyond that the socket is dropped. Called
    /// before the upgrade is polled.
    fn refuse(upgrade: Self::Upgrade, busy: Busy) -> Option<Self::Upgrade> {
        _ = (upgrade, busy);
        None
    }

    /// The error as data
    fn classify(error: &Self::Error) -> Cause {
        Cause::cut(error)
    }
}

/// Why a server does not take on another connection
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Busy {
    /// It has as many as it may have: its setting `connections`
    Connections,
    /// It has as many from this address as it may have: its setting `per_address`
    PerAddress,
    /// It is asked for more upgrades than it can do: its setting `upgrades_per_second`
    Upgrades {
        /// After so many seconds there is a slot for one
        seconds: u32,
    },
}

impl Busy {
    /// After how many seconds a peer may try again: at its slot, or 5 s later, for connections come
    /// and go within that
    #[must_use]
    pub const fn retry_after(self) -> u32 {
        match self {
            Self::Upgrades { seconds } => seconds,
            Self::Connections | Self::PerAddress => 5,
        }
    }
}

impl fmt::Display for Busy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connections => f.write_str("too many connections"),
            Self::PerAddress => f.write_str("too many connections from one address"),
            Self::Upgrades { seconds } => {
                write!(f, "too many at a time, there is a slot in {seconds} s")
            }
        }
    }
}

/// An acceptor that an address is enough for, with its runtime's timer, spawner and randomness
pub trait Listen: Accept + Sized {
    /// What an upgrade can be told: limits, and a hook
    type Settings;
    /// The runtime's timer
    type Timer: Timer + Clone;
    /// The runtime's spawner
    type Spawner;
    /// Binding, which may resolve a name
    type Binding: Future<Output = Result<Self, Self::Error>>;

    /// Listens at `address`, such as `127.0.0.1:9001` or `[::]:0`
    fn listen(address: &str, settings: Self::Settings) -> Self::Binding;

    /// A timer of the runtime; it may be a new one each time, whose instants compare with no other's
    fn timer(&self) -> Self::Timer;

    /// The runtime's spawner
    fn spawner(&self) -> Self::Spawner;

    /// A seed for jitter, from the operating system
    fn seed(&self) -> u64;
}

/// An acceptor that can be given a hook, which decides about each upgrade
pub trait Hookable: Listen {
    /// What the hook is told of a peer
    type Request;
}

/// An acceptor that can be given this hook
pub trait WithHook<H>: Hookable {
    /// The acceptor with the hook
    type Hooked: Listen;

    /// Its settings: these, and the hook
    fn with_hook(settings: Self::Settings, hook: H) -> <Self::Hooked as Listen>::Settings;
}
