//! Rules by which other libraries declare a connection dead, and the program that lives by one.
//!
//! A [`Rule`] is pure: it is told what happened and when, and says what to do. [`run`] is the
//! program around it: one socket, one queue of messages, one event loop. What the libraries have in
//! common is there, what sets them apart is in their rules:
//!
//! | rule | asks | dead when |
//! |---|---|---|
//! | [`SocketIo`] | 25 s after the last answer | no answer 20 s after it asked |
//! | [`Websockets`] | 20 s after the last answer came or was late | no answer 20 s after the Ping was written |
//! | [`Ws`] | every 30 s | no answer between two ticks |
//! | [`JavaWebSocket`] | every 60 s | a tick finds the last answer older than 90 s |
//! | [`Actix`] | every 5 s | a tick finds the last Ping or Pong older than 10 s |
//! | [`Libwebsockets`] | 40 s after the last answer | 50 s after the last answer |
//!
//! # After the process itself has stalled
//!
//! When a process stands still, timers come due and bytes arrive, and then both wait. Which is
//! served first is the event loop's, and decides whether an answer that has long arrived counts:
//! see [`Order`].
//!
//! # What is simpler than the programs
//!
//! - They are played over WebSocket Pings, also where the library has packets of its own.
//! - What they have accepted goes out in order, their Pings behind their messages, as it does from
//!   a queue in user space that ends in one socket. Their *answers* are the transport's, which lets
//!   a Pong go between the frames of a message; a peer that would queue it behind the message is
//!   played by [`Peer`], which answers only when it has nothing left to write.
//! - A connection that is declared dead is dropped at once. Some say Close first and wait.
//! - Timers are exact, where node's and libwebsockets' are whole milliseconds or worse.

mod actix;
mod java_websocket;
mod libwebsockets;
pub mod naive;
mod peer;
mod program;
mod queue;
mod socket_io;
mod websockets;
mod ws;

use everbeat_core::time::Instant;

pub use actix::Actix;
pub use java_websocket::JavaWebSocket;
pub use libwebsockets::Libwebsockets;
pub use peer::Peer;
pub use program::{End, Report, Sending, Verdict, Watch, run};
pub use socket_io::SocketIo;
pub use websockets::Websockets;
pub use ws::Ws;

/// When a connection is asked, and when it is dead
///
/// Pure: it reads no clock, and what it knows of time is what it is told.
pub trait Rule {
    /// The connection stands
    fn begin(&mut self, now: Instant);

    /// When it is to be asked [`due`](Rule::due) next; [`Instant::NEVER`] if at no time
    fn deadline(&self) -> Instant;

    /// Its deadline has passed; it moves the deadline
    fn due(&mut self, now: Instant) -> Act;

    /// Its Ping counts as sent: when it was asked for, or once there is [room](Rule::room)
    fn asked(&mut self, now: Instant) {
        _ = now;
    }

    /// The peer said something
    fn heard(&mut self, heard: Heard, now: Instant) {
        _ = (heard, now);
    }

    /// The application sent a message, as it sees it: the queue has it
    fn sent(&mut self, now: Instant) {
        _ = now;
    }

    /// What its event loop serves first after a stall
    fn order(&self) -> Order {
        Order::TimersFirst
    }

    /// Whether a Ping counts as sent only once few bytes wait to be written
    fn room(&self) -> Option<Room> {
        None
    }

    /// Whether it reads while it has something left to write
    fn reads_while_writing(&self) -> bool {
        true
    }
}

/// What a rule wants done
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Act {
    /// Nothing
    Nothing,
    /// A Ping
    Ping,
    /// A Close frame, and then to wait
    Close,
    /// The connection is dead, for this reason
    Die(&'static str),
}

/// What a rule is told of what the peer said
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Heard {
    /// A Pong to our Ping of this number; 0 if it answers none of ours
    Pong(u64),
    /// A Ping, which has been answered
    Ping,
    /// A whole message, of so many bytes
    Message(usize),
}

/// What an event loop serves first when timers are due and bytes have arrived, which happens after
/// its process has stood still
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Order {
    /// Timers, before what the socket holds is read
    ///
    /// node: libuv runs due timers after each look at its sockets and before the next one
    /// (`docs/src/design.rst`, and `uv_run` in `src/unix/core.c`); one that was stopped while it
    /// waited for sockets finds its time used up, and runs the timers without having looked
    /// (`uv__io_poll` in `src/unix/linux.c`).
    TimersFirst,
    /// What the socket holds, all of it, before timers
    ReadsFirst,
}

/// How full a queue in user space may be for its writer to go on
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Room {
    /// With more bytes waiting than this the writer has to wait
    pub high: usize,
    /// With no more bytes waiting than this it goes on
    pub low: usize,
}

impl Room {
    /// Waits above `high` bytes until there are no more than `low`
    #[must_use]
    pub const fn new(high: usize, low: usize) -> Self {
        Self { high, low }
    }
}
