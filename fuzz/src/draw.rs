//! Values drawn from an input's bytes: those at the edges more often than chance would have them.
//! Once the bytes are used up, everything is zero.

use std::time::Duration;

/// What is left of an input
#[derive(Debug)]
pub(crate) struct Draw<'a>(pub(crate) &'a [u8]);

const MS: Duration = Duration::from_millis(1);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const EDGES: [Duration; 12] = [
    Duration::ZERO,
    Duration::from_nanos(999_999),
    MS,
    Duration::from_nanos(99_999_999),
    Duration::from_millis(100),
    Duration::from_nanos(499_999_999),
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(20),
    DAY,
    Duration::new(DAY.as_secs(), 1),
    Duration::MAX,
];
const NUMBERS: [usize; 10] =
    [0, 1, 2, 511, 512, 64 << 10, (64 << 10) + 1, 1_000_000, 1_000_001, usize::MAX];

impl Draw<'_> {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn byte(&mut self) -> u8 {
        let Some((&byte, rest)) = self.0.split_first() else {
            return 0;
        };
        self.0 = rest;
        byte
    }

    pub(crate) fn u64(&mut self) -> u64 {
        u64::from_le_bytes(std::array::from_fn(|_| self.byte()))
    }

    pub(crate) fn flag(&mut self) -> bool {
        self.byte() & 1 == 1
    }

    /// `make` with even odds
    pub(crate) fn maybe<T>(&mut self, make: impl FnOnce(&mut Self) -> T) -> Option<T> {
        self.flag().then(|| make(self))
    }

    pub(crate) fn number(&mut self) -> usize {
        let kind = usize::from(self.byte());
        NUMBERS.get(kind).copied().unwrap_or_else(|| self.u64() as usize >> (kind % 64))
    }

    pub(crate) fn small(&mut self) -> u32 {
        u32::try_from(self.number()).unwrap_or(u32::MAX)
    }

    pub(crate) fn duration(&mut self) -> Duration {
        match usize::from(self.byte()) {
            edge if edge < EDGES.len() => EDGES[edge],
            // Within what is possible, mostly
            kind if kind < 200 => Duration::from_millis(self.u64() >> (36 + kind % 28)),
            _ => Duration::from_nanos(self.u64()),
        }
    }
}
