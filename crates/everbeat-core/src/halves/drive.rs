//! What a pump asks of whatever it drives; the same of a connection and of a client.

use std::pin::Pin;
use std::task::Poll;

use crate::client::Client;
use crate::connection::Connection;
use crate::event::Event;
use crate::message::Message;
use crate::time::{Timer, Wake};
use crate::transport::{Connect, Transport};

/// What a pump drives
#[expect(unnameable_types, reason = "it seals the public trait of the same name")]
pub trait Drive {
    /// Ready when a message would be taken, also while a close waits for it; never if it ends
    fn poll_room(self: Pin<&mut Self>, wake: &mut Wake<'_, '_>) -> Poll<()>;

    /// Takes a message, for which there is room
    fn accept(self: Pin<&mut Self>, message: Message);

    /// Writes what was taken, as far as it can be written now; an error is the last event
    fn write(self: Pin<&mut Self>, wake: &mut Wake<'_, '_>);

    /// Closes, what the pump still has first; called again, it only learns whether there is more
    fn begin_close_after(self: Pin<&mut Self>, more: bool);

    /// The next event; `None` after the last
    fn poll_next_in(self: Pin<&mut Self>, wake: &mut Wake<'_, '_>) -> Poll<Option<Event>>;

    /// Keeps the beat while nobody reads; ready once it is over, and its end waits to be read
    fn poll_unread(self: Pin<&mut Self>, wake: &mut Wake<'_, '_>) -> Poll<()>;
}

impl<T: Transport, K: Timer> Drive for Connection<T, K> {
    fn poll_room(self: Pin<&mut Self>, wake: &mut Wake<'_, '_>) -> Poll<()> {
        self.poll_room_for_rest(wake)
    }

    fn accept(self: Pin<&mut Self>, message: Message) {
        Self::accept(self, message);
    }

    fn write(self: Pin<&mut Self>, wake: &mut Wake<'_, '_>) {
        let _ = self.poll_write(wake);
    }

    fn begin_close_after(self: Pin<&mut Self>, more: bool) {
        Self::begin_close_after(self, more);
    }

    fn poll_next_in(self: Pin<&mut Self>, wake: &mut Wake<'_, '_>) -> Poll<Option<Event>> {
        Self::poll_next_in(self, wake)
    }

    fn poll_unread(self: Pin<&mut Self>, wake: &mut Wake<'_, '_>) -> Poll<()> {
        Self::poll_unread(self, wake)
    }
}

impl<C: Connect, K: Timer + Clone> Drive for Client<C, K> {
    fn poll_room(self: Pin<&mut Self>, wake: &mut Wake<'_, '_>) -> Poll<()> {
        self.poll_room_for_rest(wake)
    }

    fn accept(self: Pin<&mut Self>, message: Message) {
        Self::accept(self, message);
    }

    fn write(self: Pin<&mut Self>, wake: &mut Wake<'_, '_>) {
        self.pump(wake);
    }

    fn begin_close_after(self: Pin<&mut Self>, more: bool) {
        Self::begin_close_after(self, more);
    }

    fn poll_next_in(self: Pin<&mut Self>, wake: &mut Wake<'_, '_>) -> Poll<Option<Event>> {
        Self::poll_next_in(self, wake)
    }

    fn poll_unread(self: Pin<&mut Self>, wake: &mut Wake<'_, '_>) -> Poll<()> {
        Self::poll_unread(self, wake)
    }
}
