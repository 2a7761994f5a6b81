//! Wires: two ends and the two ways between them, and what happens when something arrives. Decides
//! what becomes of bytes for an end that is gone; each way and each end decides its own order.

use std::collections::BTreeMap;
use std::fmt;

use everbeat_core::time::Instant;

use super::end::{End, Holder};
use super::error::PipeError;
use super::host::{Host, Reply};
use super::way::{Cargo, Parcel, Settings, Way};
use super::{ConnectError, frame::Frame};
use crate::agenda::Due;
use crate::machine::HostId;
use crate::trace::{Happening, Passage};
use crate::world::World;

/// One side of a wire
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Client,
    Server,
}

impl Side {
    pub(crate) const BOTH: [Self; 2] = [Self::Client, Self::Server];

    pub(crate) const fn other(self) -> Self {
        match self {
            Self::Client => Self::Server,
            Self::Server => Self::Client,
        }
    }
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Client => "client",
            Self::Server => "server",
        })
    }
}

/// A connection between two hosts, from the first word of its upgrade on
#[derive(Debug)]
pub(crate) struct Wire {
    hosts: [String; 2],
    numbers: [HostId; 2],
    ends: [End; 2],
    /// By the side that they lead to
    ways: [Way; 2],
    /// The client's request has reached the server's host
    pub(crate) asked: bool,
}

impl Wire {
    pub(crate) fn host(&self, side: Side) -> &str {
        &self.hosts[side as usize]
    }

    pub(crate) fn number(&self, side: Side) -> HostId {
        self.numbers[side as usize]
    }

    pub(crate) fn end(&mut self, side: Side) -> &mut End {
        &mut self.ends[side as usize]
    }

    pub(crate) fn way_to(&mut self, side: Side) -> &mut Way {
        &mut self.ways[side as usize]
    }

    /// An end, with the way that leads to it
    pub(crate) fn at(&mut self, side: Side) -> (&mut End, &mut Way) {
        (&mut self.ends[side as usize], &mut self.ways[side as usize])
    }

    fn is_over(&self) -> bool {
        self.ends.iter().all(|end| matches!(end.holder, Holder::Gone | Holder::Host))
            && self.ways.iter().all(Way::is_empty)
    }
}

/// All hosts, all wires, and how the links between the hosts are set
#[derive(Debug, Default)]
pub(crate) struct Network {
    wires: BTreeMap<u64, Wire>,
    hosts: BTreeMap<String, Host>,
    /// By the host that the bytes come from, and the one that they go to
    links: BTreeMap<(String, String), Settings>,
    counted: u64,
}

impl Network {
    pub(crate) fn wire(&mut self, id: u64) -> Option<&mut Wire> {
        self.wires.get_mut(&id)
    }

    pub(crate) fn host(&mut self, name: &str) -> &mut Host {
        self.hosts.entry(name.to_owned()).or_default()
    }

    pub(crate) fn settings(&mut self, from: &str, to: &str) -> &mut Settings {
        self.links.entry((from.to_owned(), to.to_owned())).or_default()
    }

    /// The wires between two hosts, whichever is the client
    pub(crate) fn between(&self, a: &str, b: &str) -> Vec<u64> {
        let joins = |wire: &Wire, client, server| {
            wire.host(Side::Client) == client && wire.host(Side::Server) == server
        };
        let wires = self.wires.iter().filter(|(_, wire)| joins(wire, a, b) || joins(wire, b, a));
        wires.map(|(id, _)| *id).collect()
    }

    /// A number that no other wire or listener has
    pub(crate) const fn count(&mut self) -> u64 {
        self.counted += 1;
        self.counted
    }
}

