//! The control of a link: how it is set, and what befalls the connections on it. Decides which
//! connections and directions are meant; what that does to bytes is the way's.

use std::time::Duration;

use everbeat_core::cause::CloseFrame;
use everbeat_core::transport::Incoming;

use super::error::violation;
use super::frame::Frame;
use super::tcp::{Cargo, Load, Parcel, Settings};
use super::wire::Side;
use crate::trace::Happening;
use crate::world::{Shared, World};

/// The road between two hosts, or that of one connection
///
/// It speaks of both directions, unless [`to`](Link::to) names one. *Settings* (delay, rate, hold,
/// stall and so on) hold for the connections that live, and for those to come; *faults* (cut,
/// reset, end, inject, violate) befall the ones that live. The link of one connection, from
/// [`Pipe::link`](super::Pipe::link), is about that one only.
///
/// What has left arrives: a hold, a cut or a partition concerns what enters the road from now on,
/// and what still waits at its narrowest place.
///
/// ```
/// use std::time::Duration;
/// use everbeat_sim::Sim;
///
/// let sim = Sim::seed(7);
/// let link = sim.link("client", "server");
/// link.delay(Duration::from_millis(600)).jitter(Duration::from_millis(20));
/// link.to("client").rate(2_000); // a slow downlink
/// ```
#[derive(Clone, Debug)]
pub struct Link {
    world: Shared,
    scope: Scope,
    toward: Option<String>,
}

#[derive(Clone, Debug)]
enum Scope {
    Hosts(String, String),
    Wire(u64),
}

impl Link {
    pub(crate) fn between(world: Shared, a: &str, b: &str) -> Self {
        Self { world, scope: Scope::Hosts(a.to_owned(), b.to_owned()), toward: None }
    }

    pub(crate) const fn of_wire(world: Shared, wire: u64) -> Self {
        Self { world, scope: Scope::Wire(wire), toward: None }
    }

    /// Only the direction that leads to this host
    #[must_use]
    pub fn to(&self, host: &str) -> Self {
        Self { toward: Some(host.to_owned()), ..self.clone() }
    }

    fn both_ways(&self) -> Self {
        Self { toward: None, ..self.clone() }
    }

    /// How long everything is on its way; 1 ms by default
    pub fn delay(&self, delay: Duration) -> &Self {
        self.set(format!("delay {delay:?}"), move |settings| {
            settings.delay = delay;
        })
    }

    /// How much longer than the delay it takes at most, by chance; nothing overtakes; 0 by default
    pub fn jitter(&self, jitter: Duration) -> &Self {
        self.set(format!("jitter {jitter:?}"), move |settings| {
            settings.jitter = jitter;
        })
    }

    /// How many bytes pass in a second; 0, the default, is without limit
    ///
    /// What is too much waits, and so does what is written after it, a Ping too. Bytes travel in
    /// pieces that take a fiftieth to a tenth of a second, so that the reader sees a long message
    /// grow.
    pub fn rate(&self, bytes_per_second: u64) -> &Self {
        self.set(format!("rate {bytes_per_second} B/s"), move |settings| {
            settings.rate = bytes_per_second;
        })
    }

    /// How many bytes the writer's kernel takes that the other has not acknowledged; 64 KiB by
    /// default, at least 1
    ///
    /// As many bytes as that the reader's kernel takes before its program reads any, unless its
    /// [`window`](Link::window) is set.
    pub fn buffer(&self, bytes: usize) -> &Self {
        self.set(format!("buffer {bytes} B"), move |settings| {
            settings.buffer = bytes.max(1);
        });
        self.fit()
    }

    /// How many bytes the reader's kernel takes before its program reads any; as many as the
    /// [`buffer`](Link::buffer) if it is not set; at least 1
    pub fn window(&self, bytes: usize) -> &Self {
        self.set(format!("window {bytes} B"), move |settings| {
            settings.window = Some(bytes.max(1));
        });
        self.fit()
    }

    /// How likely a packet is lost, from 0, the default, to 1
    ///
    /// TCP sends it again: about a round trip later if something behind it arrives, else after a
    /// timeout. Until then nothing behind it reaches the reader. An acknowledgement that is lost is
    /// made up for by the next. Bytes travel in packets of at most 1,400 where this is set.
    pub fn loss(&self, probability: f64) -> &Self {
        self.set(format!("loss {probability}"), move |settings| {
            settings.loss = probability;
        })
    }

    /// Lets what enters wait: nothing of it is lost
    pub fn hold(&self) {
        self.set("hold", |settings| settings.held = true);
    }

    /// Ends a hold: what waited leaves now
    pub fn release(&self) {
        self.set("release", |settings| settings.held = false);
        self.each_way(|world, wire, toward| {
            world.on_wire(wire, |wire, air| {
                for packet in wire.way_to(toward).road.release(air.now, air.rng) {
                    wire.note_lost(toward, &packet, air);
                }
            });
        });
    }

