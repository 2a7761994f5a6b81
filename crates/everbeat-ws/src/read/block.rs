//! A lent block, which one read of a busy socket fills.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_io::AsyncRead;

use crate::frame::{self, Header, Mask};
use crate::pool;

/// A block and which of its bytes are still to be looked at
#[derive(Debug)]
pub(super) struct Block {
    bytes: Box<[u8]>,
    start: usize,
    end: usize,
}

impl Block {
    /// Bytes that were read elsewhere
    pub(super) fn new(bytes: Vec<u8>) -> Self {
        Self { start: 0, end: bytes.len(), bytes: bytes.into_boxed_slice() }
    }

    /// What one read gives; `None` at the stream's end
    #[inline]
    pub(super) fn poll_read<S: AsyncRead + Unpin>(
        cx: &mut Context<'_>,
        socket: &mut S,
    ) -> Poll<io::Result<Option<Self>>> {
        let mut bytes = pool::block();
        match Pin::new(socket).poll_read(cx, &mut bytes) {
            Poll::Ready(Ok(end)) if end > 0 => Poll::Ready(Ok(Some(Self { bytes, start: 0, end }))),
            other => {
                pool::give_block(bytes);
                other.map_ok(|_| None)
            }
        }
    }

    /// Lets the thread have it, if it was lent
    pub(super) fn give_back(self) {
        if self.bytes.len() == pool::BLOCK {
            pool::give_block(self.bytes);
        }
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.start == self.end
    }

    /// What is still to be looked at
    pub(super) fn unread(&self) -> &[u8] {
        &self.bytes[self.start..self.end]
    }

    /// Passes over so many bytes, which are there
    pub(super) const fn skip(&mut self, count: usize) {
        self.start += count;
    }

    /// The next frame, if all of it is here
    #[inline]
    pub(super) fn take_frame(&mut self, header: &Header) -> Option<&mut [u8]> {
        let len = header.frame_len().filter(|&len| len <= self.end - self.start)?;
        let start = self.start;
        self.start += len;
        Some(&mut self.bytes[start..self.start])
    }

    /// As much as fits; how much that was
    pub(super) fn move_to(&mut self, into: &mut [u8]) -> usize {
        let count = into.len().min(self.end - self.start);
        into[..count].copy_from_slice(&self.unread()[..count]);
        self.start += count;
        count
    }

    /// The same, unmasked on the way
    pub(super) fn unmask_to(&mut self, into: &mut [u8], mask: Mask) -> usize {
        let count = into.len().min(self.end - self.start);
        frame::copy(&self.unread()[..count], &mut into[..count], mask);
        self.start += count;
        count
    }
}
