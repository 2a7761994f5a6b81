//! A header of which only a part has arrived.

use super::block::Block;
use crate::frame::Header;

/// The first bytes of a header
#[derive(Debug, Default)]
pub(super) struct Head {
    bytes: [u8; Header::MAX],
    len: usize,
}

impl Head {
    pub(super) const fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub(super) const fn len(&self) -> usize {
        self.len
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    /// Takes bytes until there are so many, or the block has no more
    pub(super) fn take(&mut self, block: &mut Block, wanted: usize) {
        self.len += block.move_to(&mut self.bytes[self.len..wanted]);
    }
}
