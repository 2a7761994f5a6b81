//! The pipe: one end of a wire as a [`Transport`], with the duties that RFC 6455 gives it. Decides
//! when an operation is ready; bytes and their order are the wire's.

use std::net::IpAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use everbeat_core::Cause;
use everbeat_core::transport::{Hatch, Incoming, Outgoing, PathEvidence, Transport};

use super::end::{End, Holder};
use super::error::PipeError;
use super::hatch;
use super::link::Link;
use super::tcp::Cargo;
use super::wire::{Side, Wire};
use crate::world::{Shared, World};

/// One end of a WebSocket between two hosts
///
/// It keeps [`Transport`]'s contract to the letter: Pings and Closes of the peer are answered when
/// it is polled, and not otherwise; nothing is written before it is asked to flush; a Ping goes
/// before any further frame of a message over 64 KiB. It counts bytes as RFC 6455 frames them,
/// section 5.2: a header of 2, 4 or 10 bytes, and 4 more for a client's mask. The upgrade counts
/// nothing. Dropped, it ends the stream without a Close.
///
/// For a scripted peer it has [`next`](Pipe::next) and [`send`](Pipe::send) of its own.
#[derive(Debug)]
pub struct Pipe {
    world: Shared,
    wire: u64,
    side: Side,
}

impl Pipe {
    pub(crate) const fn new(world: Shared, wire: u64, side: Side) -> Self {
        Self { world, wire, side }
    }

    pub(crate) fn pair(world: &Shared, client: &str, server: &str) -> (Self, Self) {
        let wire = world.with(|world| world.lay_wire(client, server, [Holder::Pipe; 2]));
        let end = |side| Self::new(world.clone(), wire, side);
        (end(Side::Client), end(Side::Server))
    }

    /// The settings and faults of this connection alone
    #[must_use]
    pub fn link(&self) -> Link {
        Link::of_wire(self.world.clone(), self.wire)
    }

    /// The next thing the peer says; `None` once it will say no more
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost if the future is dropped.
    pub const fn next(&mut self) -> Next<'_> {
        Next(self)
    }

    /// Sends something, and waits until all of it was written
    ///
    /// # Errors
    ///
    /// Those of [`Transport`]'s methods.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it is ready, what was to be sent may have been sent or not.
    pub async fn send(&mut self, outgoing: Outgoing) -> Result<(), PipeError> {
        if matches!(outgoing, Outgoing::Message(_)) {
            std::future::poll_fn(|cx| Pin::new(&mut *self).poll_ready(cx)).await?;
        }
        Pin::new(&mut *self).start_send(outgoing)?;
        std::future::poll_fn(|cx| Pin::new(&mut *self).poll_flush(cx)).await
    }

    /// Works on this end; a wire that is over has none
    fn with<R>(&self, gone: R, work: impl FnOnce(&mut World) -> R) -> R {
        self.world.with(|world| {
            let held = world.net.wire(self.wire).map(|wire| wire.end(self.side).holder);
            if held == Some(Holder::Pipe) { work(world) } else { gone }
        })
    }

    fn with_end<R>(&self, gone: R, work: impl FnOnce(&mut End) -> R) -> R {
        self.with_wire(gone, |wire| work(wire.end(self.side)))
    }

    fn with_wire<R>(&self, gone: R, work: impl FnOnce(&mut Wire) -> R) -> R {
        self.world.with(|world| match world.net.wire(self.wire) {
            Some(wire) => work(wire),
            None => gone,
        })
    }
}

/// What reading one parcel came to
enum Reading {
    Said(Incoming),
    Broken(PipeError),
    Ended,
    /// Bytes that mean nothing yet
    Partly,
    Nothing,
}

