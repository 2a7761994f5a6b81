//! How messages are taken, queued, and given to the connection that stands, if one does.

use core::task::{Poll, ready};

use super::driver::Driver;
use super::state::State;
use super::{SendError, over};
use crate::connection::Connection;
use crate::message::Message;
use crate::time::{Timer, Wake};
use crate::transport::Connect;

/// Steps that one message drives at most, so that no connector that fails at once can hold it up
const STEPS_PER_MESSAGE: usize = 8;

impl<C: Connect, K: Timer + Clone> Driver<C, K> {
    /// Takes a message into the queue, if it fits
    pub(super) fn offer(&mut self, message: Message) -> Result<(), SendError> {
        if let Some(cause) = over(self.outcome(), self.is_closing()) {
            return Err(SendError::Over { message, cause: Some(cause) });
        }
        self.backlog.offer(message, &self.reconnect.source().get().queue)?;
        self.counts.accepted += 1;
        self.turn.note_sent();
        Ok(())
    }

    /// Takes a message as [`offer`](Self::offer) does; if a connection stands and takes it, past the
    /// queue
    fn offer_now(&mut self, message: Message, wake: &mut Wake<'_, '_>) -> Result<(), SendError> {
        let next = !self.backlog.has_outgoing() && !self.is_closing();
        if let State::Up(connection) = &mut self.state {
            let takes = next && self.reconnect.source().get().queue.takes(&message);
            if takes && matches!(connection.driver().poll_room(wake), Poll::Ready(Ok(()))) {
                connection.driver().accept(message);
                // An error is left to the connection's last event, which tells the whole.
                let _ = connection.driver().poll_write(wake);
                self.counts.accepted += 1;
                self.turn.note_sent();
                return Ok(());
            }
        }
        self.offer(message)
    }

    /// Takes a message into the queue, whose limit is not reached
    pub(crate) fn accept(&mut self, message: Message) {
        self.backlog.accept(message);
        self.counts.accepted += 1;
    }

    /// Sends the message in `place`, which is there again while it has to wait for room
    pub(super) fn poll_send(
        &mut self,
        wake: &mut Wake<'_, '_>,
        place: &mut Option<Message>,
    ) -> Poll<Result<(), SendError>> {
        ready!(self.turn.poll(wake.cx));
        let Some(message) = place.take() else {
            return Poll::Ready(Ok(()));
        };
        let span = self.span();
        let _entered = span.as_deref().map(tracing::Span::enter);
        // First of all, for it may be that nothing is to be written any more.
        self.listen(wake);
        let message = match self.offer_now(message, wake) {
            Err(SendError::Full { message, .. }) if self.settings().queue.waits() => message,
            done => {
                self.keep_going(wake);
                return Poll::Ready(done);
            }
        };
        let length = message.len();
        let room = |it: &Self| it.backlog.fits(length, &it.settings().queue);
        if self.poll_room(wake, room).is_ready() {
            let done = self.offer(message);
            self.keep_going(wake);
            return Poll::Ready(done);
        }
        *place = Some(message);
        Poll::Pending
    }

    /// Waits until `room` says that there is; ready too if none can be made
    pub(super) fn poll_room(
        &mut self,
        wake: &mut Wake<'_, '_>,
        room: impl Fn(&Self) -> bool,
    ) -> Poll<()> {
        loop {
            self.pump(wake);
            if room(self) || self.is_stuck() || self.state.is_over() {
                return Poll::Ready(());
            }
            ready!(self.poll_step_unread(wake));
        }
    }

    /// Ready when the queue's limit is not reached, also while a close waits; never if it is over
    #[cfg(feature = "std")]
    pub(crate) fn poll_room_for_rest(&mut self, wake: &mut Wake<'_, '_>) -> Poll<()> {
        self.pump(wake);
        let room = !self.state.is_over() && self.backlog.has_room(&self.settings().queue);
        if room { Poll::Ready(()) } else { Poll::Pending }
    }

    /// After a message: on its way, if a connection stands; if none does, what is due is done, for
    /// the task may do nothing but send
    fn keep_going(&mut self, wake: &mut Wake<'_, '_>) {
        self.pump(wake);
        for _ in 0..STEPS_PER_MESSAGE {
            let open = self.connection().is_some_and(Connection::is_open);
            if open || self.state.is_over() || self.poll_step_unread(wake).is_pending() {
                return;
            }
        }
    }

    /// Gives the connection what is queued, as far as it takes it, and asks it once to write
    pub(crate) fn pump(&mut self, wake: &mut Wake<'_, '_>) {
        let State::Up(connection) = &mut self.state else {
            return;
        };
        let mut wrote = false;
        // Errors are left to the connection's last event, which tells the whole.
        while self.backlog.has_outgoing() {
            let Poll::Ready(Ok(())) = connection.driver().poll_room(wake) else {
                break;
            };
            let Some(message) = self.backlog.next_outgoing() else {
                break;
            };
            connection.driver().accept(message);
            wrote = true;
        }
        if wrote {
            let _ = connection.driver().poll_write(wake);
        }
    }

    /// Ready once the connection's transport has written all it was given
    pub(super) fn poll_written(&mut self, wake: &mut Wake<'_, '_>) -> Poll<()> {
        match &mut self.state {
            // An error is the connection's last event.
            State::Up(connection) => connection.driver().poll_write(wake).map(drop),
            _ => Poll::Ready(()),
        }
    }
}
