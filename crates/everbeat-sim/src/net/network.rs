//! All hosts, all wires, and how the links between the hosts are set; and what a wire needs of the
//! world to send something.

use std::collections::BTreeMap;

use everbeat_core::time::Instant;

use super::end::{End, Holder};
use super::host::Door;
use super::tcp::{Receiver, Road, Rtt, Sender, Settings};
use super::wire::{Side, Way, Wire};
use crate::machine::HostId;
use crate::trace::{Happening, Passage, Trace};
use crate::world::World;

/// All hosts, all wires, and how the links between the hosts are set
#[derive(Debug, Default)]
pub(crate) struct Network {
    wires: BTreeMap<u64, Wire>,
    doors: BTreeMap<String, Door>,
    /// By the host that the bytes come from, and the one that they go to
    links: BTreeMap<(String, String), Settings>,
    counted: u64,
}

impl Network {
    pub(crate) fn wire(&mut self, id: u64) -> Option<&mut Wire> {
        self.wires.get_mut(&id)
    }

    pub(crate) fn remove(&mut self, id: u64) -> Option<Wire> {
        self.wires.remove(&id)
    }

    pub(crate) fn door(&mut self, name: &str) -> &mut Door {
        self.doors.entry(name.to_owned()).or_default()
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

    /// The ends that a host has
    pub(crate) fn ends_at(&self, host: HostId) -> Vec<(u64, Side)> {
        let ends = self.wires.iter().flat_map(|(id, wire)| {
            Side::BOTH.into_iter().filter(|side| wire.number(*side) == host).map(|side| (*id, side))
        });
        ends.collect()
    }

    /// A number that no other wire or listener has
    pub(crate) const fn count(&mut self) -> u64 {
        self.counted += 1;
        self.counted
    }
}

/// What a wire needs of the world to send something
pub(crate) struct Air<'a> {
    wire: u64,
    pub(crate) now: Instant,
    pub(crate) rng: &'a mut fastrand::Rng,
    trace: &'a mut Trace,
}

impl Air<'_> {
    pub(crate) fn record(&mut self, happening: Happening) {
        self.trace.record(self.now, happening);
    }

    pub(crate) fn record_ack(&mut self, toward: Side, next: u64) {
        let wire = self.wire;
        self.record(Happening::Acknowledged { wire, toward, next });
    }

    pub(crate) const fn passage(&self, toward: Side, label: &'static str, bytes: usize) -> Passage {
        Passage { wire: self.wire, toward, label, bytes, mark: 0 }
    }
}

impl World {
    /// Works on a wire, with all that it needs to send, and looks when it needs to be looked at
    pub(crate) fn on_wire<R>(
        &mut self,
        id: u64,
        work: impl FnOnce(&mut Wire, &mut Air<'_>) -> R,
    ) -> Option<R> {
        let wire = self.net.wires.get_mut(&id)?;
        let (now, rng, trace) = (self.now, &mut self.rng, &mut self.trace);
        let result = work(wire, &mut Air { wire: id, now, rng, trace });
        wire.schedule(id, &mut self.agenda);
        Some(result)
    }

    /// Lays a wire between two hosts
    pub(crate) fn lay_wire(&mut self, client: &str, server: &str, holders: [Holder; 2]) -> u64 {
        let id = self.net.count();
        let settings =
            [self.net.settings(server, client).clone(), self.net.settings(client, server).clone()];
        let mut rtt = Rtt::default();
        let asked = holders[Side::Server as usize] == Holder::Pipe;
        if asked {
            // As if there had been a handshake.
            rtt.sample(settings[0].delay + settings[1].delay);
        }
        let ways = settings.map(|settings| {
            let mut receiver = Receiver::default();
            let sender = Sender::new(receiver.refit(settings.window()), rtt);
            Way { sender, road: Road::new(settings), receiver, timer: None }
        });
        let numbers = [client, server].map(|name| self.machines.number(name));
        let asleep = numbers.map(|host| self.machines.get(host).asleep_until());
        let hosts = [client.to_owned(), server.to_owned()];
        let ends = holders.map(End::new);
        let wire = Wire { hosts, numbers, ends, ways, asleep, heard: [self.now; 2], asked };
        self.net.wires.insert(id, wire);
        let (client, server) = (client.to_owned(), server.to_owned());
        self.record(Happening::Wire { wire: id, client, server });
        id
    }

    /// Takes a wire away without a trace on it: what its client asked has not been heard
    pub(crate) fn lift_wire(&mut self, id: u64) {
        if let Some(wire) = self.net.remove(id) {
            self.forget_timers(wire);
        }
    }

    /// Takes a wire away that nobody cares for any more
    pub(crate) fn lift_if_over(&mut self, id: u64) {
        if self.net.wire(id).is_some_and(|wire| wire.is_over()) {
            self.lift_wire(id);
        }
    }

    fn forget_timers(&mut self, wire: Wire) {
        for way in wire.ways {
            way.timer.map(|key| self.agenda.cancel(key));
        }
    }

    /// A host's kernel stands still until then
    pub(crate) fn lull(&mut self, host: HostId, until: Instant) {
        for (id, side) in self.net.ends_at(host) {
            if let Some(wire) = self.net.wire(id) {
                wire.asleep[side as usize] = until;
            }
        }
    }
}
