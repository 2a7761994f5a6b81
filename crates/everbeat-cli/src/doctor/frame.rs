//! Frames as they are on the wire, for whoever has to send what everbeat itself never would: the
//! header's bytes are tungstenite's to make and to read.

use std::io::Cursor;

use async_tungstenite::tungstenite::protocol::frame::coding::{Control, Data, OpCode};
use async_tungstenite::tungstenite::protocol::frame::{Frame, FrameHeader};
use bytes::Bytes;

/// The longest frame that is taken: the doctor asks for nothing long
const LONGEST: u64 = 16 << 20;

/// A frame of the server's
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Seen {
    Ping(Bytes),
    Pong(Bytes),
    /// Its code, if it has one, and its reason
    Close(Option<u16>, String),
    /// A message or a part of one
    Data(Bytes),
}

/// A frame of ours, masked as a client's must be (RFC 6455, section 5.3)
pub(super) fn masked(opcode: OpCode, last: bool, payload: &[u8], mask: u32) -> Vec<u8> {
    written(opcode, last, payload, Some(mask.to_be_bytes()))
}

/// The same without its mask, which a server must refuse (RFC 6455, section 5.1)
pub(super) fn unmasked(opcode: OpCode, payload: &[u8]) -> Vec<u8> {
    written(opcode, true, payload, None)
}

fn written(opcode: OpCode, is_final: bool, payload: &[u8], mask: Option<[u8; 4]>) -> Vec<u8> {
    let header = FrameHeader { is_final, opcode, mask, ..FrameHeader::default() };
    let frame = Frame::from_payload(header, Bytes::copy_from_slice(payload));
    let mut bytes = Vec::with_capacity(frame.len());
    // Writing to memory cannot fail.
    _ = frame.format(&mut bytes);
    bytes
}

pub(super) fn ping(payload: &[u8], mask: u32) -> Vec<u8> {
    masked(OpCode::Control(Control::Ping), true, payload, mask)
}

pub(super) fn pong(payload: &[u8], mask: u32) -> Vec<u8> {
    masked(OpCode::Control(Control::Pong), true, payload, mask)
}

pub(super) fn close(code: Option<u16>, reason: &str, mask: u32) -> Vec<u8> {
    let code = code.map(u16::to_be_bytes);
    let payload = [code.as_ref().map_or(&[][..], |code| code), reason.as_bytes()].concat();
    masked(OpCode::Control(Control::Close), true, &payload, mask)
}

/// A text in so many frames, or a part of one
pub(super) fn text(part: &str, first: bool, last: bool, mask: u32) -> Vec<u8> {
    let data = if first { Data::Text } else { Data::Continue };
    masked(OpCode::Data(data), last, part.as_bytes(), mask)
}

/// Takes the first frame out of what was read; nothing if it is not whole yet
///
/// # Errors
///
/// It is none that a server may send; why.
pub(super) fn take(read: &mut Vec<u8>) -> Result<Option<Seen>, String> {
    let mut cursor = Cursor::new(&*read);
    let parsed = FrameHeader::parse(&mut cursor).map_err(|error| error.to_string())?;
    let Some((header, length)) = parsed else {
        return Ok(None);
    };
    if header.mask.is_some() {
        return Err("a masked frame, which a server must not send".into());
    }
    if length > LONGEST {
        return Err(format!("a frame of {length} bytes: {LONGEST} is the most"));
    }
    let begins = cursor.position() as usize;
    let ends = begins + length as usize;
    if read.len() < ends {
        return Ok(None);
    }
    let payload = Bytes::copy_from_slice(&read[begins..ends]);
    read.drain(..ends);
    Ok(Some(match header.opcode {
        OpCode::Control(Control::Ping) => Seen::Ping(payload),
        OpCode::Control(Control::Pong) => Seen::Pong(payload),
        OpCode::Control(Control::Close) => {
            let code = payload.first_chunk().copied().map(u16::from_be_bytes);
            let reason = payload.get(2..).unwrap_or_default();
            Seen::Close(code, String::from_utf8_lossy(reason).into_owned())
        }
        _ => Seen::Data(payload),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_taken_once_it_is_whole_and_the_next_stays() {
        let ping = unmasked(OpCode::Control(Control::Ping), b"abc");
        let close = unmasked(OpCode::Control(Control::Close), b"\x03\xe9bye");
        let all = [&ping[..], &close].concat();
        let mut read = Vec::new();
        let mut seen = Vec::new();
        for byte in all {
            read.push(byte);
            seen.extend(take(&mut read).unwrap());
        }
        assert_eq!(seen, [Seen::Ping("abc".into()), Seen::Close(Some(1001), "bye".into())]);
        assert!(read.is_empty());
    }

    #[test]
    fn ours_are_masked_and_no_server_may_send_such() {
        let mut read = ping(b"abc", 0x01_02_03_04);
        assert_eq!(read, [0x89, 0x83, 1, 2, 3, 4, b'a' ^ 1, b'b' ^ 2, b'c' ^ 3]);
        assert!(take(&mut read).unwrap_err().contains("masked"));
        assert_eq!(close(None, "", 0), [0x88, 0x80, 0, 0, 0, 0]);
        assert_eq!(text("a", true, false, 0)[0], 0x01);
        assert_eq!(text("a", false, true, 0)[0], 0x80);
    }

    #[test]
    fn a_length_beyond_all_measure_is_not_waited_for() {
        let mut read = vec![0x82, 127, 0, 0, 0, 1, 0, 0, 0, 0];
        assert!(take(&mut read).unwrap_err().contains("4294967296"));
        assert!(take(&mut vec![0x83, 0]).is_err(), "a reserved opcode");
        assert_eq!(take(&mut vec![0x88, 1, 3]), Ok(Some(Seen::Close(None, String::new()))));
    }
}
