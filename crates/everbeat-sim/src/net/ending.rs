//! How an end writes, closes and leaves.

use super::end::Holder;
use super::error::PipeError;
use super::tcp::{Cargo, Load, Parcel};
use super::wire::Side;
use crate::machine::HostId;
use crate::trace::{Happening, Passage};
use crate::world::World;

impl World {
    /// Writes what an end has to write, as far as its kernel takes it; whether all was written
    pub(crate) fn pump(&mut self, id: u64, side: Side) -> bool {
        let masked = side == Side::Client;
        let toward = side.other();
        let Some(wire) = self.net.wire(id) else {
            return true;
        };
        if wire.end(side).next_frame(masked).is_none() {
            return true;
        }
        let written = self.on_wire(id, |wire, air| {
            let written = loop {
                let (end, way) = wire.from(side);
                let room = way.room();
                let Some((_, left)) = end.next_frame(masked) else {
                    break true;
                };
                let bytes = room.min(left);
                if bytes == 0 {
                    break false;
                }
                let cargo = end.wrote(bytes).map_or(Cargo::Part, Cargo::Frame);
                if let Cargo::Frame(frame) = &cargo {
                    let (bytes, mark) = (frame.size(masked), frame.mark());
                    let passage = air.passage(toward, frame.label(), bytes);
                    air.record(Happening::Sent(Passage { mark, ..passage }));
                }
                way.sender.push(Parcel { bytes, cargo });
            };
            wire.launch(toward, air);
            written
        });
        written.unwrap_or(true)
    }

    /// Sends something that weighs nothing
    pub(crate) fn send_cargo(&mut self, id: u64, toward: Side, cargo: Cargo) {
        self.on_wire(id, |wire, air| wire.send_cargo(toward, cargo, air));
    }

    /// Sends a reset, which nobody repeats if it is lost
    pub(crate) fn send_reset(&mut self, id: u64, toward: Side) {
        self.on_wire(id, |wire, air| {
            wire.way_to(toward).sender.die();
            wire.send(toward, Load::Reset, air);
        });
    }

    /// The reader has made room: the other kernel is told, if it is much
    pub(crate) fn tell_room(&mut self, id: u64, side: Side) {
        self.on_wire(id, |wire, air| {
            let way = wire.way_to(side);
            if way.receiver.has_news(way.road.settings.window()) {
                wire.send(side.other(), Load::Ack, air);
            }
        });
    }

    /// Lets a fault arrive, past all holds and losses
    pub(crate) fn strike(&mut self, id: u64, toward: Side, load: Load) {
        self.on_wire(id, |wire, air| wire.way_to(toward).road.strike(load, air.now));
    }

    /// One end is aborted: with a reset, and what was not sent is lost
    pub(crate) fn abort(&mut self, id: u64, side: Side) {
        self.close(id, side, true);
    }

    /// One end closes: with a reset if it leaves bytes unread, as a kernel does
    pub(crate) fn close(&mut self, id: u64, side: Side, reset: bool) {
        let Some(wire) = self.net.wire(id) else {
            return;
        };
        let (end, way) = wire.at(side);
        if !matches!(end.holder, Holder::Nobody | Holder::Pipe) {
            return;
        }
        let unread = way.receiver.has_unread_bytes();
        end.holder = Holder::Closed;
        end.forget();
        way.receiver.discard();
        if end.failed.is_some() {
            return;
        }
        if unread || reset {
            self.send_reset(id, side.other());
        } else {
            self.send_cargo(id, side.other(), Cargo::Fin);
        }
    }

    /// One end closes, and nobody will ask for it any more
    pub(crate) fn leave(&mut self, id: u64, side: Side) {
        self.close(id, side, false);
        if let Some(wire) = self.net.wire(id) {
            let end = wire.end(side);
            if end.holder != Holder::Lost {
                end.holder = Holder::Gone;
            }
        }
        self.lift_if_over(id);
    }

    /// A host has lost its power: its kernel forgets its connections, and tells nobody
    pub(crate) fn lose_connections(&mut self, host: HostId) {
        for (id, side) in self.net.ends_at(host) {
            self.on_wire(id, |wire, _| {
                wire.fail(side, PipeError::Closed);
                let (end, way) = wire.at(side);
                end.holder = Holder::Lost;
                way.receiver.discard();
            });
            self.lift_if_over(id);
        }
    }
}
