//! A server's policies over real sockets, on any runtime: who is let in, when a connection is ended,
//! how much is taken on, and that what one peer or one handler does is nobody else's loss.
//!
//! When each rule applies is the simulator's to say. What is here crosses a kernel and a runtime, so
//! that its bounds on time are what is promised and the run's own measured lateness.

#[cfg(unix)]
mod descriptors;
mod expiry;
mod floods;
mod gate;
mod handler;
mod handlers;
mod hook;
mod house;
mod lateness;
mod limits;
mod many;
mod neighbours;
mod slow;

use everbeat_core::Spawn;
use everbeat_server::tasks::SpawnServer;
use everbeat_ws::{Acceptor, Runtime};

use crate::line::lines;

pub use crate::line::{Line, side_by_side};

pub use gate::Gate;
pub use handler::Act;
pub use neighbours::Task;

/// A runtime that can run a server with these policies, and its clients
pub trait Host:
    Runtime + SpawnServer<Acceptor<Self, Gate>, Self::Timer, Act<Self>> + Spawn<Task>
{
}

impl<R> Host for R where R: Runtime + SpawnServer<Acceptor<R, Gate>, R::Timer, Act<R>> + Spawn<Task> {}

/// What holds on one thread and on many
#[must_use]
pub fn lines<R: Host>() -> Vec<Line> {
    lines![
        "who is let in is told so, and its handler who it is" => hook::accepts::<R>,
        "who is rejected is told why" => hook::rejects::<R>,
        "a foreign page is answered 403" => hook::foreign_origins::<R>,
        "a hook that never ends is answered for, and holds up nobody" => hook::never_ends::<R>,
        "a hook that panics rejects one request" => hook::panics::<R>,
        "a silent peer is expired" => expiry::silent::<R>,
        "an idle peer is told 1001" => expiry::idle::<R>,
        "a peer that stops in the middle of a message is told 1008" => expiry::unfinished::<R>,
        "who does not authenticate in time is told 3000" => expiry::unauthenticated::<R>,
        "an authentication ends, or is refreshed in band" => expiry::authentication::<R>,
        "a connection that is too old is told 1012" => expiry::age::<R>,
        "a connection that is busy is told as well" => expiry::busy::<R>,
        "a shutdown says its code, and what it has cut" => expiry::shutdown::<R>,
        "a peer that talks and reads nothing is too slow" => slow::reads_nothing::<R>,
        "a peer that reads a byte a second is too slow" => slow::reads_a_byte_a_second::<R>,
        "a peer for which too much waits is too slow" => slow::lets_too_much_wait::<R>,
        "who floods with Pings is told 1008" => floods::pings::<R>,
        "who floods with messages is held back" => floods::messages::<R>,
        "what is said to many keeps its order, and frames are whole" => many::is_in_order::<R>,
        "a connection too many is answered 503" => limits::connections::<R>,
        "one too many of an address is answered 429" => limits::per_address::<R>,
        "who is refused and says nothing is let go after a second" => limits::says_nothing::<R>,
        "an upgrade that is under way is not refused" => limits::too_late::<R>,
        "one too many of an address that is told later is told 1013" => limits::told_address::<R>,
        "upgrades come no faster than they may" => limits::upgrades_per_second::<R>,
        "what waits for all is bounded" => limits::queued_in_all::<R>,
        "a handler that panics ends its own connection" => handlers::panics::<R>,
        "a handler that never polls is dropped when a rule ends it" => handlers::never_polls::<R>,
    ]
}

/// What holds on one thread and on many, and takes a whole machine
#[must_use]
pub fn lines_of_a_crowd<R: Host>() -> Vec<Line> {
    lines![
        "a thousand neighbours of bad peers see nothing" => neighbours::see_nothing::<R>,
    ]
}

/// What holds where all tasks share one thread
#[must_use]
pub fn lines_on_one_thread<R: Host>() -> Vec<Line> {
    lines![
        "who blocks the only thread holds up all, and ends nobody" => handlers::block_all::<R>,
    ]
}

/// What holds where tasks have several threads, and one of them waits for all sockets, as tokio's
/// do: while that one is blocked, nobody looks at any
#[must_use]
pub fn lines_on_many_threads<R: Host>() -> Vec<Line> {
    lines![
        "who blocks a thread ends nobody, and all go on behind it" => handlers::block_some::<R>,
    ]
}

/// What holds where tasks have several threads, and sockets one of their own
#[must_use]
pub fn lines_beside_a_reactor<R: Host>() -> Vec<Line> {
    lines![
        "who blocks a thread ends nobody, and others go on" => handlers::block_one::<R>,
    ]
}

/// That a server without descriptors waits, says so, and goes on when there are some; to be run in a
/// process of its own, for the limit is the process's
#[cfg(unix)]
pub async fn descriptors<R: Host>() {
    descriptors::run_out::<R>().await;
}
