//! A message as it goes to many at once, past their tasks.

use bytes::{BufMut, Bytes, BytesMut};
use everbeat_core::Message;

use crate::frame::{Header, Opcode};

/// The longest payload that goes past a connection's task: what a socket takes at once as a rule, and
/// is one frame by the default settings
pub(crate) const LONGEST_PASSED: usize = 64 << 10;

/// A server's frame of a message, whole and not masked (RFC 6455, section 5.2); `None` if its payload is
/// longer than 64 KiB, for then it does not go past the tasks
#[must_use]
pub fn frame(message: &Message) -> Option<Bytes> {
    let (opcode, payload) = match message {
        Message::Text(text) => (Opcode::Text, &text.as_bytes()[..]),
        Message::Binary(bytes) => (Opcode::Binary, &bytes[..]),
    };
    if payload.len() > LONGEST_PASSED {
        return None;
    }
    let (header, len) = Header::encode(true, opcode, payload.len(), None);
    let mut frame = BytesMut::with_capacity(len + payload.len());
    frame.put_slice(&header[..len]);
    frame.put_slice(payload);
    Some(frame.freeze())
}
