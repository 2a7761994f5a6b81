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
    /// What has arrived of it, unmasked, and then room
    bytes: Vec<u8>,
    filled: usize,
}

impl Body {
    /// One of which nothing is here; an error if no memory could hold it
    pub(super) fn new(mut header: Header) -> Result<Self, ProtocolError> {
        let total = usize::try_from(header.payload).map_err(|_| ProtocolError::Codec)?;
        let mask = header.mask.take();
        Ok(Self { header, mask, total, bytes: Vec::new(), filled: 0 })
    }

    /// How many bytes of the frame are here, those of its header too
    pub(super) const fn arrived(&self) -> usize {
        self.header.len + self.filled
    }

    pub(super) const fn is_whole(&self) -> bool {
        self.filled == self.total
    }

    /// The payload, whole and unmasked, and the header as if it had never been masked
    pub(super) fn into_parts(self) -> (Header, Vec<u8>) {
        (self.header, self.bytes)
    }

    /// Takes what the block has of it
    pub(super) fn take(&mut self, block: &mut Block) {
        while !block.is_empty() && !self.is_whole() {
            self.make_room(block.unread().len());
            let room = &mut self.bytes[self.filled..];
            self.filled += match self.mask {
                Some(mask) => block.unmask_to(room, frame::behind(mask, self.filled)),
                None => block.move_to(room),
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
        let room = &mut self.bytes[self.filled..];
        let polled = Pin::new(socket).poll_read(cx, room);
        if let Poll::Ready(Ok(count)) = polled {
            if let Some(mask) = self.mask {
                frame::apply(&mut room[..count], frame::behind(mask, self.filled));
            }
            self.filled += count;
        }
        polled
    }

    /// Makes room, if there is none, in proportion to what has arrived and is just arriving
    fn make_room(&mut self, arriving: usize) {
        if self.filled < self.bytes.len() {
            return;
        }
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
