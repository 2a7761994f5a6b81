//! The other end: a program of the same kind that has no rule, and whose answers queue behind what
//! it sends.

use everbeat_core::time::Instant;

use super::{Act, Rule};

/// A peer that asks nothing, and reads only when it has nothing left to write
///
/// So its Pongs leave behind the message that it is writing, as from a library with one queue for
/// all. What it does not read meanwhile waits in its kernel.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct Peer;

impl Rule for Peer {
    fn begin(&mut self, _now: Instant) {}

    fn deadline(&self) -> Instant {
        Instant::NEVER
    }

    fn due(&mut self, _now: Instant) -> Act {
        Act::Nothing
    }

    fn reads_while_writing(&self) -> bool {
        false
    }
}
