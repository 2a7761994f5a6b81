//! What lies between a WebSocket and its socket: TLS or nothing. The counter stays directly on the
//! socket, so that bytes count from the first one of the handshake.

use std::fmt;
use std::io::{self, BufRead, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

use everbeat_core::transport::PathEvidence;
use futures_io::{AsyncRead, AsyncWrite};
use futures_rustls::TlsStream;
use futures_rustls::rustls::{CertificateError as Bad, Error, InvalidMessage};

use super::{TlsError, words};
use crate::socket::{Counted, Socket};

/// A socket, with TLS or without
pub(crate) enum Layered<S> {
    Plain(Counted<S>),
    /// Boxed, so that a plain one does not pay for its kilobyte
    Tls(Box<TlsStream<Counted<S>>>),
}

impl<S: Socket> Layered<S> {
    /// What the kernel knows of the road, below TLS
    pub(crate) fn path(&self) -> Option<PathEvidence> {
        self.counted().path()
    }
}

impl<S> Layered<S> {
    fn counted(&self) -> &Counted<S> {
        match self {
            Self::Plain(socket) => socket,
            Self::Tls(stream) => stream.get_ref().0,
        }
    }

    /// The counter, if there is nothing over it
    pub(crate) const fn plain(&self) -> Option<&Counted<S>> {
        match self {
            Self::Plain(socket) => Some(socket),
            Self::Tls(_) => None,
        }
    }

    pub(crate) const fn plain_mut(&mut self) -> Option<&mut Counted<S>> {
        match self {
            Self::Plain(socket) => Some(socket),
            Self::Tls(_) => None,
        }
    }

    pub(crate) fn received(&self) -> u64 {
        self.counted().received()
    }

    pub(crate) fn sent(&self) -> u64 {
        self.counted().sent()
    }

    pub(crate) fn get_ref(&self) -> &S {
        self.counted().get_ref()
    }

    /// Whether bytes that were taken wait here for the socket: rustls keeps up to 64 KiB, and owes
    /// answers of its own
    pub(crate) fn holds_bytes(&self) -> bool {
        match self {
            Self::Plain(socket) => socket.holds_bytes(),
            Self::Tls(stream) => stream.get_ref().1.wants_write(),
        }
    }

    /// Whether bytes wait here, either way: also what was decrypted and nobody has read
    pub(crate) fn is_busy(&mut self) -> bool {
        match self {
            Self::Plain(_) => false,
            Self::Tls(stream) => {
                let mut reader = match &mut **stream {
                    TlsStream::Client(stream) => stream.get_mut().1.reader(),
                    TlsStream::Server(stream) => stream.get_mut().1.reader(),
                };
                let unread = reader.fill_buf().is_ok_and(|unread| !unread.is_empty());
                unread || self.holds_bytes()
            }
        }
    }
}

/// The socket as it is
pub(crate) const fn plain<S>(socket: Counted<S>) -> Layered<S> {
    Layered::Plain(socket)
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Layered<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(socket) => Pin::new(socket).poll_read(cx, into),
            // An end without close_notify is an end: that nothing was cut off, frames and the Close
            // handshake tell (RFC 6455, section 7.1.1)
            Self::Tls(stream) => match Pin::new(stream).poll_read(cx, into) {
                Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::UnexpectedEof => {
                    Poll::Ready(Ok(0))
                }
                polled => polled,
            },
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Layered<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(socket) => Pin::new(socket).poll_write(cx, bytes),
            Self::Tls(stream) => Pin::new(stream).poll_write(cx, bytes),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(socket) => Pin::new(socket).poll_write_vectored(cx, bytes),
            Self::Tls(stream) => Pin::new(stream).poll_write_vectored(cx, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(socket) => Pin::new(socket).poll_flush(cx),
            Self::Tls(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(socket) => Pin::new(socket).poll_close(cx),
            Self::Tls(stream) => Pin::new(stream).poll_close(cx),
        }
    }
}

/// Shows nothing of the session: it holds keys
impl<S: fmt::Debug> fmt::Debug for Layered<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self {
            Self::Plain(_) => "Plain",
            Self::Tls(_) => "Tls",
        };
        f.debug_tuple(name).field(self.counted()).finish()
    }
}

/// The certificates that the peer showed, its own first
pub(crate) fn certificates<S>(socket: &Layered<S>) -> Vec<Vec<u8>> {
    let shown = match socket {
        Layered::Plain(_) => None,
        Layered::Tls(stream) => stream.get_ref().1.peer_certificates(),
    };
    shown.into_iter().flatten().map(|certificate| certificate.to_vec()).collect()
}

/// What TLS failed with behind its handshake, or the error as it was
///
/// In TLS 1.3 a client is ready before its certificate was looked at: a refusal comes where the
/// answer to its request was to be (RFC 8446, section 4.4.2.4).
pub(crate) fn late(error: io::Error) -> Result<TlsError, io::Error> {
    error.downcast::<Error>().map(from_rustls)
}

/// What a handshake failed with, as ours
pub(super) fn error(error: io::Error) -> TlsError {
    if error.kind() == io::ErrorKind::UnexpectedEof {
        return TlsError::End;
    }
    late(error).unwrap_or_else(TlsError::Io)
}

fn from_rustls(error: Error) -> TlsError {
    let kind = match &error {
        Error::InvalidMessage(
            InvalidMessage::InvalidContentType | InvalidMessage::UnknownProtocolVersion,
        ) => return TlsError::NotTls,
        Error::NoCertificatesPresented => return TlsError::NoCertificate,
        Error::AlertReceived(_) => TlsError::Refused,
        Error::InvalidCertificate(bad) => match bad {
            Bad::Expired | Bad::ExpiredContext { .. } => TlsError::Expired,
            Bad::NotValidYet | Bad::NotValidYetContext { .. } => TlsError::NotYetValid,
            Bad::NotValidForName | Bad::NotValidForNameContext { .. } => TlsError::WrongName,
            Bad::UnknownIssuer => TlsError::UnknownIssuer,
            Bad::Revoked => TlsError::Revoked,
            _ => TlsError::Certificate,
        },
        _ => TlsError::Protocol,
    };
    kind(Box::new(words::told(error)))
}
