//! Taking connections: [`Acceptor`] takes TCP connections only; each upgrade is a future of its own.

mod error;
mod facts;
mod listen;
mod settings;
mod upgrading;

use std::fmt;
use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use everbeat_core::Cause;
use everbeat_core::time::Timer;
use everbeat_core::transport::{Accept, Busy, Hookable, Listen, WithHook};

use crate::runtime::Runtime;
use crate::socket::Socket;
use crate::upgrade::{AcceptAll, Hook, RequestHead, UpgradeRequest};
use crate::websocket::WebSocket;

pub use crate::write::frame as frame_passed;
pub use error::AcceptError;
pub use facts::Facts;
pub use settings::AcceptSettings;
pub use upgrading::Upgrading;

/// How many connections that failed before they were ours one poll skips before others run
const BUDGET: usize = 64;

type Boxed<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Takes connections at an address, on a runtime, and lets in whom its hook accepts
pub struct Acceptor<R: Runtime, H = AcceptAll> {
    runtime: R,
    timer: R::Timer,
    listener: R::Listener,
    settings: AcceptSettings<H>,
}

impl<R: Runtime, H: Hook> Acceptor<R, H> {
    /// Listens at `address`
    ///
    /// # Errors
    ///
    /// A setting cannot be, or the address cannot be had.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, nothing listens.
    pub async fn bind(
        address: &str,
        settings: impl Into<AcceptSettings<H>>,
    ) -> Result<Self, AcceptError> {
        let settings = settings.into();
        // Before the address is had, for it may be a port that somebody else then misses
        settings.check().map_err(AcceptError::Config)?;
        let listener = listen::listen(&R::default(), address, settings.backlog)
            .await
            .map_err(|error| AcceptError::Bind { address: address.to_owned(), error })?;
        Self::over(listener, settings)
    }

    /// Takes connections from a listener that is there already: inherited, or with options of its
    /// own
    ///
    /// # Errors
    ///
    /// A setting cannot be.
    pub fn over(
        listener: R::Listener,
        settings: impl Into<AcceptSettings<H>>,
    ) -> Result<Self, AcceptError> {
        let settings = settings.into();
        settings.check().map_err(AcceptError::Config)?;
        let runtime = R::default();
        Ok(Self { timer: runtime.timer(), runtime, listener, settings })
    }

    /// Takes connections from a listener of the standard library, such as one that a supervisor has
    /// passed on: whoever waits in it already is served as well
    ///
    /// # Errors
    ///
    /// A setting cannot be, or the runtime cannot wait for the listener: tokio cannot outside of
    /// itself.
    pub fn inherit(
        listener: TcpListener,
        settings: impl Into<AcceptSettings<H>>,
    ) -> Result<Self, AcceptError> {
        let address = listener.local_addr().map_or_else(|_| "?".into(), |at| at.to_string());
        let adopted = listener.set_nonblocking(true).and_then(|()| R::default().adopt(listener));
        Self::over(adopted.map_err(|error| AcceptError::Bind { address, error })?, settings)
    }

    /// Where it listens: with port 0 asked for, the port that the system chose
    ///
    /// # Errors
    ///
    /// The operating system does not tell.
    pub fn local_address(&self) -> io::Result<SocketAddr> {
        self.runtime.local_address(&self.listener)
    }
}

impl<R: Runtime, H: Hook> Accept for Acceptor<R, H> {
    type Transport = WebSocket<R::Stream>;
    type Facts = Facts<H::Principal>;
    type Request = RequestHead;
    type Error = AcceptError;
    type Upgrade = Upgrading<R, H>;

    fn poll_accept(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Self::Upgrade, AcceptError>> {
        let this = self.get_mut();
        for _ in 0..BUDGET {
            match ready!(this.runtime.poll_accept(&mut this.listener, cx)) {
                Ok((stream, peer)) => {
                    let (timer, settings) = (this.timer.clone(), this.settings.clone());
                    return Poll::Ready(Ok(Upgrading::new(stream, peer, timer, settings)));
                }
                // The peer's doing, and over with it
                Err(error) if is_the_peers(&error) => {
                    tracing::debug!(target: "everbeat", %error, "gone before it was accepted");
                }
                Err(error) => return Poll::Ready(Err(AcceptError::Accept(error))),
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    fn address(upgrade: &Self::Upgrade) -> Option<IpAddr> {
        Some(upgrade.peer().ip())
    }

    fn refuse(upgrade: Self::Upgrade, busy: Busy) -> Option<Self::Upgrade> {
        upgrade.refuse(busy)
    }

    fn classify(error: &AcceptError) -> Cause {
        error.classify()
    }
}

impl<S: Socket + Unpin + Send> WebSocket<S> {
    /// Grants or refuses the upgrade that the peer asks for over a stream, as an [`Acceptor`] with
    /// these settings does
    ///
    /// The caller bounds the time of the whole; the timer is for the hook's.
    ///
    /// # Errors
    ///
    /// TLS failed, the request is not a good one, or the hook does not accept it; the peer was told
    /// so with an HTTP status.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future closes the stream.
    pub async fn accept_with<H: Hook, K: Timer>(
        stream: S,
        peer: SocketAddr,
        settings: &AcceptSettings<H>,
        timer: &K,
    ) -> Result<(Self, Facts<H::Principal>, RequestHead), AcceptError> {
        upgrading::upgrade(stream, peer, timer, settings).await
    }
}

/// Whether an error of accepting is about one connection, not about the listener
fn is_the_peers(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::Interrupted
    )
}

impl<R: Runtime, H: Hook> Listen for Acceptor<R, H> {
    type Settings = AcceptSettings<H>;
    type Timer = R::Timer;
    type Spawner = R;
    type Binding = Boxed<Result<Self, AcceptError>>;

    fn listen(address: &str, settings: AcceptSettings<H>) -> Self::Binding {
        let address = address.to_owned();
        Box::pin(async move { Self::bind(&address, settings).await })
    }

    fn timer(&self) -> R::Timer {
        self.timer.clone()
    }

    fn spawner(&self) -> R {
        self.runtime.clone()
    }

    fn seed(&self) -> u64 {
        self.runtime.seed()
    }
}

impl<R: Runtime, H: Hook> Hookable for Acceptor<R, H> {
    type Request = UpgradeRequest;
}

impl<R: Runtime, H: Hook, N: Hook> WithHook<N> for Acceptor<R, H> {
    type Hooked = Acceptor<R, N>;

    fn with_hook(settings: AcceptSettings<H>, hook: N) -> AcceptSettings<N> {
        settings.upgrade(hook)
    }
}

impl<R: Runtime, H> fmt::Debug for Acceptor<R, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Acceptor")
            .field("address", &self.runtime.local_address(&self.listener).ok())
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}
