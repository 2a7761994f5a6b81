//! What is said, so that whoever hears it can tell that it is that, byte by byte.

/// How far from each other messages begin in what they are cut from
const PLACES: u64 = 4_096;

/// Messages that are echoed: each a piece of one block of random bytes, and no two alike that follow
/// each other
#[derive(Debug)]
pub struct Block {
    random: fastrand::Rng,
    bytes: Vec<u8>,
}

impl Block {
    /// The same for the same seed
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { random: fastrand::Rng::with_seed(seed), bytes: Vec::new() }
    }

    /// Has room for messages of so many bytes
    pub fn hold(&mut self, bytes: usize) {
        let missing = (bytes + PLACES as usize).saturating_sub(self.bytes.len());
        let begin = self.bytes.len();
        self.bytes.resize(begin + missing, 0);
        self.random.fill(&mut self.bytes[begin..]);
    }

    /// Where the next message of this connection, its `number`th, begins
    #[must_use]
    pub const fn place(who: usize, number: u64) -> usize {
        // Odd factors, so that neighbours are far from each other and nobody says the same twice.
        ((who as u64).wrapping_mul(0x9e37_79b9).wrapping_add(number.wrapping_mul(2_654_435_761))
            % PLACES) as usize
    }

    /// The message that begins there
    #[must_use]
    pub fn message(&self, place: usize, bytes: usize) -> &[u8] {
        &self.bytes[place..place + bytes]
    }
}

/// What is broadcast as the message of this number, of so many bytes
#[must_use]
pub fn broadcast(number: u64, bytes: usize) -> Vec<u8> {
    let mut message = vec![0; bytes];
    fastrand::Rng::with_seed(number).fill(&mut message);
    message
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_differ_and_are_the_same_for_a_seed() {
        let (mut block, mut same, mut other) = (Block::new(7), Block::new(7), Block::new(8));
        for block in [&mut block, &mut same, &mut other] {
            block.hold(64);
        }
        let places = (0..100).map(|number| Block::place(3, number)).collect::<Vec<_>>();
        for pair in places.windows(2) {
            assert_ne!(block.message(pair[0], 64), block.message(pair[1], 64));
        }
        assert_eq!(block.message(places[5], 64), same.message(places[5], 64));
        assert_ne!(block.message(places[5], 64), other.message(places[5], 64));
    }

    #[test]
    fn what_is_said_stays_as_more_room_is_made() {
        let mut block = Block::new(7);
        block.hold(16);
        let said = block.message(9, 16).to_vec();
        block.hold(65_536);
        assert_eq!(block.message(9, 16), said);
        assert_eq!(block.message(PLACES as usize - 1, 65_536).len(), 65_536);
    }

    #[test]
    fn broadcasts_differ() {
        assert_eq!(broadcast(1, 100), broadcast(1, 100));
        assert_ne!(broadcast(1, 100), broadcast(2, 100));
    }
}
