//! What a peer says: messages of every length, whole or in fragments, with control frames before,
//! between and behind them.

use fastrand::Rng;

use crate::peer::frame;

/// A message's opcode and payload
pub(super) type Message = (u8, Vec<u8>);

/// The longest message, in bytes
const LONGEST: usize = 200_000;

/// Draws what is said
pub(super) struct Says {
    rng: Rng,
    /// Whether its frames are a client's
    masks: bool,
    /// How many Pings there were
    pings: u32,
}

/// One message as it is said
pub(super) struct Said {
    pub(super) bytes: Vec<u8>,
    pub(super) message: Message,
    /// The Pings on the way
    pub(super) pings: Vec<Vec<u8>>,
}

impl Says {
    pub(super) const fn new(rng: Rng, masks: bool) -> Self {
        Self { rng, masks, pings: 0 }
    }

    pub(super) fn frame(&mut self, first: u8, payload: &[u8]) -> Vec<u8> {
        frame(first, self.masks.then(|| self.rng.u32(..).to_be_bytes()), payload)
    }

    pub(super) fn message(&mut self) -> Said {
        let (opcode, payload) = self.content();
        let mut said = Said { bytes: Vec::new(), message: (opcode, Vec::new()), pings: Vec::new() };
        let mut cuts = self.cuts(payload.len());
        cuts.push(payload.len());
        let (mut from, last) = (0, cuts.len() - 1);
        for (at, to) in cuts.into_iter().enumerate() {
            self.control(&mut said);
            let fin = if at == last { 0x80 } else { 0 };
            let opcode = if at == 0 { opcode } else { 0 };
            said.bytes.extend(self.frame(fin | opcode, &payload[from..to]));
            from = to;
        }
        self.control(&mut said);
        said.message.1 = payload;
        said
    }

    /// Where fragments end, but the last; some are empty
    fn cuts(&mut self, len: usize) -> Vec<usize> {
        let most = [0, 0, 3, 20][self.rng.usize(..4)];
        let mut cuts = (0..self.rng.usize(..=most)).map(|_| self.rng.usize(..=len));
        let mut cuts = cuts.by_ref().collect::<Vec<_>>();
        cuts.sort_unstable();
        cuts
    }

    fn content(&mut self) -> Message {
        let most = [125, 125, 5_000, 70_000, LONGEST][self.rng.usize(..5)];
        let len = self.rng.usize(..=most);
        if self.rng.bool() {
            let mut payload = vec![0; len];
            self.rng.fill(&mut payload);
            return (2, payload);
        }
        // Characters of one to four bytes, so that a cut goes through most of them
        let mut text = String::with_capacity(len);
        while text.len() < len {
            text.push(['e', 'é', '€', '🦀'][self.rng.usize(..4)]);
        }
        (1, text.into_bytes())
    }

    /// Sometimes a Ping, or a Pong that nobody asked for
    fn control(&mut self, said: &mut Said) {
        let mut payload = vec![0xff; self.rng.usize(..=125)];
        match self.rng.u8(..8) {
            0 => {
                // Each is another, for only the newest may be answered, and then it is to be known
                self.rng.fill(&mut payload);
                self.pings += 1;
                payload.splice(..payload.len().min(4), self.pings.to_be_bytes());
                said.bytes.extend(self.frame(0x89, &payload));
                said.pings.push(payload);
            }
            1 => said.bytes.extend(self.frame(0x8a, &payload)),
            _ => {}
        }
    }
}
