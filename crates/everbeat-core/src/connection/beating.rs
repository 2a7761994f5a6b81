//! How a beat goes out: a Ping, which needs no room and overtakes; or a message of one's own, which
//! waits for room, and may take the room that the application was just promised. Then the
//! application's message waits here for the next, so that neither is lost nor out of turn.

use core::pin::Pin;
use core::task::{Context, Poll, ready};

use super::driver::Driver;
use crate::cause::Cause;
use crate::config::OwnBeat;
use crate::heartbeat::Beat;
use crate::message::{Incoming, Message, Outgoing};
use crate::time::{Instant, Timer, Wake};
use crate::transport::Transport;

/// A beat of one's own, and what waits for room with it
#[derive(Debug)]
pub(super) struct Own {
    beat: OwnBeat,
    /// A beat is to be sent as soon as there is room
    due: bool,
    room: Room,
    /// A message of the application, for which there was room until a beat took it
    held: Option<Message>,
}

/// The room that the application was told of and has not used
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Room {
    None,
    Promised,
    /// A beat took it
    Taken,
}

impl Own {
    pub(super) const fn new(beat: OwnBeat) -> Self {
        Self { beat, due: false, room: Room::None, held: None }
    }

    /// The application is told that there is room, or that there is none
    pub(super) const fn promise(&mut self, room: bool) {
        self.room = if room { Room::Promised } else { Room::None };
    }

    /// The application uses the room that it was promised
    ///
    /// If the room is gone the message is held, and is the next to go. Should one be held already,
    /// for the application did not ask for room, that one goes, so that their order stays.
    #[cold]
    pub(super) fn pass<T: Transport>(
        &mut self,
        transport: Pin<&mut T>,
        message: Message,
    ) -> Result<(), T::Error> {
        let room = core::mem::replace(&mut self.room, Room::None);
        let message = if room == Room::Taken || self.held.is_some() {
            self.held.replace(message)
        } else {
            Some(message)
        };
        message.map_or(Ok(()), |message| transport.start_send(message.into()))
    }

    /// Nothing may follow a Close
    pub(super) fn forget(&mut self) {
        (self.due, self.held) = (false, None);
    }
}

impl<T: Transport, K: Timer> Driver<T, K> {
    /// Sends a beat that vouches for every message before it
    pub(super) fn beat(
        mut self: Pin<&mut Self>,
        beat: Beat,
        now: Instant,
        wake: &mut Wake<'_, '_>,
    ) -> Result<(), Cause> {
        match (beat, self.as_mut().own()) {
            (Beat::Ping(payload), _) => self.as_mut().ping(payload, now, wake)?,
            (_, Some(own)) => own.due = true,
            (_, None) => return Ok(()),
        }
        self.as_mut().project().since_clock.unflushed = true;
        match self.as_mut().poll_flush_all(wake.cx) {
            Poll::Ready(Ok(())) => {
                let this = self.project();
                this.since_clock.unflushed = false;
                if let Some(heartbeat) = this.pace.heartbeat_mut() {
                    heartbeat.handle_flushed(this.transport.sent(), now);
                }
                Ok(())
            }
            Poll::Ready(Err(error)) => Err(T::classify(&error)),
            Poll::Pending => Ok(()),
        }
    }

    fn ping(
        self: Pin<&mut Self>,
        payload: [u8; 8],
        now: Instant,
        wake: &mut Wake<'_, '_>,
    ) -> Result<(), Cause> {
        let mut this = self.project();
        tracing::trace!(target: "everbeat", "ping");
        // A Ping overtakes the rest of a message whose frames are still being written, so it proves
        // only those before it; and a transport that sends for others may hold one more of ours.
        let aside = this.transport.sent_aside();
        let newest = this.ledger.newest(aside);
        let room = if this.ledger.is_proven(aside) {
            // There is nothing to overtake.
            Poll::Ready(Ok(()))
        } else {
            this.transport.as_mut().poll_ready(wake.cx)
        };
        let behind = match room {
            Poll::Ready(ready) => ready.map(|()| newest).map_err(|error| T::classify(&error))?,
            Poll::Pending => newest.saturating_sub(2),
        };
        let sent = this.transport.as_mut().start_send(Outgoing::Ping(payload));
        sent.map_err(|error| T::classify(&error))?;
        let retains = this.pace.config().retain_bytes() > 0;
        if let Some(heartbeat) = this.pace.heartbeat_mut() {
            heartbeat.handle_ping_sent(behind);
            if behind < newest && retains {
                heartbeat.handle_unproven(now);
            }
        }
        Ok(())
    }

    /// Whether a message is sent in place of Pings
    #[inline]
    pub(super) fn has_own_beat(&self) -> bool {
        self.unusual.as_ref().is_some_and(|unusual| unusual.own.is_some())
    }

    pub(super) fn own(self: Pin<&mut Self>) -> Option<&mut Own> {
        self.project().unusual.as_mut()?.own.as_mut()
    }

    /// Whether this answers a beat of one's own
    #[cold]
    pub(super) fn is_answer(&self, incoming: &Incoming) -> bool {
        let Incoming::Message(message) = incoming else {
            return false;
        };
        self.unusual
            .as_ref()
            .and_then(|it| it.own.as_ref())
            .is_some_and(|own| own.beat.is_answer(message))
    }

    /// Whether the transport would take a message, once it has what waits for room already
    #[inline]
    pub(super) fn poll_transport_room(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), T::Error>> {
        if self.has_own_beat() {
            self.poll_room_left(cx)
        } else {
            self.project().transport.poll_ready(cx)
        }
    }

    #[cold]
    fn poll_room_left(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), T::Error>> {
        ready!(self.as_mut().poll_waiting(cx))?;
        let this = self.project();
        let room = this.transport.poll_ready(cx);
        if let Some(own) = this.unusual.as_mut().and_then(|it| it.own.as_mut()) {
            own.promise(matches!(room, Poll::Ready(Ok(()))));
        }
        room
    }

    /// Asks the transport to write everything, what waits for room too
    #[inline]
    pub(super) fn poll_flush_all(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), T::Error>> {
        if self.has_own_beat() {
            self.poll_flush_waiting(cx)
        } else {
            self.project().transport.poll_flush(cx)
        }
    }

    #[cold]
    fn poll_flush_waiting(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), T::Error>> {
        let waiting = self.as_mut().poll_waiting(cx)?;
        let flushed = self.project().transport.poll_flush(cx)?;
        // What waits for room is not written, however little the transport has left to write.
        if waiting.is_ready() && flushed.is_ready() { Poll::Ready(Ok(())) } else { Poll::Pending }
    }

    /// Gives the transport what waits for room: first the application's message, for a beat that is
    /// due by now was not yet when it was accepted
    fn poll_waiting(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), T::Error>> {
        let mut this = self.project();
        let Some(own) = this.unusual.as_mut().and_then(|it| it.own.as_mut()) else {
            return Poll::Ready(Ok(()));
        };
        while own.due || own.held.is_some() {
            ready!(this.transport.as_mut().poll_ready(cx))?;
            let message = own.held.take().unwrap_or_else(|| {
                tracing::trace!(target: "everbeat", "own beat");
                own.due = false;
                if let Some(heartbeat) = this.pace.heartbeat_mut() {
                    heartbeat.handle_own_sent(this.ledger.newest(this.transport.sent_aside()));
                }
                own.beat.message().clone()
            });
            if own.room == Room::Promised {
                own.room = Room::Taken;
            }
            this.transport.as_mut().start_send(message.into())?;
        }
        Poll::Ready(Ok(()))
    }
}
