//! Storage whose places have numbers, in chunks: it grows without moving or doubling, fills its
//! lowest chunks first, and gives a chunk back when nothing is left in it.

use core::mem;

use alloc::vec::Vec;

/// Places for values, named by their numbers
///
/// Whoever comes gets a place in the lowest chunk that has one. A wheel's entries come and go once
/// a beat, so that after a crowd has left those who stay have gathered in the lowest chunks one
/// beat later, and the others are given back.
pub(super) struct Slab<T> {
    chunks: Vec<Chunk<T>>,
    /// A bit for each chunk with a place that is free
    open: Vec<u64>,
    /// The first word of `open` that may have a bit
    lowest: usize,
    /// An empty chunk that is kept, so that one who comes and goes does not allocate each time
    spare: Option<usize>,
    len: usize,
}

struct Chunk<T> {
    /// Grows in place up to [`CHUNK`]; without storage while the chunk is not there
    places: Vec<Place<T>>,
    used: u32,
    /// The first place that was freed; they are chained
    free: u32,
}

enum Place<T> {
    Used(T),
    /// The next free place of the chunk
    Free(u32),
}

/// 4 KiB of a wheel's entries: a page, and at most that much of a shard is slack while it grows
const CHUNK: usize = 128;

const NONE: u32 = u32::MAX;

/// The numbers of places are below this
pub(super) const LIMIT: u32 = 1 << 31;

impl<T> Slab<T> {
    pub(super) const fn new() -> Self {
        Self { chunks: Vec::new(), open: Vec::new(), lowest: 0, spare: None, len: 0 }
    }

    pub(super) const fn len(&self) -> usize {
        self.len
    }

    pub(super) fn get(&self, number: u32) -> Option<&T> {
        let (chunk, place) = split(number);
        match self.chunks.get(chunk)?.places.get(place)? {
            Place::Used(value) => Some(value),
            Place::Free(_) => None,
        }
    }

    pub(super) fn get_mut(&mut self, number: u32) -> Option<&mut T> {
        let (chunk, place) = split(number);
        match self.chunks.get_mut(chunk)?.places.get_mut(place)? {
            Place::Used(value) => Some(value),
            Place::Free(_) => None,
        }
    }

    /// The number of the value's place
    ///
    /// # Panics
    ///
    /// There are [`LIMIT`] already.
    pub(super) fn insert(&mut self, value: T) -> u32 {
        let at = self.lowest_open();
        let chunk = &mut self.chunks[at];
        let place = chunk.insert(value);
        if chunk.used as usize == CHUNK {
            self.set_open(at, false);
        }
        if self.spare == Some(at) {
            self.spare = None;
        }
        self.len += 1;
        (at * CHUNK + place) as u32
    }

    pub(super) fn remove(&mut self, number: u32) -> Option<T> {
        let (at, place) = split(number);
        let chunk = self.chunks.get_mut(at)?;
        let value = chunk.remove(place)?;
        let left = chunk.used;
        self.len -= 1;
        self.set_open(at, true);
        if left == 0 {
            self.leave(at);
        }
        Some(value)
    }

    pub(super) fn into_values(self) -> impl Iterator<Item = T> {
        self.chunks.into_iter().flat_map(|chunk| chunk.places).filter_map(|place| match place {
            Place::Used(value) => Some(value),
            Place::Free(_) => None,
        })
    }

    #[cfg(test)]
    pub(super) const PLACE_BYTES: usize = size_of::<Place<T>>();

    /// How many values there is storage for
    #[cfg(test)]
    pub(super) fn capacity(&self) -> usize {
        self.chunks.iter().map(|chunk| chunk.places.capacity()).sum()
    }

    /// The lowest chunk with a free place, a new one if there is none
    fn lowest_open(&mut self) -> usize {
        while let Some(bits) = self.open.get(self.lowest) {
            if *bits != 0 {
                return self.lowest * 64 + bits.trailing_zeros() as usize;
            }
            self.lowest += 1;
        }
        let at = self.chunks.len();
        assert!(at < LIMIT as usize / CHUNK, "a table holds at most 2^31 deadlines");
        self.chunks.push(Chunk { places: Vec::new(), used: 0, free: NONE });
        self.open.resize(at / 64 + 1, 0);
        self.set_open(at, true);
        at
    }

    fn set_open(&mut self, at: usize, open: bool) {
        let (word, bit) = (at / 64, 1 << (at % 64));
        if open {
            self.open[word] |= bit;
            self.lowest = self.lowest.min(word);
        } else {
            self.open[word] &= !bit;
        }
    }

    /// A chunk has become empty: the lower one of it and the spare is kept, the other given back
    fn leave(&mut self, at: usize) {
        let kept = self.spare.map_or(at, |spare| spare.min(at));
        if let Some(spare) = self.spare.replace(kept) {
            self.chunks[spare.max(at)].give_back();
        }
        // Those at the end need not even be remembered.
        while self.chunks.last().is_some_and(Chunk::is_gone) {
            self.chunks.pop();
            self.set_open(self.chunks.len(), false);
        }
        if self.chunks.len() < self.chunks.capacity() / 4 {
            self.chunks.shrink_to(self.chunks.len() * 2);
            self.open.truncate(self.chunks.len().div_ceil(64));
            self.open.shrink_to(self.open.len() * 2);
            self.lowest = self.lowest.min(self.open.len());
        }
    }
}

impl<T> Chunk<T> {
    /// There is a free place
    fn insert(&mut self, value: T) -> usize {
        self.used += 1;
        if let Some(place) = self.places.get_mut(self.free as usize) {
            let at = self.free as usize;
            if let Place::Free(next) = mem::replace(place, Place::Used(value)) {
                self.free = next;
            }
            return at;
        }
        if self.places.capacity() == 0 {
            self.places.reserve_exact(CHUNK);
        }
        self.places.push(Place::Used(value));
        self.places.len() - 1
    }

    fn remove(&mut self, at: usize) -> Option<T> {
        let place = self.places.get_mut(at)?;
        if matches!(place, Place::Free(_)) {
            return None;
        }
        match mem::replace(place, Place::Free(mem::replace(&mut self.free, at as u32))) {
            Place::Used(value) => {
                self.used -= 1;
                Some(value)
            }
            Place::Free(_) => None,
        }
    }

    fn give_back(&mut self) {
        *self = Self { places: Vec::new(), used: 0, free: NONE };
    }

    fn is_gone(&self) -> bool {
        self.places.capacity() == 0
    }
}

const fn split(number: u32) -> (usize, usize) {
    (number as usize / CHUNK, number as usize % CHUNK)
}
