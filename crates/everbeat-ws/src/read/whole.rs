//! A message of one frame, which is nearly every one: unmasked where it lies, copied once, and
//! validated. The codec would copy it once more, into room that it zeroes first.

use bytes::{Buf, Bytes};
use bytestring::ByteString;
use everbeat_core::Message;

use crate::error::ProtocolError;
use crate::frame::{self, Header, Opcode};
use crate::pool;

/// A message from a frame that lies among others
#[inline]
pub(super) fn borrowed(header: &Header, frame: &mut [u8]) -> Result<Message, ProtocolError> {
    let payload = &mut frame[header.len..];
    if let Some(mask) = header.mask {
        frame::apply(payload, mask);
    }
    message(header.opcode, pool::carve(payload))
}

/// A message from a frame that has a buffer to itself, and keeps it
pub(super) fn owned(header: &Header, mut frame: Vec<u8>) -> Result<Message, ProtocolError> {
    if let Some(mask) = header.mask {
        frame::apply(&mut frame[header.len..], mask);
    }
    let mut payload = Bytes::from(frame);
    payload.advance(header.len);
    message(header.opcode, payload)
}

#[inline]
fn message(opcode: Opcode, payload: Bytes) -> Result<Message, ProtocolError> {
    match opcode {
        Opcode::Text => match ByteString::try_from(payload) {
            Ok(text) => Ok(Message::Text(text)),
            Err(_) => Err(ProtocolError::Utf8),
        },
        _ => Ok(Message::Binary(payload)),
    }
}
