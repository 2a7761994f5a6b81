//! What a runtime lends: its clock and its sockets. Everything else is the same for all of them.

use std::future::Future;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::task::{Context, Poll};

use everbeat_core::time::Timer;

use crate::socket::Socket;

/// A runtime's clock and sockets
///
/// A runtime crate implements it, and [`Spawn`](everbeat_core::Spawn) beside it; then
/// [`Connector`](crate::Connector) and [`Acceptor`](crate::Acceptor) work on it.
pub trait Runtime: Clone + Default + Send + Sync + Unpin + 'static {
    /// Its clock
    type Timer: Timer<Sleep: Send + Unpin> + Clone + Send + Sync + Unpin + 'static;
    /// A TCP connection
    type Stream: Socket + Send + Unpin + 'static;
    /// A listening socket
    type Listener: Send + Unpin + 'static;

    /// A clock that starts now
    fn timer(&self) -> Self::Timer;

    /// The addresses of a name, the best first (RFC 6724)
    ///
    /// # Errors
    ///
    /// The name cannot be resolved.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future abandons the question, or at least its answer.
    fn resolve(
        &self,
        host: &str,
        port: u16,
    ) -> impl Future<Output = io::Result<Vec<SocketAddr>>> + Send;

    /// Opens a TCP connection
    ///
    /// # Errors
    ///
    /// Nobody listens there, or the system refuses.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future abandons the connection.
    fn dial(&self, address: SocketAddr) -> impl Future<Output = io::Result<Self::Stream>> + Send;

    /// Takes over a socket that listens already and does not block
    ///
    /// # Errors
    ///
    /// The runtime cannot wait for it.
    fn adopt(&self, listener: TcpListener) -> io::Result<Self::Listener>;

    /// The next TCP connection and its peer
    fn poll_accept(
        &self,
        listener: &mut Self::Listener,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<(Self::Stream, SocketAddr)>>;

    /// Where a listener listens
    ///
    /// # Errors
    ///
    /// The operating system does not tell.
    fn local_address(&self, listener: &Self::Listener) -> io::Result<SocketAddr>;

    /// A seed for jitter; the default is the operating system's randomness
    fn seed(&self) -> u64 {
        rand::random()
    }
}
