//! Wires: two ends, and the two ways between them. Decides where a packet goes, and when somebody
//! has to look at a wire again; what arrives there is `arrival`'s.

use std::fmt;

use everbeat_core::time::Instant;

use super::end::{End, Holder};
use super::error::PipeError;
use super::network::Air;
use super::tcp::{Cargo, Departure, Load, Packet, Parcel, Receiver, Road, Sender};
use crate::agenda::{Agenda, Due, Key};
use crate::machine::HostId;
use crate::trace::{Happening, Passage};

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

/// One direction of a wire: the sending kernel's half, the road, the receiving kernel's half
#[derive(Debug)]
pub(crate) struct Way {
    pub(crate) sender: Sender,
    pub(crate) road: Road,
    pub(crate) receiver: Receiver,
    /// When somebody will look at the sender's deadline, which may have moved on by then
    pub(crate) timer: Option<Key>,
}

impl Way {
    /// How many bytes the sending kernel takes
    pub(crate) fn room(&self) -> usize {
        let held = usize::try_from(self.sender.held()).unwrap_or(usize::MAX);
        self.road.settings.buffer.saturating_sub(held)
    }

    /// Whether the sending kernel has so much room that it wakes a writer: a third, as on Linux
    pub(crate) fn is_worth_waking(&self) -> bool {
        self.room().saturating_mul(3) >= self.road.settings.buffer
    }

    /// The settings say how much room the receiving kernel has
    pub(crate) fn fit(&mut self) {
        let edge = self.receiver.refit(self.road.settings.window());
        self.sender.fit(edge);
    }

    fn is_empty(&self) -> bool {
        self.road.is_empty() && self.sender.is_idle()
    }
}

/// A connection between two hosts, from the first word of its upgrade on
#[derive(Debug)]
pub(crate) struct Wire {
    pub(super) hosts: [String; 2],
    pub(super) numbers: [HostId; 2],
    pub(super) ends: [End; 2],
    /// By the side that they lead to
    pub(super) ways: [Way; 2],
    /// Until when each side's kernel stands still
    pub(super) asleep: [Instant; 2],
    /// When each side's kernel last heard the other
    pub(super) heard: [Instant; 2],
    /// The client's request has reached the server's host
    pub(crate) asked: bool,
}

impl Wire {
    pub(crate) fn host(&self, side: Side) -> &str {
        &self.hosts[side as usize]
    }

    pub(crate) const fn number(&self, side: Side) -> HostId {
        self.numbers[side as usize]
    }

    pub(crate) const fn end(&mut self, side: Side) -> &mut End {
        &mut self.ends[side as usize]
    }

    pub(crate) const fn way_to(&mut self, side: Side) -> &mut Way {
        &mut self.ways[side as usize]
    }

    /// An end, with the way that leads to it
    pub(crate) const fn at(&mut self, side: Side) -> (&mut End, &mut Way) {
        (&mut self.ends[side as usize], &mut self.ways[side as usize])
    }

    /// An end, with the way that leads from it
    pub(crate) const fn from(&mut self, side: Side) -> (&mut End, &mut Way) {
        (&mut self.ends[side as usize], &mut self.ways[side.other() as usize])
    }

    /// Whether nobody cares for it any more
    pub(crate) fn is_over(&self) -> bool {
        self.ends.iter().all(|end| end.holder.is_gone()) && self.ways.iter().all(Way::is_empty)
    }

    /// Sends all that may leave toward a side
    pub(crate) fn launch(&mut self, toward: Side, air: &mut Air<'_>) {
        loop {
            let way = self.way_to(toward);
            let grain = way.road.settings.grain();
            let Some(departure) = way.sender.depart(grain, air.now) else {
                return;
            };
            self.send_piece(toward, departure, air);
        }
    }

