//! A listening socket on the reactor.

use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::task::{Context, Poll, ready};

use async_io::Async;

/// A listening socket on the reactor
#[derive(Debug)]
pub struct Listener(Async<TcpListener>);

impl Listener {
    /// The next TCP connection, which does not block, and its peer
    ///
    /// # Errors
    ///
    /// The operating system's, of the connection or of the listener.
    pub fn poll_accept(&self, cx: &mut Context<'_>) -> Poll<io::Result<(TcpStream, SocketAddr)>> {
        loop {
            match self.0.get_ref().accept() {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Poll::Ready(Err(error)),
                Ok((stream, peer)) => {
                    return Poll::Ready(stream.set_nonblocking(true).map(|()| (stream, peer)));
                }
            }
            ready!(self.0.poll_readable(cx))?;
        }
    }

    /// Where it listens
    ///
    /// # Errors
    ///
    /// The operating system does not tell.
    pub fn local_address(&self) -> io::Result<SocketAddr> {
        self.0.get_ref().local_addr()
    }
}

impl TryFrom<TcpListener> for Listener {
    type Error = io::Error;

    /// Takes over a listener, an inherited one too
    ///
    /// # Errors
    ///
    /// The socket cannot be made non-blocking, or not be watched.
    fn try_from(listener: TcpListener) -> io::Result<Self> {
        Async::new(listener).map(Self)
    }
}
