//! What the application sends, and how a connection is driven while its application does not read:
//! one message ahead at most, and the beat goes on.

use core::pin::Pin;
use core::task::{Poll, ready};

use super::driver::Driver;
use super::open::{FRAMES_PER_POLL, Read};
use super::unusual::Unusual;
use crate::cause::Cause;
use crate::event::Event;
use crate::message::{Message, Outgoing};
use crate::time::{Timer, Wake};
use crate::transport::Transport;

impl<T: Transport, K: Timer> Driver<T, K> {
    /// Waits until a message would be taken
    pub(crate) fn poll_room(
        mut self: Pin<&mut Self>,
        wake: &mut Wake<'_, '_>,
    ) -> Poll<Result<(), Cause>> {
        self.refuse_unless_open()?;
        if self.unusual.as_ref().is_some_and(|unusual| unusual.address_gone) {
            // What is written from there never arrives.
            return self.poll_ahead(wake).map(|ended| ended.map(drop));
        }
        match self.as_mut().poll_transport_room(wake.cx) {
            Poll::Ready(Ok(())) => Poll::Ready(Ok(())),
            Poll::Ready(Err(error)) => self.fail_sending(error, wake),
            Poll::Pending => self.poll_ahead(wake),
        }
    }

    /// Takes a message, for which there is room
    pub(crate) fn accept(mut self: Pin<&mut Self>, message: Message) {
        let mut this = self.as_mut().project();
        let (aside, retain) = (this.transport.sent_aside(), this.pace.config().retain_bytes());
        this.since_clock.unproven |= this.ledger.write(&message, aside, retain);
        this.since_clock.wrote = true;
        this.turn.note_sent();
        this.since_clock.unflushed = true;
        let sent = match this.unusual.as_mut().and_then(|unusual| unusual.own.as_mut()) {
            None => this.transport.as_mut().start_send(message.into()),
            Some(own) => own.pass(this.transport.as_mut(), message),
        };
        // Taken is taken: a transport that cannot send leaves the message unconfirmed.
        if let Err(error) = sent {
            if self.is_open() {
                self.fail(T::classify(&error));
            }
        }
    }

    /// Asks the transport to write what it was given; ready once it has
    pub(crate) fn poll_write(
        mut self: Pin<&mut Self>,
        wake: &mut Wake<'_, '_>,
    ) -> Poll<Result<(), Cause>> {
        self.refuse_unless_open()?;
        match self.as_mut().poll_flush_all(wake.cx) {
            Poll::Ready(Ok(())) => {
                self.as_mut().project().since_clock.note_flushed();
                self.keep_beat(wake)
            }
            Poll::Ready(Err(error)) => self.fail_sending(error, wake),
            Poll::Pending => self.poll_ahead(wake),
        }
    }

    /// Does what is due, for a task that only sends; ready unless the connection ends
    ///
    /// The alarm tells whether anything is: a message costs neither a look at the clock nor a read.
    fn keep_beat(mut self: Pin<&mut Self>, wake: &mut Wake<'_, '_>) -> Poll<Result<(), Cause>> {
        let told = self.unusual.as_ref().is_some_and(|it| it.probe || it.address_gone);
        let nothing_is_ever_due =
            self.pace.heartbeat().is_none() && self.pace.config().idle().is_none();
        if told {
            // It is looked at now.
        } else if nothing_is_ever_due
            || self.as_mut().project().alarm.poll_armed(wake.cx).is_pending()
        {
            return Poll::Ready(Ok(()));
        }
        match self.poll_ahead(wake) {
            Poll::Ready(ended) => Poll::Ready(ended),
            Poll::Pending => Poll::Ready(Ok(())),
        }
    }

    /// Drives the connection while the application sends; pending, unless the connection ends
    fn poll_ahead(mut self: Pin<&mut Self>, wake: &mut Wake<'_, '_>) -> Poll<Result<(), Cause>> {
        loop {
            ready!(self.as_mut().poll_step_ahead(wake));
            self.refuse_unless_open()?;
        }
    }

    /// Drives the connection while nobody reads; ready once it is over, and its end waits to be read
    pub(crate) fn poll_unread(mut self: Pin<&mut Self>, wake: &mut Wake<'_, '_>) -> Poll<()> {
        while !self.is_over() {
            ready!(self.as_mut().poll_step_ahead(wake));
        }
        Poll::Ready(())
    }

    /// One step with nobody to read what comes of it: keeps the beat, reads one message ahead, and
    /// drops what comes behind that one once the connection is closing
    fn poll_step_ahead(mut self: Pin<&mut Self>, wake: &mut Wake<'_, '_>) -> Poll<()> {
        let full = self.unusual.as_ref().is_some_and(|unusual| unusual.has_message());
        let step = if full && self.is_open() {
            self.as_mut().poll_unread_time(wake)
        } else {
            self.as_mut().poll_round(wake)
        };
        match ready!(step) {
            Some(Event::Message(_)) if full => {}
            Some(event) => Unusual::of(self.project().unusual).stash(event),
            None => {}
        }
        Poll::Ready(())
    }

    /// A write failed: what the peer said before it went away is read first, for nobody reads, up to
    /// 64 messages of it
    pub(super) fn fail_sending<R>(
        mut self: Pin<&mut Self>,
        error: T::Error,
        wake: &mut Wake<'_, '_>,
    ) -> Poll<Result<R, Cause>> {
        // Whoever wakes up to send learns of its own lateness before it learns of what came of it.
        self.as_mut().tell_stall(wake);
        self.as_mut().project().since_clock.frames = 0;
        while let Read::Event(event) = self.as_mut().read(wake) {
            let unusual = Unusual::of(self.as_mut().project().unusual);
            unusual.stash(event);
            if unusual.unread() > usize::from(FRAMES_PER_POLL) {
                break;
            }
        }
        if self.is_open() {
            self.as_mut().fail(T::classify(&error));
        }
        Poll::Ready(self.refuse_unless_open().and(Err(T::classify(&error))))
    }

    /// [`poll_open`](Self::poll_open) while a message waits to be read
    ///
    /// Whatever the peer answers is behind that message, so only one thing can be held against it:
    /// that it takes nothing of ours either.
    fn poll_unread_time(mut self: Pin<&mut Self>, wake: &mut Wake<'_, '_>) -> Poll<Option<Event>> {
        // Unconditional: what others than the connection send, only the transport knows of.
        match self.as_mut().poll_flush_all(wake.cx) {
            Poll::Ready(Ok(())) => self.as_mut().project().since_clock.note_flushed(),
            Poll::Ready(Err(error)) => {
                let _ = self.fail_sending::<()>(error, wake);
                return Poll::Ready(None);
            }
            Poll::Pending => {}
        }
        let now = wake.now(&self.timer);
        let sent = self.transport.sent();
        if let Some(heartbeat) = self.as_mut().project().pace.heartbeat_mut() {
            let progressed = (sent != heartbeat.sent()).then_some(sent);
            heartbeat.handle_unread(progressed, now);
        }
        self.poll_time(wake)
    }
}

impl From<Message> for Outgoing {
    fn from(message: Message) -> Self {
        Self::Message(message)
    }
}
