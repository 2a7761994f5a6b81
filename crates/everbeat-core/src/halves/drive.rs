//! What a pump asks of whatever it drives; the same of a connection and of a client.

use std::pin::Pin;
use std::task::{Poll, ready};

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

    /// The next event if somebody reads; `None` after the last
    ///
    /// Otherwise it keeps the beat and is pending, for a slow reader slows the peer and not us; but
    /// once it is over, what was read ahead and the end are events, whether somebody reads or not.
    fn poll_event(
        self: Pin<&mut Self>,
        wake: &mut Wake<'_, '_>,
        reading: bool,
    ) -> Poll<Option<Event>>;
}

impl<T: Transport, K: Timer> Drive for Connection<T, K> {
    fn poll_room(self: Pin<&mut Self>, wake: &mut Wake<'_, '_>) -> Poll<()> {
        self.get_mut().driver().poll_room_for_rest(wake)
    }

    fn accept(self: Pin<&mut Self>, message: Message) {
        self.get_mut().driver().accept(message);
    }

    fn write(self: Pin<&mut Self>, wake: &mut Wake<'_, '_>) {
        let _ = self.get_mut().driver().poll_write(wake);
    }

    fn begin_close_after(self: Pin<&mut Self>, more: bool) {
        self.get_mut().driver().begin_close_after(more);
    }

    fn poll_event(
        self: Pin<&mut Self>,
        wake: &mut Wake<'_, '_>,
        reading: bool,
    ) -> Poll<Option<Event>> {
        let mut driver = self.get_mut().driver();
        if !reading {
            ready!(driver.as_mut().poll_unread(wake));
        }
        driver.poll_next(wake)
    }
}

impl<C: Connect, K: Timer + Clone> Drive for Client<C, K> {
    fn poll_room(self: Pin<&mut Self>, wake: &mut Wake<'_, '_>) -> Poll<()> {
        self.get_mut().driver().poll_room_for_rest(wake)
    }

    fn accept(self: Pin<&mut Self>, message: Message) {
        self.get_mut().driver().accept(message);
    }

    fn write(self: Pin<&mut Self>, wake: &mut Wake<'_, '_>) {
        self.get_mut().driver().pump(wake);
    }

    fn begin_close_after(self: Pin<&mut Self>, more: bool) {
        self.get_mut().driver().begin_close_after(more);
    }

    fn poll_event(
        self: Pin<&mut Self>,
        wake: &mut Wake<'_, '_>,
        reading: bool,
    ) -> Poll<Option<Event>> {
        let driver = self.get_mut().driver();
        if !reading {
            ready!(driver.poll_unread(wake));
        }
        driver.poll_next(wake)
    }
}
