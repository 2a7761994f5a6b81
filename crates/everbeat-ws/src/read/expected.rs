//! How large a peer's next frame may be: as large as its last one. The first read of it takes it whole.

use crate::frame::Header;
use crate::pool;

const KIB: usize = 1 << 10;

/// A frame with less payload fits into a block
const SMALL: u64 = (pool::BLOCK - Header::MAX) as u64;

/// Room for a frame that a block could not hold, in KiB; none if it could
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Expected(u8);

impl Expected {
    /// What the next read should have room for; nothing is expected of those who have not kept to it
    #[inline]
    pub(super) const fn room(self) -> usize {
        if self.0 == 0 { pool::BLOCK } else { self.0 as usize * KIB }
    }

    /// A frame has begun; one of control says nothing
    #[inline]
    pub(super) fn note(&mut self, header: &Header) {
        if self.0 != 0 || header.payload >= SMALL {
            self.note_large(header);
        }
    }

    /// Apart, for most peers have only small ones
    #[cold]
    fn note_large(&mut self, header: &Header) {
        if header.opcode.is_control() {
            return;
        }
        self.0 = match header.frame_len() {
            // More than fits, so that a read is not filled: then it is known that there is no more
            Some(len @ pool::BLOCK..pool::LARGEST_KEPT) => (len / KIB + 1) as u8,
            _ => 0,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::{Opcode, Parsed};

    /// The room behind a frame, and the frame's length
    fn behind(payload: usize) -> [usize; 2] {
        let (bytes, len) = Header::encode(true, Opcode::Binary, payload, Some([7; 4]));
        let Ok(Parsed::Whole(header)) = Header::parse(&bytes[..len]) else {
            panic!("{bytes:?} is a header");
        };
        let mut expected = Expected(99);
        expected.note(&header);
        [expected.room(), payload + len]
    }

    #[test]
    fn there_is_room_for_one_as_large_and_a_little_more() {
        for payload in [16 << 10, 20_000, 64 << 10, (65 << 10) - 14, 100_000, (160 << 10) - 15] {
            let [room, frame] = behind(payload);
            assert!((1..=KIB).contains(&(room - frame)), "{frame}: {room}");
        }
    }

    #[test]
    fn a_block_is_for_all_that_fits_and_for_what_is_never_kept() {
        for payload in [0, 1_000, (16 << 10) - 9, (160 << 10) - 14, 1 << 30] {
            assert_eq!(behind(payload)[0], pool::BLOCK, "{payload}");
        }
    }
}
