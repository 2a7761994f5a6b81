//! A TCP connection as a runtime's clients and servers have it: on the runtime's reactor, or in a nest.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

use everbeat_core::transport::Hatch;
use everbeat_ws::Socket;
use futures_io::{AsyncRead, AsyncWrite};
use socket2::SockRef;

#[cfg(target_os = "linux")]
use crate::nested::Nested;

/// A TCP connection: in the nest of the listener that took it, or alone on its runtime's reactor, as a
/// stream `S` of the runtime's
#[derive(Debug)]
pub struct Tcp<S>(Kind<S>);

#[derive(Debug)]
enum Kind<S> {
    /// In a box, for most are not
    Alone(Box<S>),
    #[cfg(target_os = "linux")]
    Nested(Nested),
}

impl<S> Tcp<S> {
    /// Takes over a connection of the runtime's
    #[must_use]
    pub fn new(stream: S) -> Self {
        Self(Kind::Alone(Box::new(stream)))
    }

    #[cfg(target_os = "linux")]
    pub(crate) const fn nested(nested: Nested) -> Self {
        Self(Kind::Nested(nested))
    }
}

/// Does it with whichever it is
macro_rules! with {
    ($this:ident, $stream:ident => $what:expr) => {
        match &mut $this.get_mut().0 {
            Kind::Alone(alone) => {
                let $stream = Pin::new(&mut **alone);
                $what
            }
            #[cfg(target_os = "linux")]
            Kind::Nested(nested) => {
                let $stream = Pin::new(nested);
                $what
            }
        }
    };
}

impl<S: AsyncRead + Unpin> AsyncRead for Tcp<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        with!(self, stream => stream.poll_read(cx, into))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Tcp<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        with!(self, stream => stream.poll_write(cx, bytes))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        with!(self, stream => stream.poll_write_vectored(cx, bytes))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        with!(self, stream => stream.poll_flush(cx))
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        with!(self, stream => stream.poll_close(cx))
    }
}

impl<S: Socket + Unpin> Socket for Tcp<S> {
    fn tcp<R>(&self, look: impl FnOnce(&SockRef<'_>) -> R) -> Option<R> {
        match &self.0 {
            Kind::Alone(stream) => stream.tcp(look),
            #[cfg(target_os = "linux")]
            Kind::Nested(nested) => nested.tcp(look),
        }
    }

    fn tells_road(&self) -> bool {
        match &self.0 {
            Kind::Alone(stream) => stream.tells_road(),
            #[cfg(target_os = "linux")]
            Kind::Nested(_) => true,
        }
    }

    fn hatch(&self) -> Option<Hatch> {
        match &self.0 {
            Kind::Alone(stream) => stream.hatch(),
            #[cfg(target_os = "linux")]
            Kind::Nested(nested) => nested.hatch(),
        }
    }
}