    /// Sends anew what is known to be lost on the way toward a side
    pub(crate) fn repair(&mut self, toward: Side, air: &mut Air<'_>) {
        while let Some(departure) = self.way_to(toward).sender.resend() {
            self.send_again(toward, departure, air);
        }
    }

    pub(crate) fn send_again(&mut self, toward: Side, departure: Departure, air: &mut Air<'_>) {
        let Departure { number, bytes, .. } = departure;
        let passage = self.passage(air, toward, number, bytes);
        air.record(Happening::Again(passage));
        self.send_piece(toward, departure, air);
    }

    fn send_piece(&mut self, toward: Side, departure: Departure, air: &mut Air<'_>) {
        let Departure { number, transmission, bytes } = departure;
        self.send(toward, Load::Piece { number, transmission, bytes, sent: air.now }, air);
    }

    /// Has a kernel send a packet, with what it has to acknowledge
    pub(crate) fn send(&mut self, toward: Side, load: Load, air: &mut Air<'_>) {
        let back = self.way_to(toward.other());
        let window = back.road.settings.window();
        let ack = (!matches!(load, Load::Reset)).then(|| back.receiver.tell(window));
        let packet = Packet { ack, load };
        let lost = if air.now < self.asleep[toward.other() as usize] {
            Some(packet)
        } else {
            self.way_to(toward).road.enter(packet, air.now, air.rng)
        };
        if let Some(packet) = lost {
            self.note_lost(toward, &packet, air);
        }
    }

    pub(crate) fn note_lost(&self, toward: Side, packet: &Packet, air: &mut Air<'_>) {
        let passage = match packet.load {
            Load::Piece { number, bytes, .. } => self.passage(air, toward, number, bytes),
            Load::Ack | Load::Probe | Load::Strike(_) => air.passage(toward, "acknowledgement", 0),
            Load::Reset => air.passage(toward, "reset", 0),
        };
        air.record(Happening::Lost(passage));
    }

    fn passage(&self, air: &Air<'_>, toward: Side, number: u64, bytes: usize) -> Passage {
        let cargo = self.ways[toward as usize].sender.cargo(number);
        let label = cargo.map_or("what had arrived", Cargo::label);
        air.passage(toward, label, bytes)
    }

    /// Queues something that weighs nothing, and sends it
    pub(crate) fn send_cargo(&mut self, toward: Side, cargo: Cargo, air: &mut Air<'_>) {
        self.way_to(toward).sender.push(Parcel { bytes: 0, cargo });
        self.launch(toward, air);
    }

    /// A connection is over at one side: nothing that it has sent is sent again
    pub(crate) fn fail(&mut self, side: Side, error: PipeError) {
        let (end, way) = self.from(side);
        end.failed = Some(error);
        end.forget();
        way.sender.die();
    }

    /// Enters into the agenda when somebody has to look at this wire
    pub(crate) fn schedule(&mut self, id: u64, agenda: &mut Agenda) {
        for toward in Side::BOTH {
            let Way { sender, road, timer, .. } = self.way_to(toward);
            if let Some(at) = road.watch() {
                agenda.enter(at, Due::Arrival { wire: id, toward });
            }
            let deadline = sender.deadline();
            let suits = match timer {
                Some(key) => key.at <= deadline && deadline != Instant::NEVER,
                None => deadline == Instant::NEVER,
            };
            if !suits {
                timer.take().map(|key| agenda.cancel(key));
                if deadline != Instant::NEVER {
                    *timer = Some(agenda.enter(deadline, Due::Timeout { wire: id, toward }));
                }
            }
        }
    }

    /// How long a side's kernel bears that nobody answers, in timeouts, as Linux counts them
    pub(crate) const fn patience(&self, side: Side) -> u32 {
        match self.ends[side as usize].holder {
            // `tcp_orphan_retries` of who has closed, and `tcp_syn_retries` of who connects.
            Holder::Closed | Holder::Gone => 8,
            _ if !self.asked => 6,
            _ => Sender::PATIENCE,
        }
    }
}
