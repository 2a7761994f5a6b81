//! Counts what goes through a socket, from its first byte: the upgrade included, and TLS, which is
//! above it. What the kernel tells of the road is told on the scale of that count.

use std::io::{self, IoSlice, IoSliceMut};
use std::pin::Pin;
use std::task::{Context, Poll};

use everbeat_core::transport::PathEvidence;
use futures_io::{AsyncRead, AsyncWrite};

use super::Socket;
use super::road::Road;

/// A socket, and how many bytes it gave and took
#[derive(Debug)]
pub(crate) struct Counted<S> {
    socket: S,
    received: u64,
    /// Begins with what the kernel still holds of an earlier time
    sent: u64,
    /// `None` if nothing is told of it
    road: Option<Road>,
}

impl<S: Socket> Counted<S> {
    pub(crate) fn new(socket: S) -> Self {
        let told = socket.tells_road();
        let begun = told.then(|| socket.tcp(Road::begin)).flatten().flatten();
        let (road, sent) = begun.map_or((None, 0), |(road, held)| (Some(road), held));
        Self { socket, received: 0, sent, road }
    }

    /// What the kernel knows of the road, by one system call
    pub(crate) fn path(&self) -> Option<PathEvidence> {
        let road = self.road?;
        self.socket.tcp(|tcp| road.look(tcp, self.sent))?
    }
}

impl<S> Counted<S> {
    pub(crate) const fn received(&self) -> u64 {
        self.received
    }

    pub(crate) const fn sent(&self) -> u64 {
        self.sent
    }

    /// Others have sent so many
    pub(crate) fn note_sent(&mut self, bytes: u64) {
        self.sent = self.sent.saturating_add(bytes);
    }

    /// The counter itself, over which there is nothing
    #[cfg(not(feature = "tls"))]
    #[expect(clippy::unnecessary_wraps, reason = "with TLS there may be something over it")]
    pub(crate) const fn plain(&self) -> Option<&Self> {
        Some(self)
    }

    #[cfg(not(feature = "tls"))]
    #[expect(clippy::unnecessary_wraps, reason = "with TLS there may be something over it")]
    pub(crate) const fn plain_mut(&mut self) -> Option<&mut Self> {
        Some(self)
    }

    pub(crate) const fn get_ref(&self) -> &S {
        &self.socket
    }

    /// Nothing waits here: what was taken, the socket has
    pub(crate) const fn holds_bytes(&self) -> bool {
        false
    }

    /// Nothing waits here either way
    #[cfg(not(feature = "tls"))]
    pub(crate) const fn is_busy(&self) -> bool {
        false
    }
}

/// Adds what a ready poll moved to a total
fn count(total: &mut u64, polled: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
    if let Poll::Ready(Ok(bytes)) = polled {
        *total = total.saturating_add(bytes as u64);
    }
    polled
}

impl<S: AsyncRead + Unpin> AsyncRead for Counted<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.socket).poll_read(cx, into);
        count(&mut self.received, polled)
    }

    fn poll_read_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut [IoSliceMut<'_>],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.socket).poll_read_vectored(cx, into);
        count(&mut self.received, polled)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Counted<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.socket).poll_write(cx, bytes);
        count(&mut self.sent, polled)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.socket).poll_write_vectored(cx, bytes);
        count(&mut self.sent, polled)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_close(cx)
    }
}
