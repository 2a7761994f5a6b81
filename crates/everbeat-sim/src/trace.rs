//! What happened, in order: folded into a 64-bit digest, and the newest of it kept for printing.
//! Decides what counts as a happening; where it happens is everybody else's.

use std::collections::VecDeque;
use std::fmt;

use everbeat_core::time::Instant;

use crate::net::Side;

/// A simulation's history so far: its digest, and its newest events
///
/// The digest covers every event: polls of tasks, bytes sent and arrived, faults, notes, each with
/// its time. Two runs of the same program with the same seed have the same digest. Printing shows
/// the last [`Trace::KEPT`] events; polls and parts of messages are folded in but not shown, for
/// they would drown the rest.
///
/// ```
/// use everbeat_sim::Sim;
///
/// let sim = Sim::seed(7);
/// sim.note("hello");
/// assert_eq!(sim.trace().to_string(), "  t+0ns        hello\n");
/// ```
#[derive(Clone, Debug)]
pub struct Trace {
    digest: u64,
    events: u64,
    newest: VecDeque<(Instant, Happening)>,
}

/// One event of a simulation
#[derive(Clone, Debug)]
pub(crate) enum Happening {
    /// A task was polled; 0 is the future of `block_on`
    Poll { task: u64 },
    /// The first wire of a pair of hosts, or another, was opened
    Wire { wire: u64, client: String, server: String },
    /// The sender's side took the last byte of a frame
    Sent(Passage),
    /// A frame or a part of one reached the other side
    Arrived(Passage),
    /// A packet is lost on its way
    Lost(Passage),
    /// A kernel sends something again
    Again(Passage),
    /// A kernel hears that all before this piece has arrived
    Acknowledged { wire: u64, toward: Side, next: u64 },
    /// A host did something: listened, refused, accepted
    Host { host: String, what: &'static str },
    /// Somebody broke or mended something
    Fault { link: String, what: String },
    /// The program's own words
    Note(String),
}

/// What passes along a wire
#[derive(Clone, Debug)]
pub(crate) struct Passage {
    pub(crate) wire: u64,
    pub(crate) toward: Side,
    pub(crate) label: &'static str,
    pub(crate) bytes: usize,
    /// A hash of the payload's beginning
    pub(crate) mark: u64,
}

impl Trace {
    /// How many events are kept for printing
    pub const KEPT: usize = 64;

    pub(crate) const fn new() -> Self {
        Self { digest: FNV_OFFSET, events: 0, newest: VecDeque::new() }
    }

    /// A hash of everything that happened so far
    #[must_use]
    pub const fn digest(&self) -> u64 {
        self.digest
    }

    /// How many events there were so far, shown or not
    #[must_use]
    pub const fn events(&self) -> u64 {
        self.events
    }

    pub(crate) fn record(&mut self, at: Instant, happening: Happening) {
        self.events += 1;
        self.digest = happening.fold(mix(self.digest, at.as_nanos()));
        if happening.is_worth_printing() {
            if self.newest.len() == Self::KEPT {
                self.newest.pop_front();
            }
            self.newest.push_back((at, happening));
        }
    }
}

/// The newest events, one a line
impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, happening) in &self.newest {
            writeln!(f, "  {:<12} {happening}", format!("{at:?}"))?;
        }
        Ok(())
    }
}

impl Happening {
    fn is_worth_printing(&self) -> bool {
        match self {
            Self::Poll { .. } | Self::Acknowledged { .. } => false,
            Self::Arrived(passage) => passage.label != "part",
            _ => true,
        }
    }

