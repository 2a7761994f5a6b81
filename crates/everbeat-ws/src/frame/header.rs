//! A frame's header, read from the bytes that have arrived so far, and written.

use super::Mask;
use crate::error::ProtocolError;

/// What a frame carries
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Opcode {
    Continuation,
    Text,
    Binary,
    Close,
    Ping,
    Pong,
}

impl Opcode {
    pub(crate) const fn is_control(self) -> bool {
        matches!(self, Self::Close | Self::Ping | Self::Pong)
    }

    const fn number(self) -> u8 {
        match self {
            Self::Continuation => 0,
            Self::Text => 1,
            Self::Binary => 2,
            Self::Close => 8,
            Self::Ping => 9,
            Self::Pong => 10,
        }
    }

    const fn from_number(number: u8) -> Result<Self, ProtocolError> {
        Ok(match number {
            0 => Self::Continuation,
            1 => Self::Text,
            2 => Self::Binary,
            8 => Self::Close,
            9 => Self::Ping,
            10 => Self::Pong,
            other => return Err(ProtocolError::Opcode(other)),
        })
    }
}

/// A frame's header; the payload follows it
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) fin: bool,
    pub(crate) opcode: Opcode,
    pub(crate) mask: Option<Mask>,
    /// The payload's length
    pub(crate) payload: u64,
    /// The header's own length: 2 to 14
    pub(crate) len: usize,
}

/// How a header stands with the bytes that have arrived
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Parsed {
    Whole(Header),
    /// At least this many bytes from the frame's first are needed to say more
    Needs(usize),
}

impl Header {
    /// The longest header: a client's frame of more than 65,535 bytes
    pub(crate) const MAX: usize = 14;

    /// Reads a header from a frame's first bytes; what follows the header is ignored
    pub(crate) fn parse(bytes: &[u8]) -> Result<Parsed, ProtocolError> {
        let &[first, second, ref rest @ ..] = bytes else {
            return Ok(Parsed::Needs(2));
        };
        // The first two bytes can already be wrong; the rest of a wrong frame is not waited for
        if first & 0x70 != 0 {
            return Err(ProtocolError::ReservedBit);
        }
        let opcode = Opcode::from_number(first & 0x0f)?;
        let masked = second & 0x80 != 0;
        let short = 2 + if masked { 4 } else { 0 };
        let (payload, len) = match second & 0x7f {
            126 => {
                let Some(length) = rest.first_chunk() else {
                    return Ok(Parsed::Needs(short + 2));
                };
                let payload = u64::from(u16::from_be_bytes(*length));
                if payload < 126 {
                    return Err(ProtocolError::OverlongLength(payload));
                }
                (payload, short + 2)
            }
            127 => {
                let Some(length) = rest.first_chunk() else {
                    return Ok(Parsed::Needs(short + 8));
                };
                match u64::from_be_bytes(*length) {
                    written @ 0..=0xffff => return Err(ProtocolError::OverlongLength(written)),
                    0x8000_0000_0000_0000.. => return Err(ProtocolError::LengthBit),
                    payload => (payload, short + 8),
                }
            }
            payload => (payload.into(), short),
        };
        let Some(header) = bytes.get(..len) else {
            return Ok(Parsed::Needs(len));
        };
        let mask = if masked { header.last_chunk().copied() } else { None };
        Ok(Parsed::Whole(Self { fin: first & 0x80 != 0, opcode, mask, payload, len }))
    }

    /// The frame's length with its header; `None` if no memory could hold it
    pub(crate) fn frame_len(&self) -> Option<usize> {
        usize::try_from(self.payload).ok()?.checked_add(self.len)
    }

    /// The header of a frame with `payload` bytes, and how many of these bytes it takes
    #[inline]
    pub(crate) fn encode(
        fin: bool,
        opcode: Opcode,
        payload: usize,
        mask: Option<Mask>,
    ) -> ([u8; Self::MAX], usize) {
        let mut bytes = [0; Self::MAX];
        let masked = if mask.is_some() { 0x80 } else { 0 };
        bytes[0] = opcode.number() | if fin { 0x80 } else { 0 };
        let mut len = 2;
        match payload {
            0..=125 => bytes[1] = masked | payload as u8,
            126..=0xffff => {
                bytes[1] = masked | 126;
                bytes[2..4].copy_from_slice(&(payload as u16).to_be_bytes());
                len = 4;
            }
            _ => {
                bytes[1] = masked | 127;
                bytes[2..10].copy_from_slice(&(payload as u64).to_be_bytes());
                len = 10;
            }
        }
        if let Some(mask) = mask {
            bytes[len..len + 4].copy_from_slice(&mask);
            len += 4;
        }
        (bytes, len)
    }

