//! A payload that arrives in parts, in the buffer that the message keeps: what fills it is read where
//! it stays, and unmasked as it comes.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_io::AsyncRead;

use super::block::Block;
use crate::error::ProtocolError;
use crate::frame::{self, Header, Mask};
use crate::pool;

use super::room::Room;

/// How much room a header's word is worth, in bytes: most messages fit, and a peer that only promises
/// costs no more
const FIRST: usize = 4 << 10;

/// How many times as much as has arrived there may be room for: a block full of 64 KiB makes room for
/// all of it, and one of 16 MiB is moved four times
const AHEAD: usize = 4;

/// A frame whose payload is not whole
#[derive(Debug)]
pub(super) struct Body {
    /// Without its mask
    header: Header,
    mask: Option<Mask>,
    /// How long the payload will be
    total: usize,
    /// From `start` on what has arrived of it, unmasked, and then room
    bytes: Vec<u8>,
    start: usize,
    filled: usize,
}

impl Body {
    /// One of which nothing is here; an error if no memory could hold it
    pub(super) fn new(mut header: Header) -> Result<Self, ProtocolError> {
        let total = usize::try_from(header.payload).map_err(|_| ProtocolError::Codec)?;
        let mask = header.mask.take();
        Ok(Self { header, mask, total, bytes: Vec::new(), start: 0, filled: 0 })
    }

    /// One that begins with what is left of the block, and stays in the block if that is worth it
    pub(super) fn begin(header: Header, block: &mut Block) -> Result<Self, ProtocolError> {
        let mut body = Self::new(header)?;
        let arrived = block.unread().len();
        let frame = header.frame_len().unwrap_or(usize::MAX);
        if let Some((bytes, start)) = block.hand_over(frame, arrived.saturating_mul(AHEAD)) {
            body.bytes = bytes;
            body.start = start + header.len;
            body.arrive(arrived - header.len);
        } else {
            block.skip(header.len);
            body.take(block);
        }
        Ok(body)
    }

    /// How many bytes of the frame are here, those of its header too
    pub(super) const fn arrived(&self) -> usize {
        self.header.len + self.filled
    }

    pub(super) const fn is_whole(&self) -> bool {
        self.filled == self.total
    }

    /// The payload, whole and unmasked, and the header as if it had never been masked
    pub(super) fn into_parts(self) -> (Header, Room) {
        (self.header, Room::new(self.bytes, self.start..self.start + self.total))
    }

    fn room(&mut self) -> &mut [u8] {
        &mut self.bytes[self.start + self.filled..]
    }

    /// So much has come into its own room
    fn arrive(&mut self, count: usize) {
        if let Some(mask) = self.mask {
            let mask = frame::behind(mask, self.filled);
            frame::apply(&mut self.room()[..count], mask);
        }
        self.filled += count;
    }

    /// Takes what the block has of it
    pub(super) fn take(&mut self, block: &mut Block) {
        while !block.is_empty() && !self.is_whole() {
            self.make_room(block.unread().len());
            let (mask, filled) = (self.mask, self.filled);
            self.filled += match mask {
                Some(mask) => block.unmask_to(self.room(), frame::behind(mask, filled)),
                None => block.move_to(self.room()),
            };
        }
    }

    /// Whether to read into its own room: there is more to come than a block would hold, and as much
    /// room for it
    pub(super) const fn is_worth_a_read(&self) -> bool {
        self.total - self.filled >= pool::BLOCK && self.filled * AHEAD >= 2 * pool::BLOCK
    }

    /// Reads into its own room, never beyond the frame; how much that was, 0 at the stream's end
    pub(super) fn poll_fill<S: AsyncRead + Unpin>(
        &mut self,
        cx: &mut Context<'_>,
        socket: &mut S,
    ) -> Poll<io::Result<usize>> {
        self.make_room(0);
        let polled = Pin::new(socket).poll_read(cx, self.room());
        if let Poll::Ready(Ok(count)) = polled {
            self.arrive(count);
        }
        polled
    }

    /// Makes room, if there is none, in proportion to what has arrived and is just arriving
    fn make_room(&mut self, arriving: usize) {
        if self.start + self.filled < self.bytes.len() {
            return;
        }
        // In a block that was handed over there is room for all, so that this begins at 0
        let arrived = (self.arrived() + arriving).saturating_mul(AHEAD);
        let room = self.total.min(arrived.max(FIRST));
        if room > self.bytes.capacity() {
            if let Some(mut spent) = pool::spent(room) {
                spent.resize(room, 0);
                spent[..self.filled].copy_from_slice(&self.bytes);
                self.bytes = spent;
                return;
            }
            if self.bytes.is_empty() {
                self.bytes = vec![0; room];
                return;
            }
            // To the byte, for the message keeps it
            self.bytes.reserve_exact(room - self.filled);
        }
        self.bytes.resize(room, 0);
    }
}
