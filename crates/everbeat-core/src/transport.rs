//! The seam below a connection: [`Transport`], one WebSocket at message level, and what makes one:
//! [`Connect`] for a client, [`Accept`] for a server.

mod accept;
mod connect;
mod from_stream;
mod hatch;

use core::error::Error;
use core::net::IpAddr;
use core::pin::Pin;
use core::task::{Context, Poll};
use core::time::Duration;

use bytes::Bytes;

use crate::cause::{Cause, CloseFrame};
use crate::heartbeat::RoundTrip;
use crate::time::Instant;

pub use crate::message::{Incoming, Outgoing};
pub use accept::{Accept, Busy, Hookable, Listen, WithHook};
pub use connect::{Attempt, Connect, Endpoint, Several};
pub use from_stream::FromStream;
pub use hatch::{Hatch, Hatches};

/// One WebSocket at message level, either role
///
/// The codec, the socket and TLS are behind this trait; time, heartbeats and reconnecting are in
/// front of it. Everything but the six message methods has a default, and
/// [`FromStream`] makes a transport of any `Stream + Sink` of messages.
///
/// # Contract
///
/// - A Ping of the peer is answered by the transport, in [`poll_recv`](Transport::poll_recv) and
///   [`poll_flush`](Transport::poll_flush), also in the middle of a fragmented message
///   (RFC 6455, section 5.4). So is its Close.
/// - [`start_send`](Transport::start_send) of a message comes only after
///   [`poll_ready`](Transport::poll_ready) returned `Ready(Ok)`, which also says that no control
///   frame will overtake an earlier message any more.
/// - A Ping and a Close need no readiness: the transport keeps a place for one of each (a newer Ping
///   replaces one that was not written yet), and sends it before any further frame of a message.
/// - `poll_flush` is ready once the operating system has taken every byte.
/// - After an error of `poll_recv`, or after it returned `None`, only `start_send` of a Close,
///   `poll_flush`, `poll_close` and `abort` are called. After an error of the others `poll_recv` may
///   be called too: it hands up what the peer had said before.
/// - Every method may be called again after `Pending`; the latest context is woken. Nothing is
///   lost if the caller stops polling in between.
/// - Dropping a transport closes the socket without a Close frame.
pub trait Transport {
    /// What the wire below reports
    type Error: Error + 'static;

    /// The next thing the peer said; `None` once it will say no more
    fn poll_recv(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Incoming, Self::Error>>>;

    /// Whether a message would be taken now
    fn poll_ready(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>>;

    /// Takes a message, Ping or Close; does not wait
    ///
    /// # Errors
    ///
    /// The socket's, if the transport already knows that it cannot send.
    fn start_send(self: Pin<&mut Self>, outgoing: Outgoing) -> Result<(), Self::Error>;

    /// Writes what was taken; ready once the operating system has all of it
    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>>;

    /// Flushes, then closes the socket in the order that RFC 6455, section 7.1.1 asks for: a server
    /// at once, a client after the server
    ///
    /// Unread bytes of the peer are discarded meanwhile, so that a Close frame still in flight is
    /// not destroyed by a reset. The caller bounds the time.
    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>>;

    /// Drops the socket now, without Close and without waiting for unsent bytes
    fn abort(self: Pin<&mut Self>);

    /// Bytes received from the socket so far, also in mid-message: what "heard" means
    fn received(&self) -> u64;

    /// Bytes that the operating system took so far, without a system call; 0 if unknown
    ///
    /// On the same scale as [`PathEvidence::acknowledged`].
    fn sent(&self) -> u64 {
        0
    }

    /// Messages that the transport sent for others than its connection, such as the handles of a
    /// server: they, too, keep a connection from being idle
    fn sent_aside(&self) -> u64 {
        0
    }

    /// Whether Pings can be sent and Pongs seen; `false` in a browser
    fn can_ping(&self) -> bool {
        true
    }

    /// What the platform knows of the road; at most one system call, `None` if it knows nothing
    fn path(&self) -> Option<PathEvidence> {
        None
    }

    /// The address of our end, where the transport knows it: when the machine loses that address the
    /// connection is gone ([`Hint::AddressGone`](crate::client::Hint::AddressGone))
    fn local_address(&self) -> Option<IpAddr> {
        None
    }

    /// How much of a message of the peer's has come that has begun and not ended, in bytes; 0 at a
    /// message's boundary, and if the transport holds no parts
    ///
    /// A peer that stops there is bounded in time by
    /// [`unfinished`](crate::config::ConnectionConfig::with_unfinished), and in bytes by the
    /// transport's own limit.
    fn unfinished(&self) -> u64 {
        0
    }

    /// Lets go of the codec and its buffers if this is a message boundary with nothing owed either
    /// way; whether it did
    fn release(self: Pin<&mut Self>) -> bool {
        false
    }

    /// Where others may write to its socket, while it is lent; `None` if they may not at all
    ///
    /// Asked once, when the connection is open.
    fn hatch(&self) -> Option<Hatch> {
        None
    }

    /// Its connection waits, and asks nothing of the peer: until one of the methods that write is next
    /// called, others may write to the socket; whether they do
    ///
    /// They must not while anything of a message, or of an answer to the peer, waits to be written.
    fn lend(self: Pin<&mut Self>) -> bool {
        false
    }

    /// While it was lent, others have written so many bytes to its socket, and begun what is left to
    /// be written, ahead of all else
    ///
    /// Called before anything else is asked of a transport that was lent.
    fn take_back(self: Pin<&mut Self>, bytes: u64, left: Option<Bytes>) {
        _ = (bytes, left);
    }

    /// What the peer is to be told in place of the cause's own words, for an error that has just been
    /// returned; asked once, when it ends the connection
    fn farewell(self: Pin<&mut Self>) -> Option<CloseFrame> {
        None
    }

    /// What its connection knew when it last looked at the clock, for whoever keeps account of it:
    /// the time, and the round trip if a Pong has just told one
    ///
    /// Called when bytes went either way since, once a wake-up, and for each Pong of ours.
    fn noted(self: Pin<&mut Self>, now: Instant, round_trip: Option<RoundTrip>) {
        _ = (now, round_trip);
    }

    /// Why its connection is over; called once, last of all, unless the connection is dropped first
    fn ended(self: Pin<&mut Self>, cause: &Cause) {
        _ = cause;
    }

    /// The error as data, which verdicts are made from
    ///
    /// The default calls it a cut with the error's own words.
    fn classify(error: &Self::Error) -> Cause {
        Cause::cut(error)
    }
}

/// What a platform's kernel knows of the road to the peer
///
/// On Linux these are `tcpi_bytes_acked`, counted from where [`Transport::sent`] began, what was sent
/// less that, `tcpi_notsent_bytes` and `tcpi_last_ack_recv` of `TCP_INFO`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PathEvidence {
    /// Bytes of ours that the other kernel has acknowledged
    pub acknowledged: u64,
    /// Bytes of ours that our kernel still holds
    pub unsent: u64,
    /// Of these, bytes that have not left yet: the peer's window is shut, or the road is full; 0 if
    /// unknown
    pub waiting: u64,
    /// How long ago the other kernel last acknowledged something, or answered a probe of a window that
    /// is shut
    pub last_acknowledged: Duration,
}
