//! Where the places are: in chunks, so that none moves, and each at a number, which is what the kernel
//! remembers of a socket.

use std::array;
use std::sync::Arc;
use std::task::Waker;

use bytes::Bytes;
use everbeat_core::Message;
use everbeat_core::transport::Hatches;

use crate::nest::Shared;
use crate::place::Place;

/// Places of a chunk, 16 KiB of them: as many as a byte has values
const CHUNK: usize = 1 << u8::BITS;

/// Some of the places, each of which may be somebody's who keeps all of them
pub(crate) struct Chunk {
    pub(crate) shared: Arc<Shared>,
    /// The number of the first
    first: u32,
    places: [Place; CHUNK],
}

impl Hatches for Chunk {
    fn frame(&self, message: &Message) -> Option<Bytes> {
        everbeat_ws::accept::frame_passed(message)
    }

    fn pass(&self, seat: u8, frame: &[u8]) -> usize {
        self.place(seat).pass(frame)
    }
}

impl Chunk {
    pub(crate) fn place(&self, index: u8) -> &Place {
        &self.places[usize::from(index)]
    }

    /// Where a number lies that is of this chunk
    pub(crate) fn index(&self, number: u32) -> u8 {
        (number - self.first) as u8
    }

    pub(crate) fn number(&self, index: u8) -> u32 {
        self.first + u32::from(index)
    }

    /// Whoever waits here goes to `woken`
    pub(crate) fn leave(&self, woken: &mut Vec<Waker>) {
        self.places.iter().for_each(|place| woken.extend(place.end()));
    }
}

/// All places, and which of them are free
#[derive(Default)]
pub(crate) struct Table {
    chunks: Vec<Arc<Chunk>>,
    free: Vec<u32>,
    /// Nobody turns any more: who came now would never be woken
    closed: bool,
}

impl Table {
    /// A place that is nobody's; `None` if there are no numbers left, or nobody turns any more
    pub(crate) fn take(&mut self, shared: &Arc<Shared>) -> Option<(u32, Arc<Chunk>)> {
        if self.closed {
            return None;
        }
        if self.free.is_empty() {
            let first = u32::try_from(self.chunks.len() * CHUNK).ok()?;
            let places = array::from_fn(|_| Place::default());
            self.chunks.push(Arc::new(Chunk { shared: shared.clone(), first, places }));
            // The lowest first, so that those who are there are together
            self.free.extend((first..=first.checked_add(CHUNK as u32 - 1)?).rev());
        }
        let number = self.free.pop()?;
        Some((number, self.chunks.get(number as usize / CHUNK)?.clone()))
    }

    /// It is nobody's any more
    pub(crate) fn give_back(&mut self, number: u32) {
        if !self.closed {
            self.free.push(number);
        }
    }

    pub(crate) fn place(&self, number: u32) -> Option<&Place> {
        let chunk = self.chunks.get(number as usize / CHUNK)?;
        Some(chunk.place(chunk.index(number)))
    }

    #[cfg(test)]
    pub(crate) fn places(&self) -> usize {
        self.chunks.len() * CHUNK
    }

    /// Forgets all places, which know the nest that knows them; who has one keeps it
    pub(crate) fn close(&mut self) -> Vec<Arc<Chunk>> {
        self.closed = true;
        self.free = Vec::new();
        std::mem::take(&mut self.chunks)
    }
}
