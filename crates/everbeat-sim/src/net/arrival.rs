//! What happens when something arrives at a kernel, or a timeout does. Decides what becomes of
//! bytes for an end that is gone; what is sent again, and when, is TCP's.

use super::end::Holder;
use super::error::PipeError;
use super::tcp::{Ack, Cargo, Expiry, Load, Packet, Parcel};
use super::wire::Side;
use crate::trace::{Happening, Passage};
use crate::world::World;

impl World {
    /// Everything that has come to one side of a wire by now
    pub(crate) fn handle_arrival(&mut self, id: u64, toward: Side) {
        let now = self.now;
        loop {
            let Some(wire) = self.net.wire(id) else {
                return;
            };
            let road = &mut wire.way_to(toward).road;
            let Some(packet) = road.pop_arrived(now) else {
                road.looked(now);
                break;
            };
            if now < wire.asleep[toward as usize] {
                self.on_wire(id, |wire, air| wire.note_lost(toward, &packet, air));
            } else {
                self.handle_packet(id, toward, packet);
            }
        }
        self.on_wire(id, |wire, air| {
            if wire.way_to(toward).receiver.owes() && wire.end(toward).failed.is_none() {
                wire.send(toward.other(), Load::Ack, air);
            }
        });
        self.lift_if_over(id);
    }

    /// The timer of the sender toward a side has fired
    pub(crate) fn handle_timeout(&mut self, id: u64, toward: Side) {
        let (now, from) = (self.now, toward.other());
        let Some(wire) = self.net.wire(id) else {
            return;
        };
        wire.way_to(toward).timer = None;
        let awake = wire.asleep[from as usize];
        if now < awake {
            wire.way_to(toward).sender.postpone(awake);
        }
        let patience = wire.patience(from);
        let expiry = self.on_wire(id, |wire, air| {
            let expiry = wire.way_to(toward).sender.expire(now, patience);
            match expiry {
                Expiry::Resend(departure) => wire.send_again(toward, departure, air),
                Expiry::Probe => wire.send(toward, Load::Probe, air),
                Expiry::GiveUp => wire.fail(from, PipeError::TimedOut),
                Expiry::Early => {}
            }
            expiry
        });
        if expiry == Some(Expiry::GiveUp) {
            self.wake_end(id, from);
            self.lift_if_over(id);
        }
    }

    fn handle_packet(&mut self, id: u64, toward: Side, packet: Packet) {
        let Some(wire) = self.net.wire(id) else {
            return;
        };
        wire.heard[toward as usize] = self.now;
        let end = wire.end(toward);
        if let Load::Reset = packet.load {
            self.record_arrival(id, toward, "reset", 0, 0);
            return self.break_end(id, toward, PipeError::Reset);
        }
        if end.holder == Holder::Lost || end.failed.is_some() {
            // A kernel that knows nothing of the connection says so.
            if !matches!(packet.load, Load::Ack) {
                self.on_wire(id, |wire, air| wire.send(toward.other(), Load::Reset, air));
            }
            return;
        }
        if let Some(ack) = packet.ack {
            self.handle_ack(id, toward, &ack);
        }
        match packet.load {
            Load::Piece { number, transmission, sent, .. } => {
                self.handle_piece(id, toward, number, (transmission, sent));
            }
            Load::Probe => {
                if let Some(wire) = self.net.wire(id) {
                    wire.way_to(toward).receiver.owe();
                }
            }
            Load::Strike(parcel) => self.land(id, toward, parcel, true),
            Load::Ack | Load::Reset => {}
        }
    }

    /// A kernel hears what of its own bytes the other has
    fn handle_ack(&mut self, id: u64, side: Side, ack: &Ack) {
        let toward = side.other();
        let progress = self.on_wire(id, |wire, air| {
            let progress = wire.way_to(toward).sender.handle_ack(ack, air.now);
            if progress {
                air.record_ack(toward, ack.next);
            }
            wire.repair(toward, air);
            wire.launch(toward, air);
            progress
        });
        if progress == Some(true) {
            self.wake_writer(id, side);
        }
    }

    fn handle_piece(
        &mut self,
        id: u64,
        toward: Side,
        number: u64,
        (transmission, sent): (u64, everbeat_core::time::Instant),
    ) {
        if let Some(wire) = self.net.wire(id) {
            let way = wire.way_to(toward);
            way.receiver.hear(transmission, sent);
            way.sender.arrive(number);
        }
        while let Some(wire) = self.net.wire(id) {
            let way = wire.way_to(toward);
            let Some(parcel) = way.sender.take(way.receiver.next()) else {
                return;
            };
            way.receiver.advance();
            self.land(id, toward, parcel, false);
        }
    }

    /// Bytes have come in order to one side's kernel, or from outside of the stream
    fn land(&mut self, id: u64, toward: Side, parcel: Parcel, struck: bool) {
        let bytes = parcel.bytes;
        self.record_arrival(id, toward, parcel.cargo.label(), bytes, parcel.cargo.mark());
        let Some(wire) = self.net.wire(id) else {
            return;
        };
        let (end, way) = wire.at(toward);
        let wakes = match parcel.cargo {
            Cargo::Request => {
                wire.asked = true;
                let name = wire.host(toward).to_owned();
                return self.handle_request(id, &name);
            }
            Cargo::Reply(reply) => {
                end.reply = Some(reply);
                true
            }
            cargo => match end.holder {
                Holder::Pipe | Holder::Nobody => {
                    way.receiver.land(Parcel { bytes, cargo }, struck);
                    !way.road.settings.stalled
                }
                Holder::Closed | Holder::Gone if bytes > 0 => {
                    self.on_wire(id, |wire, air| {
                        wire.fail(toward, PipeError::Reset);
                        wire.send(toward.other(), Load::Reset, air);
                    });
                    false
                }
                Holder::Closed | Holder::Gone | Holder::Host | Holder::Lost => {
                    way.receiver.swallow(bytes);
                    false
                }
            },
        };
        if wakes {
            self.wake_end(id, toward);
        }
    }

    fn break_end(&mut self, id: u64, side: Side, error: PipeError) {
        // What has arrived is still read, as from a kernel.
        self.on_wire(id, |wire, _| wire.fail(side, error));
        self.wake_end(id, side);
    }

    fn record_arrival(
        &mut self,
        wire: u64,
        toward: Side,
        label: &'static str,
        bytes: usize,
        mark: u64,
    ) {
        self.record(Happening::Arrived(Passage { wire, toward, label, bytes, mark }));
    }

    /// Wakes whoever waits at an end, to read or to write
    pub(crate) fn wake_end(&mut self, id: u64, side: Side) {
        let Some(wire) = self.net.wire(id) else {
            return;
        };
        let end = wire.end(side);
        let reader = end.reader.take();
        // A writer that finds nothing changed would be a wake for nothing.
        let writer = if end.failed.is_some() { end.writer.take() } else { None };
        self.wake(reader);
        self.wake(writer);
    }

    /// A kernel may have room again: whoever waits to write goes on
    pub(crate) fn wake_writer(&mut self, id: u64, side: Side) {
        let Some(wire) = self.net.wire(id) else {
            return;
        };
        let (end, way) = wire.from(side);
        if end.writer.is_some() && way.is_worth_waking() {
            let writer = end.writer.take();
            self.wake(writer);
        }
    }
}
