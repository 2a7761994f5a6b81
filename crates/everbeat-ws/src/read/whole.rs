//! A message of one frame, which is nearly every one: unmasked where it lies, copied once if it
//! is small or lies among others, and validated. The codec would copy it once more, into room that it
//! zeroes first.

use bytes::Bytes;
use bytestring::ByteString;
use everbeat_core::Message;

use crate::error::ProtocolError;
use crate::frame::{self, Header, Opcode};
use crate::pool;

use super::room::Room;

/// A message whose payload lies among others
#[inline]
pub(super) fn borrowed(header: &Header, payload: &mut [u8]) -> Result<Message, ProtocolError> {
    if let Some(mask) = header.mask {
        frame::apply(payload, mask);
    }
    message(header.opcode, pool::carve(payload))
}

/// A message whose payload has a buffer to itself, and keeps it; it is unmasked already
pub(super) fn owned(header: &Header, payload: Room) -> Result<Message, ProtocolError> {
    message(header.opcode, payload.into_bytes())
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
