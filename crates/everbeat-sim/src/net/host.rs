//! Hosts: how each answers attempts to connect, and the backlog of the one that listens there.

use std::collections::VecDeque;
use std::task::Waker;
use std::time::Duration;

use everbeat_core::cause::{CloseFrame, Cut};
use everbeat_core::transport::Incoming;

use super::ConnectError;
use super::end::Holder;
use super::tcp::Cargo;
use super::wire::Side;
use crate::trace::Happening;
use crate::world::World;

/// How a host answers an attempt to connect
///
/// All but the first are given by the host itself: nobody needs to listen there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Answer {
    /// Hands it to the listener, which upgrades it; refuses if nobody listens (the default)
    #[default]
    Upgrade,
    /// Refuses, whether somebody listens or not
    Refuse,
    /// Answers the upgrade with another status than 101
    Reject {
        /// The HTTP status
        status: u16,
        /// The `Retry-After` header's delay
        retry_after: Option<Duration>,
    },
    /// Says nothing, for ever
    Hang,
    /// Upgrades, and closes at once with this frame
    Close(CloseFrame),
    /// Upgrades, and ends the stream without a Close: a reset, or else its end
    Cut(Cut),
}

/// What travels back to the client
#[derive(Clone, Debug)]
pub(crate) enum Reply {
    Upgraded,
    Failed(ConnectError),
}

/// A host's door
#[derive(Debug, Default)]
pub(crate) struct Door {
    answer: Answer,
    listener: Option<Listening>,
}

#[derive(Debug)]
struct Listening {
    /// Which of the listeners that were here; only the newest gets something
    number: u64,
    backlog: VecDeque<u64>,
    waker: Option<Waker>,
}

/// How many sockets wait to be accepted; further ones are refused, as a kernel does
pub(crate) const BACKLOG: usize = 1_024;

impl World {
    pub(crate) fn set_answer(&mut self, name: &str, answer: Answer) {
        let what = match answer {
            Answer::Upgrade => "upgrades",
            Answer::Refuse => "refuses",
            Answer::Reject { .. } => "rejects",
            Answer::Hang => "hangs",
            Answer::Close(_) => "closes at once",
            Answer::Cut(_) => "cuts at once",
        };
        self.record(Happening::Host { host: name.to_owned(), what });
        self.net.door(name).answer = answer;
    }

    /// Opens a door; the number is the listener's proof that it is the newest
    pub(crate) fn listen(&mut self, name: &str) -> u64 {
        self.record(Happening::Host { host: name.to_owned(), what: "listens" });
        let number = self.net.count();
        let new = Listening { number, backlog: VecDeque::new(), waker: None };
        let old = self.net.door(name).listener.replace(new);
        self.drop_backlog(old);
        number
    }

    pub(crate) fn stop_listening(&mut self, name: &str, number: u64) {
        let host = self.net.door(name);
        if host.listener.as_ref().is_some_and(|listener| listener.number == number) {
            let old = host.listener.take();
            self.record(Happening::Host { host: name.to_owned(), what: "listens no more" });
            self.drop_backlog(old);
        }
    }

    /// The next wire that waits at this door
    pub(crate) fn accept(&mut self, name: &str, number: u64, waker: &Waker) -> Option<u64> {
        let listener = self.net.door(name).listener.as_mut()?;
        if listener.number != number {
            return None;
        }
        let wire = listener.backlog.pop_front();
        if wire.is_none() {
            listener.waker = Some(waker.clone());
        }
        wire
    }

    /// A client's request has reached the host
    pub(crate) fn handle_request(&mut self, wire: u64, name: &str) {
        let host = self.net.door(name);
        match host.answer.clone() {
            Answer::Upgrade => {
                let listener = host.listener.as_mut();
                match listener.filter(|listener| listener.backlog.len() < BACKLOG) {
                    Some(listener) => {
                        listener.backlog.push_back(wire);
                        let waker = listener.waker.take();
                        self.wake(waker);
                    }
                    None => self.turn_away(wire, ConnectError::Refused),
                }
            }
            Answer::Refuse => self.turn_away(wire, ConnectError::Refused),
            Answer::Reject { status, retry_after } => {
                self.turn_away(wire, ConnectError::Rejected { status, retry_after });
            }
            Answer::Hang => self.hold_by_host(wire),
            Answer::Close(frame) => {
                let close = Incoming::Close(Some(frame)).into();
                self.reply_and_go(wire, [Cargo::Frame(close), Cargo::Fin]);
            }
            Answer::Cut(Cut::Reset) => {
                self.reply_and_go(wire, []);
                self.send_reset(wire, Side::Client);
            }
            Answer::Cut(_) => self.reply_and_go(wire, [Cargo::Fin]),
        }
    }

    pub(crate) fn reply(&mut self, wire: u64, reply: Reply) {
        self.send_cargo(wire, Side::Client, Cargo::Reply(reply));
    }

    fn reply_and_go<const N: usize>(&mut self, wire: u64, cargo: [Cargo; N]) {
        self.hold_by_host(wire);
        self.reply(wire, Reply::Upgraded);
        for cargo in cargo {
            self.send_cargo(wire, Side::Client, cargo);
        }
    }

    pub(crate) fn turn_away(&mut self, wire: u64, error: ConnectError) {
        self.hold_by_host(wire);
        self.reply(wire, Reply::Failed(error));
    }

    /// From now on the host swallows what the client says
    fn hold_by_host(&mut self, wire: u64) {
        if let Some(wire) = self.net.wire(wire) {
            wire.end(Side::Server).holder = Holder::Host;
        }
    }

    fn drop_backlog(&mut self, listening: Option<Listening>) {
        let Some(listening) = listening else { return };
        self.wake(listening.waker);
        for wire in listening.backlog {
            self.leave(wire, Side::Server);
        }
    }
}
