//! Where a payload lies that has a buffer to itself. Whoever lets go of it last, the application or the
//! socket that it went to, leaves the buffer to his thread.

use std::mem;
use std::ops::Range;

use bytes::Bytes;

use crate::pool;

/// A buffer, and where in it the payload lies
#[derive(Debug, Default)]
pub(super) struct Room {
    bytes: Vec<u8>,
    payload: Range<usize>,
}

impl Room {
    pub(super) const fn new(bytes: Vec<u8>, payload: Range<usize>) -> Self {
        Self { bytes, payload }
    }

    /// What is in it; a small one is not worth more than itself
    pub(super) fn into_bytes(mut self) -> Bytes {
        match self.bytes.len() {
            ..pool::BLOCK => Bytes::from(mem::take(&mut self.bytes)).slice(self.payload.clone()),
            _ => Bytes::from_owner(self),
        }
    }
}

impl AsRef<[u8]> for Room {
    fn as_ref(&self) -> &[u8] {
        &self.bytes[self.payload.clone()]
    }
}

impl AsMut<[u8]> for Room {
    fn as_mut(&mut self) -> &mut [u8] {
        &mut self.bytes[self.payload.clone()]
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        pool::give_room(mem::take(&mut self.bytes));
    }
}
