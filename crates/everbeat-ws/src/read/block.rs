//! A lent block, which one read of a busy socket fills. Of a peer whose frames are large it is as large
//! as they are, and if such a frame is what came, the block is its payload's room from then on.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::{io, mem};

use futures_io::AsyncRead;

use crate::frame::{self, Header, Mask};
use crate::pool;

use super::room::Room;

/// A block and which of its bytes are still to be looked at
#[derive(Debug, Default)]
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

    /// What one read gives, at most as much as there is to be room for; `None` at the stream's end
    #[inline]
    pub(super) fn poll_read<S: AsyncRead + Unpin>(
        cx: &mut Context<'_>,
        socket: &mut S,
        room: usize,
    ) -> Poll<io::Result<Option<Self>>> {
        let mut bytes = match room {
            pool::BLOCK => pool::block(),
            room => pool::room(room),
        };
        match Pin::new(socket).poll_read(cx, &mut bytes) {
            Poll::Ready(Ok(end)) if end > 0 => Poll::Ready(Ok(Some(Self { bytes, start: 0, end }))),
            other => {
                Self { bytes, start: 0, end: 0 }.give_back();
                other.map_ok(|_| None)
            }
        }
    }

    /// Lets the thread have it, if it was lent
    pub(super) fn give_back(self) {
        match self.bytes.len() {
            pool::BLOCK => pool::give_block(self.bytes),
            _ => pool::give_room(self.bytes.into()),
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

    /// Whether a frame of this length is large, and most of what the block has room for
    const fn is_for(&self, frame: usize) -> bool {
        frame > pool::BLOCK && frame >= self.bytes.len() / 2
    }

    /// The next frame's payload, unmasked, if all of it is here and so large that it may keep the block;
    /// what is behind it goes to a block of its own
    #[inline]
    pub(super) fn take_room(&mut self, header: &Header) -> Option<Room> {
        if header.payload < pool::BLOCK as u64 { None } else { self.take_large(header) }
    }

    #[cold]
    fn take_large(&mut self, header: &Header) -> Option<Room> {
        let len = header.frame_len().filter(|&len| self.is_for(len))?;
        let (_, behind) = self.unread().split_at_checked(len)?;
        let mut rest = if behind.is_empty() { Box::default() } else { pool::block() };
        rest.get_mut(..behind.len())?.copy_from_slice(behind);
        let rest = Self { bytes: rest, start: 0, end: behind.len() };
        let Self { bytes, start, .. } = mem::replace(self, rest);
        let mut room = Room::new(bytes.into(), start + header.len..start + len);
        if let Some(mask) = header.mask {
            frame::apply(room.as_mut(), mask);
        }
        Some(room)
    }

    /// Hands over the block with all that is here of a frame of this length: its bytes, up to where the
    /// frame will end, and where it begins; not if that is not in the block, or the block has room for
    /// more than `most`
    pub(super) fn hand_over(&mut self, frame: usize, most: usize) -> Option<(Vec<u8>, usize)> {
        let (start, len) = (self.start, self.bytes.len());
        if !self.is_for(frame) || frame > len - start || len > most {
            return None;
        }
        let mut bytes = Vec::from(mem::take(self).bytes);
        bytes.truncate(start + frame);
        Some((bytes, start))
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
