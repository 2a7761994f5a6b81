//! The cases: what is done to a connection, and how far apart the two worlds may be in what follows.

use std::time::Duration;

use everbeat_faults::Direction;

use crate::report::{Tolerance, Unit};

/// Something that happens to a connection
#[derive(Debug, Clone, Copy)]
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(super) what: What,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum What {
    /// The road is away, and the client writes
    Hole(Hole),
    /// The server does not read
    Full,
    /// The server resets; with something that the client has not read, and in a hole or not
    Reset { unread: bool, hole: Option<Duration> },
    /// The server says no more, but listens
    HalfClose,
    /// The server is gone without a word, in a hole of this length
    Close { hole: Duration },
}

/// A time without a road
#[derive(Debug, Clone, Copy)]
pub(super) struct Hole {
    pub(super) length: Duration,
    /// Which way is away
    pub(super) direction: Direction,
    /// When the client writes, since its beginning
    pub(super) writes: &'static [Duration],
}

/// Something that was measured
#[derive(Debug, Clone, Copy)]
pub(crate) struct Measure {
    pub(crate) what: &'static str,
    pub(crate) value: f64,
    pub(crate) unit: Unit,
    pub(crate) tolerance: Tolerance,
}

pub(super) const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

const fn hole(name: &'static str, length: Duration, writes: &'static [Duration]) -> Case {
    Case { name, what: What::Hole(Hole { length, direction: Direction::Both, writes }) }
}

const AT_ONCE: &[Duration] = &[Duration::ZERO];
const SOME: &[Duration] = &[Duration::ZERO, ms(50), ms(500), ms(1_000)];

pub(crate) const CASES: &[Case] = &[
    hole("one packet is lost", ms(100), AT_ONCE),
    hole("hole of 1.2 s", ms(1_200), AT_ONCE),
    hole("hole of 3 s", ms(3_000), AT_ONCE),
    hole("hole of 8 s", ms(8_000), AT_ONCE),
    hole("hole of 3 s, four writes", ms(3_000), SOME),
    Case {
        name: "hole of 4 s, one way",
        what: What::Hole(Hole {
            length: ms(4_000),
            direction: Direction::ToServer,
            writes: AT_ONCE,
        }),
    },
    Case { name: "full buffer", what: What::Full },
    Case { name: "reset", what: What::Reset { unread: false, hole: None } },
    Case { name: "reset, something unread", what: What::Reset { unread: true, hole: None } },
    Case {
        name: "reset in a hole of 1.2 s",
        what: What::Reset { unread: false, hole: Some(ms(1_200)) },
    },
    Case { name: "half-close", what: What::HalfClose },
    Case { name: "close in a hole of 1.2 s", what: What::Close { hole: ms(1_200) } },
];

/// When a retransmission arrives
pub(super) const TIMER: Tolerance = Tolerance {
    part: 0.08,
    besides: 30.0,
    why: "Linux rounds a timer up by an eighth at most, which was 5 % of the whole where this was \
          measured; the variance of the round trip differs from run to run",
};
/// As [`TIMER`], and what is said back
pub(super) const ANSWERED: Tolerance = Tolerance {
    part: 0.08,
    besides: 75.0,
    why: "as a retransmission, and an acknowledgement is delayed by 40 ms or is not",
};
/// What only travels
pub(super) const TRIP: Tolerance =
    Tolerance { part: 0.1, besides: 15.0, why: "scheduling, and a read between two readings" };
/// As [`TRIP`], and the kernel's own buffers
pub(super) const ROOM: Tolerance = Tolerance {
    part: 0.1,
    besides: 60.0,
    why: "a writer is told of room once a third of its buffer is free, and TCP starts slowly",
};
const EXACT: Tolerance = Tolerance { part: 0.0, besides: 0.0, why: "it is so or it is not" };

pub(super) fn millis(what: &'static str, value: Duration, tolerance: Tolerance) -> Measure {
    Measure { what, value: value.as_secs_f64() * 1e3, unit: Unit::Millis, tolerance }
}

#[expect(clippy::cast_precision_loss, reason = "nobody sends as much as that")]
pub(super) const fn bytes(what: &'static str, value: u64) -> Measure {
    Measure { what, value: value as f64, unit: Unit::Bytes, tolerance: EXACT }
}

pub(super) const fn yes(what: &'static str, value: bool) -> Measure {
    Measure { what, value: if value { 1.0 } else { 0.0 }, unit: Unit::Yes, tolerance: EXACT }
}