impl World {
    /// Reads one parcel, and owes what it asks for
    fn read(&mut self, id: u64, side: Side) -> Reading {
        let Some(wire) = self.net.wire(id) else {
            return Reading::Ended;
        };
        let (end, way) = wire.at(side);
        if way.road.settings.stalled {
            return Reading::Nothing;
        }
        let mute = way.road.settings.mute;
        let Some(parcel) = way.receiver.read() else {
            return Reading::Nothing;
        };
        end.received += parcel.bytes as u64;
        let before = match parcel.cargo {
            Cargo::Frame(_) => std::mem::take(&mut end.partial),
            _ => 0,
        };
        let reading = match parcel.cargo {
            Cargo::Frame(frame) => match frame.into_incoming() {
                Some(Incoming::Message(message)) => {
                    end.unfinished = 0;
                    Reading::Said(Incoming::Message(message))
                }
                Some(Incoming::Ping(payload)) => {
                    if !mute {
                        end.owe_pong(payload.clone());
                    }
                    Reading::Said(Incoming::Ping(payload))
                }
                Some(Incoming::Close(frame)) => {
                    end.close_read = true;
                    if !mute {
                        end.owe_close(frame.clone());
                    }
                    Reading::Said(Incoming::Close(frame))
                }
                Some(incoming) => Reading::Said(incoming),
                None => {
                    end.unfinished += before + parcel.bytes as u64;
                    Reading::Partly
                }
            },
            Cargo::Fin => {
                end.ended = true;
                Reading::Ended
            }
            Cargo::Broken(error) => Reading::Broken(error),
            Cargo::Part => {
                end.partial += parcel.bytes as u64;
                Reading::Partly
            }
            Cargo::Request | Cargo::Reply(_) => Reading::Partly,
        };
        if parcel.bytes > 0 {
            self.tell_room(id, side);
        }
        reading
    }

    fn poll_read(
        &mut self,
        id: u64,
        side: Side,
        cx: &Context<'_>,
    ) -> Poll<Option<Result<Incoming, PipeError>>> {
        let Some(wire) = self.net.wire(id) else {
            return Poll::Ready(None);
        };
        let end = wire.end(side);
        let failed = end.failed.clone();
        if end.ended || end.close_read {
            return Poll::Ready(failed.map(Err));
        }
        let said = loop {
            match self.read(id, side) {
                Reading::Said(incoming) => break Some(Ok(incoming)),
                Reading::Broken(error) => break Some(Err(error)),
                Reading::Ended => break failed.map(Err),
                Reading::Partly => {}
                Reading::Nothing if failed.is_some() => break failed.map(Err),
                Reading::Nothing => {
                    self.wait(id, side, cx, Wait::Read);
                    self.poll_written(id, side, cx);
                    return Poll::Pending;
                }
            }
        };
        // A Pong or a Close that is owed goes out now; the caller polls again, so that nobody has
        // to be woken if it cannot.
        self.pump(id, side);
        Poll::Ready(said)
    }

    /// Writes what is to be written; whether that is all, else the caller is woken to go on
    fn poll_written(&mut self, id: u64, side: Side, cx: &Context<'_>) -> bool {
        let written = self.pump(id, side);
        if !written {
            self.wait(id, side, cx, Wait::Write);
        }
        written
    }

    fn wait(&mut self, id: u64, side: Side, cx: &Context<'_>, wait: Wait) {
        let Some(wire) = self.net.wire(id) else {
            return;
        };
        let end = wire.end(side);
        let place = match wait {
            Wait::Read => &mut end.reader,
            Wait::Write => &mut end.writer,
        };
        match place {
            Some(waker) => waker.clone_from(cx.waker()),
            None => *place = Some(cx.waker().clone()),
        }
    }

    fn poll_shut(&mut self, id: u64, side: Side, cx: &Context<'_>) -> Poll<Result<(), PipeError>> {
        let written = self.poll_written(id, side, cx);
        loop {
            let Some(wire) = self.net.wire(id) else {
                return Poll::Ready(Ok(()));
            };
            let end = wire.end(side);
            if let Some(error) = end.failed.clone() {
                return Poll::Ready(Err(error));
            }
            // A client waits for the server's end of stream, so that the server's port is not the
            // one that lingers; whoever has sent a Close waits for the other one.
            let waits = end.is_closing() && (!end.close_read || side == Side::Client);
            if written && (end.ended || !waits) {
                break;
            }
            if let Reading::Nothing = self.read(id, side) {
                self.wait(id, side, cx, Wait::Read);
                return Poll::Pending;
            }
        }
        if let Some(wire) = self.net.wire(id) {
            wire.way_to(side).receiver.discard();
        }
        self.close(id, side, false);
        Poll::Ready(Ok(()))
    }
}

