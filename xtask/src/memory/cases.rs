//! What is counted, and how much of it.

use super::beyond::is_plain;

/// What is counted, the words for the program, and how many bytes it may be
#[derive(Debug)]
pub(super) struct Case {
    pub(super) name: &'static str,
    pub(super) words: &'static [&'static str],
    pub(super) goal: Option<f64>,
    /// What is left of so many bytes each way, and not all that there is
    pub(super) burst: Option<usize>,
    /// With the feature `tls`, which is a build of its own
    pub(super) tls: bool,
}

const fn case(name: &'static str, words: &'static [&'static str], goal: f64) -> Case {
    Case { name, words, goal: Some(goal), burst: None, tls: false }
}

const fn left(name: &'static str, words: &'static [&'static str], bytes: usize) -> Case {
    Case { burst: Some(bytes), ..case(name, words, LEFT) }
}

const SMALL: usize = 64;
const LARGE: usize = 64 << 10;

/// How the names begin of what is counted of servers' plain connections; the runtime's is behind it
pub(super) const SERVER: &str = "server, ";
/// Between what the size of a burst stands in a name, of which is counted what it left
pub(super) const BURST: [&str; 2] = [": left of ", " each way"];

const ASYNC_STD: &[&str] = &["server", "--runtime", "async-std"];
const SMOL: &[&str] = &["server", "--runtime", "smol"];

pub(super) const CASES: &[Case] = &[
    case("server, tokio", &["server"], 700.0),
    case("server, async-std", ASYNC_STD, 900.0),
    case("server, smol", SMOL, 900.0),
    case("client, tokio", &["client"], 1_500.0),
    case("client, async-std", &["client", "--runtime", "async-std"], 1_500.0),
    case("client, smol", &["client", "--runtime", "smol"], 1_500.0),
    left("server, tokio: left of 64 B each way", &["server"], SMALL),
    left("server, async-std: left of 64 B each way", ASYNC_STD, SMALL),
    left("server, smol: left of 64 B each way", SMOL, SMALL),
    left("server, tokio: left of 64 KiB each way", &["server"], LARGE),
    left("server, async-std: left of 64 KiB each way", ASYNC_STD, LARGE),
    left("server, smol: left of 64 KiB each way", SMOL, LARGE),
    Case { goal: None, tls: true, ..case("wss server, tokio", &["wss"], 0.0) },
];

/// A silence behind a burst, in seconds: as promised, and for who is in a hurry, which is stricter. A
/// beat must fit into it, which comes every 25 s.
const A_MINUTE: &str = "60";
const A_MOMENT: &str = "30";
/// What may be left of a burst, in bytes of a connection: as much as a few beats hold that are under
/// way when it is counted
pub(super) const LEFT: f64 = 2.0;
/// How many blocks a thread may keep for the next large message, whosever it is
pub(super) const ROOM: u64 = 4;

/// How much of it is counted
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Extent {
    /// Without TLS, and with a shorter silence behind a burst
    Quick,
    /// Of that, only servers' connections
    Servers,
    /// A connection over TLS, and the plain one that it is held against
    Secure,
    /// Everything, as promised
    Whole,
}

impl Extent {
    pub(super) fn has(self, case: &Case) -> bool {
        match self {
            Self::Quick => !case.tls,
            Self::Servers => !case.tls && case.name.starts_with(SERVER),
            Self::Secure => case.tls || is_plain(case.name),
            Self::Whole => true,
        }
    }

    pub(super) const fn silence(self) -> &'static str {
        match self {
            Self::Quick | Self::Servers | Self::Secure => A_MOMENT,
            Self::Whole => A_MINUTE,
        }
    }
}
