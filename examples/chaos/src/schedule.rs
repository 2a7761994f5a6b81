//! What happens to a lane, and when, from a seed; and what of it either side must notice. Pure.

use std::fmt;
use std::time::Duration;

use everbeat_link::{Rate, Shape};
use fastrand::Rng;

use crate::settings::{BLINK, CALM, LONGER, PAUSE, PROMISE};

/// Who sees something
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Client,
    Server,
}

/// Which ways of the link are away
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ways {
    Both,
    ToServer,
    ToClient,
}

/// A kind of fault
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Hole(Ways),
    /// In the middle of an upload
    HoleInUpload,
    /// Too short for a death
    Blink(Ways),
    /// A long way, by which the time differs
    Far,
    /// Packets are lost by chance
    Lossy,
    /// An upload fills a queue that holds too much
    Bloat,
    /// A slow link
    Thin,
    /// The client's host has another address
    Renumber,
    /// The client's link is down
    Unplug,
    /// For a moment
    Flap,
    /// The kernel ends the connection, by `ss --kill`
    Kill,
    /// A filter answers the client's packets with resets
    Refuse,
    StopClient,
    StopServer,
    /// Too short for a death
    PauseClient,
    PauseServer,
    /// The clock of the side that lives by one jumps
    Jump,
}

/// What a side makes of a fault
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Its connection stands it
    Lives,
    /// Its connection may end by it
    May,
    /// Its connection ends within the promise, since then
    Ends(Since),
}

/// From when on a side can know
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Since {
    Begin,
    /// The other side knows, and says so
    Told,
    /// It could not do anything before the end
    End,
}

use Ways::{Both, ToClient, ToServer};

impl Kind {
    pub(crate) const ALL: [Self; 21] = [
        Self::Hole(Both),
        Self::Hole(ToServer),
        Self::Hole(ToClient),
        Self::HoleInUpload,
        Self::Blink(Both),
        Self::Blink(ToServer),
        Self::Blink(ToClient),
        Self::Far,
        Self::Lossy,
        Self::Bloat,
        Self::Thin,
        Self::Renumber,
        Self::Unplug,
        Self::Flap,
        Self::Kill,
        Self::Refuse,
        Self::StopClient,
        Self::StopServer,
        Self::PauseClient,
        Self::PauseServer,
        Self::Jump,
    ];

    /// What this side makes of it; a client that watches its host may end before anything is lost
    pub(crate) const fn outcome(self, side: Side, watches: bool) -> Outcome {
        match (self, side) {
            // Who hears nothing ends with a reset, which is what the other hears at last.
            (Self::Hole(ToClient), Side::Server) => Outcome::Ends(Since::Told),
            (Self::StopClient, Side::Client) | (Self::StopServer, Side::Server) => {
                Outcome::Ends(Since::End)
            }
            (
                Self::Hole(_)
                | Self::HoleInUpload
                | Self::Renumber
                | Self::Unplug
                | Self::Kill
                | Self::Refuse
                | Self::StopClient
                | Self::StopServer,
                _,
            ) => Outcome::Ends(Since::Begin),
            (Self::Flap, _) if watches => Outcome::May,
            _ => Outcome::Lives,
        }
    }

    /// It hits what stands when it begins, and nothing that comes later
    pub(crate) const fn is_over_at_once(self) -> bool {
        matches!(self, Self::Renumber | Self::Kill)
    }

    /// How long before it something is done for it
    pub(crate) const fn lead(self) -> Duration {
        match self {
            Self::HoleInUpload => Duration::from_secs(2),
            _ => Duration::ZERO,
        }
    }

    /// How long it lasts, at least and at most
    const fn lengths(self) -> (Duration, Duration) {
        let second = Duration::from_secs(1);
        let longer = PROMISE.saturating_add(LONGER);
        match self {
            Self::Blink(_) | Self::Flap => (Duration::from_millis(200), BLINK),
            Self::PauseClient | Self::PauseServer => (second, PAUSE),
            // As long as any death takes to be noticed, or would take, had there been one.
            _ => (longer, longer.saturating_add(second)),
        }
    }