    /// Takes the road away: what enters is lost, until [`repair`](Link::repair)
    ///
    /// Both ways, or with [`to`](Link::to) one: then acknowledgements of what comes the other way
    /// are lost too. Nothing is lost for ever, for TCP sends again. So what was written meanwhile
    /// arrives some time after the repair: when the sender's timeout, which doubles each time, next
    /// fires. Attempts to connect hang, and try again after 1, 3, 7 seconds and so on.
    pub fn partition(&self) {
        self.set("partition", |settings| settings.parted = true);
        self.each_way(|world, wire, toward| {
            world.on_wire(wire, |wire, air| wire.way_to(toward).road.part(air.now));
        });
    }

    /// Ends a partition; what was lost comes when TCP sends it again
    pub fn repair(&self) {
        self.set("repair", |settings| settings.parted = false);
    }

    /// Has the readers stop reading: their kernels fill, then the writers' do, then the writers block
    ///
    /// To have a whole program stand still, its timers too, use [`Host::stall`](crate::Host::stall).
    pub fn stall(&self) {
        self.set("stall", |settings| settings.stalled = true);
    }

    /// Ends a stall
    pub fn resume(&self) {
        self.set("resume", |settings| settings.stalled = false);
        self.each_way(World::wake_end);
    }

    /// Has the readers answer neither Ping nor Close, although they read
    pub fn mute(&self) {
        self.set("mute", |settings| settings.mute = true);
    }

    /// Ends a muting; what was not answered stays unanswered
    pub fn unmute(&self) {
        self.set("unmute", |settings| settings.mute = false);
    }

    /// A black hole: what the living connections send from now on vanishes, for ever, as behind a
    /// router that has forgotten them; new connections are fine
    ///
    /// What is on its way arrives. Whoever waits for an acknowledgement sends again in vain.
    pub fn cut(&self) {
        self.note("cut");
        self.each_way(|world, wire, toward| {
            world.on_wire(wire, |wire, air| wire.way_to(toward).road.cut(air.now));
        });
    }

    /// Resets the living connections: both ends learn of it after the delay, and what they had not
    /// read by then is lost
    pub fn reset(&self) {
        self.note("reset");
        self.both_ways().each_way(|world, wire, toward| {
            world.strike(wire, toward, Load::Reset);
        });
    }

    /// Ends the stream without a Close: the readers come to its end after all that is on its way
    pub fn end(&self) {
        self.note("end of stream");
        self.strike(|_| Parcel { bytes: 0, cargo: Cargo::Fin });
    }

    /// Has this arrive at the readers as if their peers had sent it, such as a Pong that nobody
    /// asked for
    pub fn inject(&self, incoming: Incoming) {
        let frame = Frame::from(incoming);
        self.note(format!("inject {}", frame.label()));
        self.strike(|toward| {
            let bytes = frame.size(toward == Side::Server);
            Parcel { bytes, cargo: Cargo::Frame(frame.clone()) }
        });
    }

    /// Has the readers find that their peers broke the protocol, which is closed with this frame
    pub fn violate(&self, frame: CloseFrame) {
        self.note(format!("violation {}", frame.code));
        let error = violation(frame);
        self.strike(|_| Parcel { bytes: 2, cargo: Cargo::Broken(error.clone()) });
    }

    fn strike(&self, parcel: impl Fn(Side) -> Parcel) {
        self.each_way(|world, wire, toward| {
            world.strike(wire, toward, Load::Strike(parcel(toward)));
        });
    }

    /// Sets what is to come, and what lives
    fn set(&self, what: impl Into<String>, set: impl Fn(&mut Settings)) -> &Self {
        self.note(what);
        if let Scope::Hosts(a, b) = &self.scope {
            self.world.with(|world| {
                for (from, to) in [(a, b), (b, a)] {
                    if self.toward.as_ref().is_none_or(|toward| toward == to) {
                        set(world.net.settings(from, to));
                    }
                }
            });
        }
        self.each_way(|world, wire, toward| {
            if let Some(wire) = world.net.wire(wire) {
                set(&mut wire.way_to(toward).road.settings);
            }
        })
    }

    /// Has the kernels of living connections know of their new sizes at once
    fn fit(&self) -> &Self {
        self.each_way(|world, wire, toward| {
            world.on_wire(wire, |wire, air| {
                wire.way_to(toward).fit();
                wire.launch(toward, air);
            });
            world.wake_writer(wire, toward.other());
        })
    }

    fn each_way(&self, work: impl Fn(&mut World, u64, Side)) -> &Self {
        self.world.with(|world| {
            let wires = match &self.scope {
                Scope::Hosts(a, b) => world.net.between(a, b),
                Scope::Wire(wire) => vec![*wire],
            };
            for wire in wires {
                for side in Side::BOTH {
                    if self.leads_to(world, wire, side) {
                        work(world, wire, side);
                    }
                }
            }
        });
        self
    }

    fn leads_to(&self, world: &mut World, wire: u64, side: Side) -> bool {
        let Some(toward) = &self.toward else {
            return true;
        };
        world.net.wire(wire).is_some_and(|wire| wire.host(side) == toward)
    }

    fn note(&self, what: impl Into<String>) {
        let mut link = match &self.scope {
            Scope::Hosts(a, b) => format!("{a} - {b}"),
            Scope::Wire(wire) => format!("#{wire}"),
        };
        if let Some(toward) = &self.toward {
            link.push_str(", to ");
            link.push_str(toward);
        }
        let what = what.into();
        self.world.with(|world| world.record(Happening::Fault { link, what }));
    }
}
