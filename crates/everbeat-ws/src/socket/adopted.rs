//! Any byte stream as a socket, without an `impl` for a foreign type.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_io::{AsyncRead, AsyncWrite};

use super::Socket;

/// Any `futures_io` byte stream as a [`Socket`]: a Unix socket, a tunnel, somebody else's TLS
///
/// It is taken as it is: no TCP options, no evidence of its road, and an abort closes it plainly.
///
/// ```
/// use everbeat_ws::upgrade::UpgradeError;
/// use everbeat_ws::{Adopted, Settings, WebSocket};
/// use futures_io::{AsyncRead, AsyncWrite};
///
/// async fn serve<S>(stream: S) -> Result<WebSocket<Adopted<S>>, UpgradeError>
/// where
///     S: AsyncRead + AsyncWrite + Unpin + Send,
/// {
///     let (websocket, request) =
///         WebSocket::accept(Adopted::new(stream), Settings::default()).await?;
///     assert_eq!(request.path(), "/feed");
///     Ok(websocket)
/// }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Adopted<S>(S);

impl<S> Adopted<S> {
    /// Takes over a stream; it must keep the contract of [`Socket`]
    #[must_use]
    pub const fn new(stream: S) -> Self {
        Self(stream)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Adopted<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_read(cx, into)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Adopted<S> {
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
        Pin::new(&mut self.0).poll_close(cx)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Socket for Adopted<S> {}