impl World {
    /// Lays a wire between two hosts
    pub(crate) fn lay_wire(&mut self, client: &str, server: &str, holders: [Holder; 2]) -> u64 {
        let id = self.net.count();
        let ways = [
            Way::new(self.net.settings(server, client).clone()),
            Way::new(self.net.settings(client, server).clone()),
        ];
        let hosts = [client.to_owned(), server.to_owned()];
        let numbers = [self.machines.number(client), self.machines.number(server)];
        let ends = holders.map(End::new);
        self.net.wires.insert(id, Wire { hosts, numbers, ends, ways, asked: false });
        let (client, server) = (client.to_owned(), server.to_owned());
        self.record(Happening::Wire { wire: id, client, server });
        id
    }

    /// Takes a wire away without a trace on it: what its client asked has not been heard
    pub(crate) fn lift_wire(&mut self, id: u64) {
        self.net.wires.remove(&id);
    }

    /// Writes what an end has to write, as far as the way takes it; whether all was written
    pub(crate) fn pump(&mut self, id: u64, side: Side) -> bool {
        let masked = side == Side::Client;
        loop {
            let Some(wire) = self.net.wires.get_mut(&id) else {
                return true;
            };
            let (end, way) = (&mut wire.ends[side as usize], &mut wire.ways[side.other() as usize]);
            let Some((_, left)) = end.next_frame(masked) else {
                return true;
            };
            let bytes = way.room().min(left);
            if bytes == 0 {
                return false;
            }
            let cargo = match end.wrote(bytes) {
                None => Cargo::Part,
                Some(frame) => {
                    let passage = passage(id, side.other(), &frame, frame.size(masked));
                    self.trace.record(self.now, Happening::Sent(passage));
                    Cargo::Frame(frame)
                }
            };
            self.send(id, side.other(), Parcel { bytes, cargo });
        }
    }

    /// Sends something that weighs nothing
    pub(crate) fn send_cargo(&mut self, id: u64, toward: Side, cargo: Cargo) {
        self.send(id, toward, Parcel { bytes: 0, cargo });
    }

    fn send(&mut self, id: u64, toward: Side, parcel: Parcel) {
        let Some(wire) = self.net.wires.get_mut(&id) else {
            return;
        };
        let arrival = wire.way_to(toward).enter(parcel, self.now, &mut self.rng);
        self.expect(id, toward, arrival);
    }

    /// Lets a fault arrive, past all holds and cuts
    pub(crate) fn strike(&mut self, id: u64, toward: Side, bytes: usize, cargo: Cargo) {
        let Some(wire) = self.net.wires.get_mut(&id) else {
            return;
        };
        let arrival = wire.way_to(toward).strike(Parcel { bytes, cargo }, self.now);
        self.expect(id, toward, arrival);
    }

    pub(crate) fn expect(
        &mut self,
        id: u64,
        toward: Side,
        arrivals: impl IntoIterator<Item = Instant>,
    ) {
        for at in arrivals {
            self.agenda.enter(at, Due::Arrival { wire: id, toward });
        }
    }

    /// Everything that has come to one side of a wire by now
    pub(crate) fn handle_arrival(&mut self, id: u64, toward: Side) {
        let number = self.net.wires.get(&id).map(|wire| wire.number(toward));
        if let Some(until) = number.and_then(|host| self.machines.get(host).asleep(self.now)) {
            return self.expect(id, toward, [until]);
        }
        loop {
            let Some(wire) = self.net.wires.get_mut(&id) else {
                return;
            };
            let Some(parcel) = wire.way_to(toward).pop_arrived(self.now) else {
                break;
            };
            self.handle_parcel(id, toward, parcel);
        }
        if self.net.wires.get(&id).is_some_and(Wire::is_over) {
            self.net.wires.remove(&id);
        }
    }