    /// What a way of the link is like while it lasts
    fn shape(self, way: Way, calm: Shape, rng: &mut Rng) -> Shape {
        let millis = |millis| Duration::from_millis(millis);
        match self {
            Self::Hole(ways) | Self::Blink(ways) if way.is_of(ways) => Shape { hole: true, ..calm },
            Self::HoleInUpload => Shape { hole: true, ..calm },
            Self::Far => {
                Shape { delay: millis(rng.u64(150..400)), jitter: millis(rng.u64(0..100)), ..calm }
            }
            Self::Lossy => Shape { loss: rng.u16(10..50), ..calm },
            Self::Bloat => Shape { rate: Some(bloat(rng)), ..calm },
            Self::Thin => Shape {
                rate: Some(Rate { bits: rng.u32(48_000..96_000), queue: 16 << 10 }),
                ..calm
            },
            _ => calm,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Out,
    Back,
}

impl Way {
    fn is_of(self, ways: Ways) -> bool {
        match ways {
            Both => true,
            ToServer => self == Self::Out,
            ToClient => self == Self::Back,
        }
    }
}

/// A modem's, which holds as much as a second of it
fn bloat(rng: &mut Rng) -> Rate {
    Rate { bits: 1_000_000, queue: rng.u32(64 << 10..128 << 10) }
}

/// A fault, when it begins, and what goes with it
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Window {
    pub(crate) kind: Kind,
    pub(crate) begin: Duration,
    pub(crate) length: Duration,
    /// The client says nothing from its lead on, so that only the beat can notice
    pub(crate) quiet: bool,
    /// What the link is like in its lead, if that is longer than nothing
    pub(crate) lead: Shape,
    /// And while it lasts
    pub(crate) out: Shape,
    pub(crate) back: Shape,
}

/// All that happens on a lane
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Schedule {
    /// What the link is like between two faults
    pub(crate) calm: Shape,
    pub(crate) windows: Vec<Window>,
}

impl Schedule {
    /// The same for the same seed; each kind comes once before any comes twice
    pub(crate) fn new(seed: u64, length: Duration) -> Self {
        let mut rng = Rng::with_seed(seed);
        let delay = Duration::from_millis(rng.u64(2..60));
        let calm = Shape { delay, ..Shape::default() };
        let (mut windows, mut deck) = (Vec::new(), Vec::new());
        let mut end = Duration::ZERO;
        loop {
            if deck.is_empty() {
                deck.extend(Kind::ALL);
                rng.shuffle(&mut deck);
            }
            let Some(kind) = deck.pop() else { break };
            let (least, most) = kind.lengths();
            let begin = end + CALM + between(Duration::ZERO, Duration::from_secs(2), &mut rng);
            let begin = begin + kind.lead();
            let window = Window {
                kind,
                begin,
                length: between(least, most, &mut rng),
                quiet: rng.u8(0..3) == 0 && !matches!(kind, Kind::Bloat | Kind::HoleInUpload),
                lead: Shape { rate: Some(bloat(&mut rng)), ..calm },
                out: kind.shape(Way::Out, calm, &mut rng),
                back: kind.shape(Way::Back, calm, &mut rng),
            };
            end = begin + window.length;
            if end + CALM > length {
                break;
            }
            windows.push(window);
        }
        Self { calm, windows }
    }
}

fn between(least: Duration, most: Duration, rng: &mut Rng) -> Duration {
    least + most.saturating_sub(least).mul_f64(rng.f64())
}

impl fmt::Display for Ways {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Both => "both ways",
            ToServer => "to the server",
            ToClient => "to the client",
        })
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hole(ways) => return write!(f, "black hole, {ways}"),
            Self::Blink(ways) => return write!(f, "short hole, {ways}"),
            Self::HoleInUpload => "black hole in an upload",
            Self::Far => "long delay that differs",
            Self::Lossy => "packets lost by chance",
            Self::Bloat => "upload into a long queue",
            Self::Thin => "slow link",
            Self::Renumber => "another address",
            Self::Unplug => "link down",
            Self::Flap => "link down for a moment",
            Self::Kill => "killed by the kernel",
            Self::Refuse => "reset by a filter",
            Self::StopClient => "client stopped",
            Self::StopServer => "server stopped",
            Self::PauseClient => "client stopped for a moment",
            Self::PauseServer => "server stopped for a moment",
            Self::Jump => "clock jumps an hour",
        }
        .fmt(f)
    }
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Client => "client",
            Self::Server => "server",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3_600);

    #[test]
    fn a_seed_says_all_and_another_says_something_else() {
        let length = Duration::from_secs(300);
        assert_eq!(Schedule::new(3, length), Schedule::new(3, length));
        assert_ne!(Schedule::new(3, length), Schedule::new(4, length));
        // A longer run begins as a shorter one.
        let (short, long) = (Schedule::new(3, length), Schedule::new(3, HOUR));
        assert!(long.windows.starts_with(&short.windows) && short.windows.len() >= 18);
    }

    #[test]
    fn each_kind_comes_before_any_comes_twice_and_in_five_minutes() {
        for seed in 0..100 {
            let windows = Schedule::new(seed, Duration::from_secs(300)).windows;
            let mut kinds =
                windows.iter().map(|window| window.kind).take(Kind::ALL.len()).collect::<Vec<_>>();
            kinds.sort_by_key(ToString::to_string);
            kinds.dedup();
            assert_eq!(kinds.len(), Kind::ALL.len(), "seed {seed}");
        }
    }

    #[test]
    fn between_two_faults_all_can_come_back_and_a_death_is_longer_than_the_promise() {
        for seed in 0..50 {
            let Schedule { windows, .. } = Schedule::new(seed, HOUR);
            let mut end = Duration::ZERO;
            for Window { kind, begin, length, .. } in windows {
                assert!(begin - kind.lead() >= end + CALM, "seed {seed}: {kind}");
                match kind.outcome(Side::Client, false) {
                    Outcome::Ends(_) => assert!(length >= PROMISE + LONGER, "{kind}"),
                    Outcome::Lives => assert!(
                        !matches!(kind, Kind::Blink(_) | Kind::Flap) || length <= BLINK,
                        "{kind}"
                    ),
                    _ => {}
                }
                end = begin + length;
            }
            assert!(end + CALM <= HOUR);
        }
    }

    #[test]
    fn a_hole_is_only_on_its_ways() {
        let holes = |kind: Kind| {
            let windows = Schedule::new(5, HOUR).windows;
            let window = windows.into_iter().find(|window| window.kind == kind).unwrap();
            (window.out.hole, window.back.hole)
        };
        assert_eq!(holes(Kind::Hole(Both)), (true, true));
        assert_eq!(holes(Kind::Hole(ToServer)), (true, false));
        assert_eq!(holes(Kind::Blink(ToClient)), (false, true));
        assert_eq!(holes(Kind::HoleInUpload), (true, true));
        for kind in [Kind::Far, Kind::Lossy, Kind::Bloat, Kind::Thin, Kind::StopServer] {
            assert_eq!(holes(kind), (false, false), "{kind}");
        }
    }

    #[test]
    fn only_who_watches_may_end_by_a_moment_without_a_link() {
        assert_eq!(Kind::Flap.outcome(Side::Client, false), Outcome::Lives);
        assert_eq!(Kind::Flap.outcome(Side::Client, true), Outcome::May);
        assert_eq!(Kind::Jump.outcome(Side::Server, true), Outcome::Lives);
        assert_eq!(Kind::StopServer.outcome(Side::Client, false), Outcome::Ends(Since::Begin));
        assert_eq!(Kind::StopServer.outcome(Side::Server, false), Outcome::Ends(Since::End));
    }
}