    fn fold(&self, hash: u64) -> u64 {
        match self {
            Self::Poll { task } => mix(mix(hash, 1), *task),
            Self::Wire { wire, client, server } => {
                let hash = mix(mix(hash, 2), *wire);
                fnv(fnv(fnv(hash, client.as_bytes()), b"-"), server.as_bytes())
            }
            Self::Sent(passage) => passage.fold(mix(hash, 3)),
            Self::Arrived(passage) => passage.fold(mix(hash, 4)),
            Self::Lost(passage) => passage.fold(mix(hash, 5)),
            Self::Again(passage) => passage.fold(mix(hash, 6)),
            Self::Acknowledged { wire, toward, next } => {
                mix(mix(mix(hash, 7 + *toward as u64), *wire), *next)
            }
            Self::Host { host, what } => fnv(fnv(mix(hash, 9), host.as_bytes()), what.as_bytes()),
            Self::Fault { link, what } => fnv(fnv(mix(hash, 10), link.as_bytes()), what.as_bytes()),
            Self::Note(text) => fnv(mix(hash, 11), text.as_bytes()),
        }
    }
}

impl fmt::Display for Happening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Poll { task } => write!(f, "task {task} polled"),
            Self::Wire { wire, client, server } => write!(f, "#{wire} {client} - {server}"),
            Self::Sent(passage) => write!(f, "{passage} sent"),
            Self::Arrived(passage) => write!(f, "{passage} arrived"),
            Self::Lost(passage) => write!(f, "{passage} lost"),
            Self::Again(passage) => write!(f, "{passage} sent again"),
            Self::Acknowledged { wire, toward, next } => {
                write!(f, "#{wire} to {toward}: acknowledged before piece {next}")
            }
            Self::Host { host, what } => write!(f, "{host} {what}"),
            Self::Fault { link, what } => write!(f, "{link}: {what}"),
            Self::Note(text) => f.write_str(text),
        }
    }
}

impl Passage {
    fn fold(&self, hash: u64) -> u64 {
        let Self { wire, toward, label, bytes, mark } = self;
        let kind = label.bytes().take(8).fold(0, |word, byte| word << 8 | u64::from(byte));
        let place = wire << 1 | *toward as u64;
        mix(mix(mix(mix(hash, place), kind), *bytes as u64), *mark)
    }
}

impl fmt::Display for Passage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { wire, toward, label, bytes, .. } = self;
        write!(f, "#{wire} to {toward}: {label}, {bytes} B")
    }
}

/// Folds a word into the digest: cheap, for it is done for each event
pub(crate) const fn mix(hash: u64, word: u64) -> u64 {
    (hash.rotate_left(26) ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// A hash of up to 64 bytes of the beginning, and of the length
pub(crate) fn mark(bytes: &[u8]) -> u64 {
    let words = bytes
        .chunks(8)
        .take(8)
        .map(|chunk| chunk.iter().fold(0, |word, byte| word << 8 | u64::from(*byte)));
    words.fold(bytes.len() as u64, mix)
}

pub(crate) const FNV_OFFSET: u64 = 0xcbf2_9ce4_8422_2325;

/// FNV-1a: the standard library promises no hash that stays the same from version to version
pub(crate) fn fnv(hash: u64, bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(hash, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_the_published_one() {
        assert_eq!(fnv(FNV_OFFSET, b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fnv(FNV_OFFSET, b"a"), 0xaf63_dc4c_8601_ec8c);
        assert_eq!(fnv(FNV_OFFSET, b"foobar"), 0x8594_4171_f739_67e8);
    }

    #[test]
    fn the_digest_covers_what_is_not_printed_and_the_ring_is_bounded() {
        let mut trace = Trace::new();
        let before = trace.digest();
        trace.record(Instant::ORIGIN, Happening::Poll { task: 1 });
        assert_ne!(trace.digest(), before);
        assert_eq!(trace.to_string(), "");
        for number in 0..1_000 {
            trace.record(Instant::ORIGIN, Happening::Note(format!("{number}")));
        }
        assert_eq!(trace.to_string().lines().count(), Trace::KEPT);
        assert!(trace.to_string().ends_with("999\n"));
        assert_eq!(trace.events(), 1_001);
    }
}
