//! Taking connections: [`Acceptor`] takes TCP connections only; each upgrade is a future of its own.

mod error;
mod listen;
mod settings;

use std::fmt;
use std::future::Future;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use everbeat_core::Cause;
use everbeat_core::transport::{Accept, Listen};

use crate::runtime::Runtime;
use crate::socket::{Counted, Socket, tune};
use crate::tls;
use crate::upgrade::{self, RequestHead};
use crate::websocket::WebSocket;

pub use error::AcceptError;
pub use settings::AcceptSettings;

/// How many connections that failed before they were ours one poll skips before others run
const BUDGET: usize = 64;

type Boxed<T> = Pin<Box<dyn Future<Output = T> + Send>>;
type Upgraded<R> = Result<(WebSocket<<R as Runtime>::Stream>, Facts), AcceptError>;

/// Takes connections at an address, on a runtime
pub struct Acceptor<R: Runtime> {
    runtime: R,
    timer: R::Timer,
    listener: R::Listener,
    settings: AcceptSettings,
}

/// What is known of a peer when its upgrade is done
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Facts {
    /// Its address
    pub peer: SocketAddr,
    /// What it asked for
    pub request: RequestHead,
}

impl<R: Runtime> Acceptor<R> {
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
        settings: impl Into<AcceptSettings>,
    ) -> Result<Self, AcceptError> {
        let settings = settings.into();
        // Before the address is had, for it may be a port that somebody else then misses
        settings.check().map_err(AcceptError::Config)?;
        let listener = listen::listen(&R::default(), address)
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
        settings: impl Into<AcceptSettings>,
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
        settings: impl Into<AcceptSettings>,
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

impl<R: Runtime> Accept for Acceptor<R> {
    type Transport = WebSocket<R::Stream>;
    type Facts = Facts;
    type Error = AcceptError;
    type Upgrade = Boxed<Upgraded<R>>;

    fn poll_accept(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Self::Upgrade, AcceptError>> {
        let this = self.get_mut();
        for _ in 0..BUDGET {
            match ready!(this.runtime.poll_accept(&mut this.listener, cx)) {
                Ok((stream, peer)) => {
                    let settings = this.settings.clone();
                    return Poll::Ready(Ok(Box::pin(upgrade(stream, peer, settings))));
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

    fn classify(error: &AcceptError) -> Cause {
        error.classify()
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

async fn upgrade<S: Socket + Unpin + Send>(
    stream: S,
    peer: SocketAddr,
    settings: AcceptSettings,
) -> Result<(WebSocket<S>, Facts), AcceptError> {
    if let Some(Err(error)) = stream.tcp().map(|tcp| tune(&tcp, &settings.limits)) {
        tracing::debug!(target: "everbeat", %error, "TCP options were refused");
    }
    let socket = tls::secure_server(settings.tls, Counted::new(stream)).await?;
    let (websocket, request) = upgrade::server(socket, &settings.limits).await?;
    Ok((websocket, Facts { peer, request }))
}

impl<R: Runtime> Listen for Acceptor<R> {
    type Settings = AcceptSettings;
    type Timer = R::Timer;
    type Spawner = R;
    type Binding = Boxed<Result<Self, AcceptError>>;

    fn listen(address: &str, settings: AcceptSettings) -> Self::Binding {
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

impl<R: Runtime> fmt::Debug for Acceptor<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Acceptor")
            .field("address", &self.local_address().ok())
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}
