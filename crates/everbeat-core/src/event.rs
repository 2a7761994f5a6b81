//! What a connection or a client tells its application.

use core::time::Duration;

use alloc::boxed::Box;

use crate::cause::Evidence;
use crate::message::Message;
use crate::outcome::Disconnected;

/// What happened on a connection or a client
///
/// A bare [`Connection`](crate::Connection) yields messages, `Suspect`, `Alive`, `Stalled` and, last of all,
/// `Disconnected`; the others are a reconnecting [`Client`](crate::Client)'s.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// An attempt begins; 1 is the first since the connection was lost
    Connecting {
        /// Its number
        attempt: u32,
        /// The endpoint that it goes to: 0 for the client's first URL, and so on in the order of
        /// [`endpoint`](crate::client::ClientBuilder::endpoint)
        endpoint: usize,
    },
    /// A connection stands
    ///
    /// What was queued while there was none goes out ahead of what is sent now.
    Connected {
        /// The number of the attempt that succeeded
        attempt: u32,
        /// The endpoint that it stands to, as in [`Connecting`](Self::Connecting)
        endpoint: usize,
        /// How long the attempt took, from dial to upgrade
        took: Duration,
    },
    /// A message of the peer
    Message(Message),
    /// There should have been an answer by now: nothing is heard and a Ping is unanswered for 3 s, or a
    /// third of the shorter clock if that is less, or a message is not acknowledged; it may still recover
    Suspect {
        /// How long nothing has been heard
        silent_for: Duration,
        /// All that is known; boxed, for it is rare and large
        evidence: Box<Evidence>,
    },
    /// A suspected peer was heard again, or what was unacknowledged has been acknowledged
    Alive,
    /// We did not run for a second or more while something of ours was due: the process was stopped,
    /// its thread was blocked, its task was not polled, the machine slept, or the clock jumped
    ///
    /// Nothing is held against the peer for it: what came meanwhile is read first, and the peer is
    /// asked by a Ping before it is judged. Two stalls that were not read yet are told as one. It is
    /// noticed when something is next due, by the clock that stood still meanwhile if it did; who is
    /// told of the resume has the peer asked at once ([`Hint`](crate::client::Hint)).
    Stalled {
        /// By the clock: how late we were for what was due, which is as much of the stall as shows
        stalled_for: Duration,
        /// And while the clock stood still, as far as the platform tells
        /// ([`Timer::slept`](crate::time::Timer::slept))
        slept_for: Duration,
    },
    /// A connection ended, or an attempt failed; boxed, for it is rare and large
    Disconnected(Box<Disconnected>),
    /// The client will not try again; the last event
    GaveUp(Box<Disconnected>),
    /// The client was closed, by us or by the peer with 1000; the last event
    Closed(Box<Disconnected>),
}