    fn handle_parcel(&mut self, id: u64, toward: Side, parcel: Parcel) {
        let (label, mark) = describe(&parcel.cargo);
        let passage = Passage { wire: id, toward, label, bytes: parcel.bytes, mark };
        self.record(Happening::Arrived(passage));
        let Some(wire) = self.net.wires.get_mut(&id) else {
            return;
        };
        if let Cargo::Request = parcel.cargo {
            wire.asked = true;
            let name = wire.host(toward).to_owned();
            return self.handle_request(id, &name);
        }
        let (end, way) = wire.at(toward);
        let wakes = match parcel.cargo {
            Cargo::Reply(reply) => {
                end.reply = Some(reply);
                true
            }
            Cargo::Broken(PipeError::Reset) => {
                end.failed = Some(PipeError::Reset);
                end.forget();
                // What has arrived is still read, as from a kernel.
                true
            }
            cargo => match end.holder {
                Holder::Pipe | Holder::Nobody => {
                    way.land(Parcel { bytes: parcel.bytes, cargo });
                    !way.settings.stalled
                }
                Holder::Closed | Holder::Gone if parcel.bytes > 0 => {
                    let reset = Cargo::Broken(PipeError::Reset);
                    return self.send_cargo(id, toward.other(), reset);
                }
                Holder::Closed | Holder::Gone | Holder::Host => false,
            },
        };
        if wakes {
            self.wake_end(id, toward);
        }
    }

    /// Wakes whoever waits at an end, to read or to write
    pub(crate) fn wake_end(&mut self, id: u64, side: Side) {
        let Some(wire) = self.net.wires.get_mut(&id) else {
            return;
        };
        let end = wire.end(side);
        let reader = end.reader.take();
        // A writer that finds nothing changed would be a wake for nothing.
        let writer = if end.failed.is_some() { end.writer.take() } else { None };
        self.wake(reader);
        self.wake(writer);
    }

    /// The reader has made room: whoever waits to write at the other end goes on
    pub(crate) fn wake_writer(&mut self, id: u64, side: Side) {
        let Some(wire) = self.net.wires.get_mut(&id) else {
            return;
        };
        let waker = wire.end(side).writer.take();
        self.wake(waker);
    }

    /// One end closes: with a reset if it leaves bytes unread, as a kernel does
    pub(crate) fn abort(&mut self, id: u64, side: Side) {
        let Some(wire) = self.net.wires.get_mut(&id) else {
            return;
        };
        let (end, way) = wire.at(side);
        if !matches!(end.holder, Holder::Nobody | Holder::Pipe) {
            return;
        }
        let unread = way.has_unread_bytes();
        end.holder = Holder::Closed;
        end.forget();
        way.discard();
        if end.failed.is_none() {
            let cargo = if unread { Cargo::Broken(PipeError::Reset) } else { Cargo::Fin };
            self.send_cargo(id, side.other(), cargo);
        }
    }

    /// One end closes, and nobody will ask for it any more
    pub(crate) fn leave(&mut self, id: u64, side: Side) {
        self.abort(id, side);
        let Some(wire) = self.net.wires.get_mut(&id) else {
            return;
        };
        wire.end(side).holder = Holder::Gone;
        if wire.is_over() {
            self.net.wires.remove(&id);
        }
    }
}

fn describe(cargo: &Cargo) -> (&'static str, u64) {
    match cargo {
        Cargo::Part => ("part", 0),
        Cargo::Frame(frame) => (frame.label(), frame.mark()),
        Cargo::Fin => ("end of stream", 0),
        Cargo::Broken(PipeError::Reset) => ("reset", 0),
        Cargo::Broken(_) => ("violation", 0),
        Cargo::Request => ("upgrade request", 0),
        Cargo::Reply(Reply::Upgraded) => ("101", 0),
        Cargo::Reply(Reply::Failed(ConnectError::Refused)) => ("refusal", 0),
        Cargo::Reply(Reply::Failed(_)) => ("rejection", 0),
    }
}

fn passage(wire: u64, toward: Side, frame: &Frame, bytes: usize) -> Passage {
    Passage { wire, toward, label: frame.label(), bytes, mark: frame.mark() }
}
