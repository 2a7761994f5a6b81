//! Bad input over real sockets, on any runtime: peers in raw bytes, each on a thread of its own,
//! and what everbeat must make of them: a typed cause, the close code of the RFC, and nothing left.
//!
//! The table of all violations is `everbeat-ws`'s, in memory; what is here crosses a kernel and a
//! runtime. Good input in any pieces is held to the same lines.

mod clients;
mod crowd;
mod frames;
mod own_beat;
mod tls;
mod upgrades;

use everbeat_server::tasks::SpawnServer;
use everbeat_ws::{Acceptor, Runtime};

use crate::line::lines;
use crate::{peer, server_side, streams};

pub use crate::line::{Check, Line};
pub use crate::server_side::Echo;

/// A runtime that can run a server which echoes
pub trait Host: Runtime + SpawnServer<Acceptor<Self>, Self::Timer, Echo> {}

impl<R: Runtime + SpawnServer<Acceptor<R>, R::Timer, Echo>> Host for R {}

/// All of it, for one runtime
#[must_use]
pub fn lines<R: Host>() -> Vec<Line> {
    let mut lines = lines![
        "a client that breaks the framing is told the code" => frames::of_clients::<R>,
        "a server that breaks the framing is told the code" => frames::of_servers::<R>,
        "a client that floods with Pings is told 1008" => frames::ping_flood_of_a_client::<R>,
        "a server that floods with Pings is told 1008" => frames::ping_flood_of_a_server::<R>,
        "answers to a flood are merged to the newest" => frames::pongs_are_merged::<R>,
        "a client that answers a beat of one's own and no Ping lives" => own_beat::of_clients::<R>,
        "a server that answers a beat of one's own and no Ping lives" => own_beat::of_servers::<R>,
        "a beat of one's own that is not answered is death" => own_beat::unanswered::<R>,
        "garbage behind the upgrade ends the connection" => frames::garbage::<R>,
        "a bad request is answered with its status" => upgrades::bad_requests::<R>,
        "a bad answer has its error" => upgrades::bad_answers::<R>,
        "what a request would inject is refused" => upgrades::injected_by_us::<R>,
        "a request that stops at any byte is a cut" => upgrades::requests_that_stop::<R>,
        "an answer that stops at any byte is a cut" => upgrades::answers_that_stop::<R>,
        "a bad certificate is told to both sides" => tls::certificates::<R>,
        "a client's certificate is known to hook and handler" => clients::are_known::<R>,
        "a client without a good certificate is told why" => clients::are_told_why::<R>,
        "a client may be let in without a certificate" => clients::may_be_nobody::<R>,
        "a reloaded certificate is for the next connection" => clients::reload::<R>,
        "a client that does not speak TLS is told apart" => tls::garbage_of_clients::<R>,
        "a server that does not speak TLS is told apart" => tls::garbage_of_servers::<R>,
        "a TLS hello that stops at any byte is a cut" => tls::hellos_that_stop::<R>,
        "a TLS server that stops at any byte is a cut" => tls::flights_that_stop::<R>,
    ];
    lines.extend(streams::lines::<R>());
    lines
}

/// What takes a whole machine
#[must_use]
pub fn lines_of_a_crowd<R: Host>() -> Vec<Line> {
    lines![
        "a crowd that never finishes its upgrade harms nobody" => crowd::harms_nobody::<R>,
    ]
}
