//! Tokio's TCP connection, and any other stream of tokio's, as what a WebSocket can run on.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use everbeat_ws::{Adopted, Socket};
use futures_io::{AsyncRead, AsyncWrite};
use socket2::SockRef;
use tokio::io::{AsyncRead as TokioRead, AsyncWrite as TokioWrite, ReadBuf};
use tokio::net::TcpStream;

/// A TCP connection of tokio's; inside [`Adopted`], any other stream of its own
#[derive(Debug)]
pub struct Stream<S = TcpStream>(S);

/// A TCP connection of a client's, or of a server's, many of which share one registration
pub type Tcp = everbeat_nest::Tcp<Stream>;

impl<S> Stream<S> {
    /// Takes over a connection
    #[must_use]
    pub const fn new(stream: S) -> Self {
        Self(stream)
    }
}

/// Takes over any stream of tokio's: a Unix socket, a tunnel, somebody else's TLS
///
/// ```no_run
/// use everbeat_tokio::Request;
/// use everbeat_tokio::transport::{Settings, WebSocket, adopt};
/// use tokio::net::UnixStream;
///
/// # async fn connect() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
/// let stream = UnixStream::connect("/run/feed.sock").await?;
/// let request = Request::to("ws://localhost/feed").build()?;
/// let websocket = WebSocket::connect(adopt(stream), &request, Settings::default()).await?;
/// # drop(websocket); Ok(())
/// # }
/// ```
#[must_use]
pub const fn adopt<S>(stream: S) -> Adopted<Stream<S>> {
    Adopted::new(Stream::new(stream))
}

impl<S: TokioRead + Unpin> AsyncRead for Stream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let mut into = ReadBuf::new(into);
        ready!(Pin::new(&mut self.0).poll_read(cx, &mut into))?;
        Poll::Ready(Ok(into.filled().len()))
    }
}

impl<S: TokioWrite + Unpin> AsyncWrite for Stream<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write_vectored(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

impl Socket for Stream {
    fn tcp<R>(&self, look: impl FnOnce(&SockRef<'_>) -> R) -> Option<R> {
        Some(look(&SockRef::from(&self.0)))
    }
}