#[derive(Clone, Copy)]
enum Wait {
    Read,
    Write,
}

impl Transport for Pipe {
    type Error = PipeError;

    fn poll_recv(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Incoming, PipeError>>> {
        self.with(Poll::Ready(None), |world| world.poll_read(self.wire, self.side, cx))
    }

    fn poll_ready(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), PipeError>> {
        self.with(Poll::Ready(Err(PipeError::Closed)), |world| {
            world.poll_written(self.wire, self.side, cx);
            let Some(wire) = world.net.wire(self.wire) else {
                return Poll::Pending;
            };
            let end = wire.end(self.side);
            match &end.failed {
                Some(error) => Poll::Ready(Err(error.clone())),
                None if end.is_closing() => Poll::Ready(Err(PipeError::AfterClose)),
                None if end.is_ready() => Poll::Ready(Ok(())),
                None => Poll::Pending,
            }
        })
    }

    fn start_send(self: Pin<&mut Self>, outgoing: Outgoing) -> Result<(), PipeError> {
        self.with_end(Err(PipeError::Closed), |end| match &end.failed {
            Some(error) => Err(error.clone()),
            None if end.holder != Holder::Pipe => Err(PipeError::Closed),
            None => end.take(outgoing),
        })
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), PipeError>> {
        self.with(Poll::Ready(Err(PipeError::Closed)), |world| {
            let written = world.poll_written(self.wire, self.side, cx);
            let failed =
                world.net.wire(self.wire).and_then(|wire| wire.end(self.side).failed.clone());
            match failed {
                Some(error) => Poll::Ready(Err(error)),
                None if written => Poll::Ready(Ok(())),
                None => Poll::Pending,
            }
        })
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), PipeError>> {
        self.with(Poll::Ready(Ok(())), |world| world.poll_shut(self.wire, self.side, cx))
    }

    fn abort(self: Pin<&mut Self>) {
        self.world.with(|world| world.abort(self.wire, self.side));
    }

    fn received(&self) -> u64 {
        self.with_end(0, |end| end.received)
    }

    fn unfinished(&self) -> u64 {
        self.with_end(0, |end| end.unfinished())
    }

    fn sent(&self) -> u64 {
        self.with_end(0, |end| end.sent)
    }

    fn local_address(&self) -> Option<IpAddr> {
        self.world.with(|world| {
            let wire = world.net.wire(self.wire)?;
            Some(wire.number(self.side).address().into())
        })
    }

    /// What Linux tells in `TCP_INFO`, unless the host is [blind](crate::Host::blind)
    fn path(&self) -> Option<PathEvidence> {
        self.world.with(|world| {
            let now = world.now;
            let wire = world.net.wire(self.wire)?;
            if world.machines.get(wire.number(self.side)).blind {
                return None;
            }
            let heard = wire.heard[self.side as usize];
            let host = wire.number(self.side);
            let sender = &wire.way_to(self.side.other()).sender;
            let mut path = PathEvidence::default();
            path.acknowledged = sender.acknowledged();
            path.unsent = sender.held();
            path.waiting = sender.unsent();
            path.last_acknowledged = world.machines.get(host).ran_since(heard, now);
            Some(path)
        })
    }

    fn hatch(&self) -> Option<Hatch> {
        hatch::hatch(&self.world, self.wire, self.side)
    }

    fn lend(self: Pin<&mut Self>) -> bool {
        self.with_end(false, |end| end.is_said() && end.is_open())
    }

    /// What is left of a frame, its end knows
    fn take_back(self: Pin<&mut Self>, bytes: u64, _: Option<Bytes>) {
        self.with_end((), |end| end.sent += bytes);
    }

    fn classify(error: &PipeError) -> Cause {
        error.cause()
    }
}

impl Drop for Pipe {
    fn drop(&mut self) {
        self.world.with(|world| world.leave(self.wire, self.side));
    }
}

/// What [`Pipe::next`] returns
#[derive(Debug)]
#[must_use = "futures do nothing unless polled"]
pub struct Next<'a>(&'a mut Pipe);

impl Future for Next<'_> {
    type Output = Option<Result<Incoming, PipeError>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut *self.0).poll_recv(cx)
    }
}