    /// This header's bytes, and how many there are: a length is in the fewest that it needs, so that
    /// there is only one way to write it
    pub(crate) fn bytes(&self) -> ([u8; Self::MAX], usize) {
        // What was read is within the limits, and those are sizes
        Self::encode(self.fin, self.opcode, self.payload as usize, self.mask)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use async_tungstenite::tungstenite::protocol::frame::FrameHeader;
    use async_tungstenite::tungstenite::protocol::frame::coding::OpCode;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Any bytes, and any prefix of them: the same answer as tungstenite's parser, once it has
        /// one, and before that never too few bytes asked for
        #[test]
        fn agrees_with_tungstenite(
            bytes in proptest::collection::vec(any::<u8>(), 0..=Header::MAX + 2),
            // Most lengths that come by chance are large ones
            zeros in 0..=10usize,
        ) {
            let mut bytes = bytes;
            bytes.iter_mut().take(zeros).skip(2).for_each(|byte| *byte = 0);
            let theirs = FrameHeader::parse(&mut Cursor::new(&bytes));
            match (Header::parse(&bytes), theirs) {
                (Ok(Parsed::Whole(ours)), Ok(Some((theirs, payload)))) => {
                    prop_assert_eq!(ours.payload, payload);
                    prop_assert_eq!(ours.fin, theirs.is_final);
                    prop_assert_eq!(ours.mask, theirs.mask);
                    prop_assert_eq!(OpCode::from(ours.opcode.number()), theirs.opcode);
                    prop_assert_eq!(ours.len, theirs.len(payload));
                    for cut in 0..ours.len {
                        match Header::parse(&bytes[..cut]) {
                            Ok(Parsed::Needs(needs)) => {
                                prop_assert!(needs > cut && needs <= ours.len);
                            }
                            other => prop_assert!(false, "{:?}", other),
                        }
                    }
                }
                (Ok(Parsed::Needs(needs)), Ok(None)) => prop_assert!(needs > bytes.len()),
                (Err(ProtocolError::Opcode(_)), theirs) => {
                    // Tungstenite waits for the whole header before it looks at the opcode
                    prop_assert!(!matches!(theirs, Ok(Some(_))));
                }
                (Err(ProtocolError::ReservedBit), theirs) => {
                    if let Ok(Some((theirs, _))) = theirs {
                        prop_assert!(theirs.rsv1 || theirs.rsv2 || theirs.rsv3);
                    }
                }
                // Tungstenite minds neither
                (Err(ProtocolError::OverlongLength(written)), theirs) => {
                    if let Ok(Some((theirs, payload))) = theirs {
                        prop_assert_eq!(written, payload);
                        // The length in bytes that tungstenite would have written
                        let mask = if theirs.mask.is_some() { 4 } else { 0 };
                        let extended = if bytes[1] & 0x7f == 126 { 2 } else { 8 };
                        prop_assert!(theirs.len(payload) < 2 + extended + mask);
                    }
                }
                (Err(ProtocolError::LengthBit), theirs) => {
                    if let Ok(Some((_, payload))) = theirs {
                        prop_assert!(payload >> 63 == 1);
                    }
                }
                (ours, theirs) => prop_assert!(false, "{:?} {:?}", ours, theirs),
            }
        }

        #[test]
        fn what_is_written_reads_back(
            fin in any::<bool>(), number in 0..3u8, mask in any::<Option<[u8; 4]>>(),
            payload in prop_oneof![0..200usize, 65_000..66_000usize, any::<u32>().prop_map(|n| n as usize)],
        ) {
            let opcode = Opcode::from_number(number).unwrap();
            let (bytes, len) = Header::encode(fin, opcode, payload, mask);
            let header = Header { fin, opcode, mask, payload: payload as u64, len };
            prop_assert_eq!(Header::parse(&bytes[..len]), Ok(Parsed::Whole(header)));
            prop_assert_eq!(header.bytes(), (bytes, len));
        }
    }
    #[test]
    fn a_length_is_written_in_the_fewest_bytes() {
        let long = |form: u8, length: &[u8]| Header::parse(&[&[0x82, form], length].concat());
        let two = |length: u16| long(126, &length.to_be_bytes());
        let eight = |length: u64| long(127, &length.to_be_bytes());
        for (parsed, length) in
            [(two(0), 0), (two(125), 125), (eight(0), 0), (eight(65_535), 65_535)]
        {
            assert_eq!(parsed, Err(ProtocolError::OverlongLength(length)));
        }
        for (parsed, length) in [(two(126), 126), (two(65_535), 65_535), (eight(65_536), 65_536)] {
            assert!(matches!(parsed, Ok(Parsed::Whole(header)) if header.payload == length));
        }
        // The mask of a wrong frame is not waited for
        assert_eq!(long(0x80 | 126, &[0, 5]), Err(ProtocolError::OverlongLength(5)));
    }

    #[test]
    fn the_top_bit_of_a_length_is_zero() {
        let parse =
            |length: u64| Header::parse(&[&[0x82, 127][..], &length.to_be_bytes()].concat());
        for length in [1 << 63, u64::MAX] {
            assert_eq!(parse(length), Err(ProtocolError::LengthBit));
        }
        let largest = u64::MAX >> 1;
        assert!(matches!(parse(largest), Ok(Parsed::Whole(header)) if header.payload == largest));
    }
}
