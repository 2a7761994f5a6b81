//! What hyper hands over, as a byte stream that a WebSocket can run on: the TCP socket itself, if there
//! is nothing else in it.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use everbeat_tokio::transport::Stream as TcpOfTokio;
use everbeat_ws::Socket;
use futures_io::{AsyncRead, AsyncWrite};
use hyper::rt::{Read, ReadBuf, Write};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use hyper_util::server::conn::auto;
use socket2::SockRef;
use tokio::net::TcpStream;

/// An upgraded stream
///
/// Over a plain `TokioIo<TcpStream>`, as `axum::serve` and most servers of hyper's have it, it is the
/// TCP socket: with its options, and with what the kernel tells of its road. Everything else (TLS, a
/// Unix socket, a stream of HTTP/2) is taken as it is.
#[derive(Debug)]
pub struct Stream(Kind);

#[derive(Debug)]
enum Kind {
    Tcp(TcpOfTokio),
    Other(Box<Upgraded>),
}

impl Stream {
    /// The stream, and what was read of it already
    pub(crate) fn unpack(upgraded: Upgraded) -> (Self, Vec<u8>) {
        let (io, early) = match upgraded.downcast::<TokioIo<TcpStream>>() {
            Ok(parts) => (parts.io, parts.read_buf),
            // hyper-util's server, which speaks either HTTP, has a wrapping of its own
            Err(upgraded) => match auto::upgrade::downcast::<TokioIo<TcpStream>>(upgraded) {
                Ok(parts) => (parts.io, parts.read_buf),
                Err(upgraded) => return (Self(Kind::Other(Box::new(upgraded))), Vec::new()),
            },
        };
        (Self(Kind::Tcp(TcpOfTokio::new(io.into_inner()))), early.into())
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        match &mut self.get_mut().0 {
            Kind::Tcp(tcp) => Pin::new(tcp).poll_read(cx, into),
            Kind::Other(other) => {
                let mut into = ReadBuf::new(into);
                ready!(Pin::new(&mut **other).poll_read(cx, into.unfilled()))?;
                Poll::Ready(Ok(into.filled().len()))
            }
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match &mut self.get_mut().0 {
            Kind::Tcp(tcp) => Pin::new(tcp).poll_write(cx, bytes),
            Kind::Other(other) => Pin::new(&mut **other).poll_write(cx, bytes),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match &mut self.get_mut().0 {
            Kind::Tcp(tcp) => Pin::new(tcp).poll_write_vectored(cx, bytes),
            Kind::Other(other) => Pin::new(&mut **other).poll_write_vectored(cx, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().0 {
            Kind::Tcp(tcp) => Pin::new(tcp).poll_flush(cx),
            Kind::Other(other) => Pin::new(&mut **other).poll_flush(cx),
        }
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().0 {
            Kind::Tcp(tcp) => Pin::new(tcp).poll_close(cx),
            Kind::Other(other) => Pin::new(&mut **other).poll_shutdown(cx),
        }
    }
}

impl Socket for Stream {
    fn tcp<R>(&self, look: impl FnOnce(&SockRef<'_>) -> R) -> Option<R> {
        match &self.0 {
            Kind::Tcp(tcp) => tcp.tcp(look),
            Kind::Other(_) => None,
        }
    }
}
