//! The way past a pipe's task: what a server says to many is written to its kernel by who says it, as
//! on a socket that its task has lent.

use std::sync::Arc;

use bytes::{BufMut, Bytes, BytesMut};
use everbeat_core::Message;
use everbeat_core::transport::{Hatch, Hatches};

use super::end::Holder;
use super::frame::{FRAGMENT, Frame};
use super::wire::Side;
use crate::trace::mix;
use crate::world::Shared;

/// One server's end, to others than its pipe
struct Past {
    world: Shared,
    wire: u64,
}

/// Half of a server's connections have one: by the seed, and without a draw of its own, so that
/// whatever else is drawn stays what it was
pub(super) fn hatch(world: &Shared, wire: u64, side: Side) -> Option<Hatch> {
    let drawn = world.with(|world| mix(mix(world.seed, wire), wire));
    let has = side == Side::Server && drawn >> 63 == 1;
    has.then(|| Hatch::new(Arc::new(Past { world: world.clone(), wire }), 0))
}

const TEXT: u8 = 0x81;
const BINARY: u8 = 0x82;

impl Hatches for Past {
    fn frame(&self, message: &Message) -> Option<Bytes> {
        if message.len() > FRAGMENT {
            return None;
        }
        // Of the header only the kind and the length count here
        let size = Frame::Last(message.len(), message.clone()).size(false);
        let mut frame = BytesMut::with_capacity(size);
        frame.put_u8(if message.as_text().is_some() { TEXT } else { BINARY });
        frame.resize(size - message.len(), 0);
        frame.put_slice(message.as_bytes());
        Some(frame.freeze())
    }

    fn pass(&self, _: u8, frame: &[u8]) -> usize {
        let Some(message) = decode(frame) else { return 0 };
        let side = Side::Server;
        self.world.with(|world| {
            let Some(wire) = world.net.wire(self.wire) else { return 0 };
            let (end, way) = wire.from(side);
            if end.holder != Holder::Pipe || !end.is_open() || way.room() == 0 {
                return 0;
            }
            // On a socket it would come in the middle of a frame.
            assert!(end.is_said(), "something waits, and its pipe has been lent");
            let before = end.sent;
            end.begin(Frame::Last(message.len(), message));
            world.pump(self.wire, side);
            // Its pipe counts it when it is told
            let end = world.net.wire(self.wire).map(|wire| wire.end(side));
            end.map_or(0, |end| (std::mem::replace(&mut end.sent, before) - before) as usize)
        })
    }
}

fn decode(frame: &[u8]) -> Option<Message> {
    let header = match frame.len() {
        0..=127 => 2,
        128..=65_539 => 4,
        _ => 10,
    };
    let (head, payload) = frame.split_at_checked(header)?;
    match *head.first()? {
        TEXT => Some(Message::from(String::from_utf8(payload.to_vec()).ok()?)),
        _ => Some(Message::from(payload.to_vec())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_what_it_was_and_weighs_what_its_frame_does() {
        let past = Past { world: Shared::new(1), wire: 0 };
        for len in [0, 1, 125, 126, 65_535, FRAGMENT] {
            for message in [Message::from(vec![7; len]), Message::from("x".repeat(len))] {
                let frame = past.frame(&message).unwrap();
                assert_eq!(frame.len(), Frame::Last(len, message.clone()).size(false));
                assert_eq!(decode(&frame), Some(message));
            }
        }
        assert_eq!(past.frame(&Message::from(vec![7; FRAGMENT + 1])), None);
    }
}
