//! What the probes found, as data, and what several of them say together: whether a server pings by
//! itself, whether it drops the silent, and what cuts idle connections. Pure.

use std::time::Duration;

use super::hold::Held;
use super::ladder::{Idle, Silence};
use super::wire::{Answer, End};

/// Two times that are no further apart are one
const APART: Duration = Duration::from_secs(2);

/// What became of one Ping
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Echo {
    /// Answered with its payload, after so long
    Same(Duration),
    /// The same, but only when it was sent again
    Again,
    /// Answered with another payload
    Other,
    /// Not answered
    None,
    Ended(End),
}

/// What became of several at once
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Burst {
    All,
    /// So many, the newest among them
    Newest(usize),
    /// So many, and the newest not
    Some(usize),
    None,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Pings {
    /// By the length of the payload
    pub(super) sizes: Vec<(usize, Echo)>,
    pub(super) trips: Vec<Duration>,
    pub(super) burst: Option<Burst>,
}

impl Pings {
    /// Whether Pings are of use to a heartbeat: answered with the eight bytes that everbeat's carry
    pub(super) fn are_answered(&self) -> bool {
        let few = |(size, echo): &(usize, Echo)| {
            *size == 8 && matches!(echo, Echo::Same(_) | Echo::Again)
        };
        self.sizes.iter().any(few)
    }

    /// The longest round trip that was seen
    pub(super) fn slowest(&self) -> Option<Duration> {
        self.trips.iter().copied().max()
    }
}

/// What became of a message in pieces
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fragments {
    /// `echoed` is whether it came back whole, of a server that sends messages back
    Taken {
        pong_between: bool,
        echoed: Option<bool>,
    },
    Refused(End),
    /// The same in one piece ends the connection too, so that pieces cannot be judged
    MessageRefused(End),
}

/// A rule that was broken
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Broken {
    Unmasked,
    NotUtf8,
    Reserved,
}

impl Broken {
    pub(super) const ALL: [Self; 3] = [Self::Unmasked, Self::NotUtf8, Self::Reserved];

    pub(super) const fn words(self) -> &'static str {
        match self {
            Self::Unmasked => "a frame without a mask",
            Self::NotUtf8 => "text that is not UTF-8",
            Self::Reserved => "an opcode that is reserved",
        }
    }

    /// The code that RFC 6455 asks for
    pub(super) const fn code(self) -> u16 {
        match self {
            Self::Unmasked | Self::Reserved => 1002,
            Self::NotUtf8 => 1007,
        }
    }
}

/// What became of a Close, or of a broken rule
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Closing {
    /// The server's Close: its code, if it had one
    pub(super) answered: Option<Option<u16>>,
    /// The end of the socket; not within the time if there is none
    pub(super) ended: Option<(End, Duration)>,
}

/// Whether the server pings by itself
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OwnBeat {
    /// Not within this time
    None {
        within: Duration,
    },
    /// Once, after so long
    Once {
        after: Duration,
    },
    Every {
        interval: Duration,
        seen: usize,
    },
}

/// What the server does about a client that answers none of its Pings
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Silent {
    /// It has not pinged, so that there was nothing to answer
    NotAsked,
    /// It is dropped, so long after the first Ping that it did not answer
    Dropped { after: Duration, pings: usize, how: End },
    /// It pinged, and let it live for so long behind the first
    Kept { lasted: Duration, pings: usize },
    /// It ended together with one that answers, so that this was no reason
    AsOthers,
}

/// What is done about a version of the protocol that there is not
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Version {
    LetIn,
    Refused(Box<Answer>),
}

/// Something that could not be tried
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Untried {
    pub(super) what: String,
    pub(super) why: String,
    /// Whether a question is open for it: one silence of many asks nothing that the others do not
    pub(super) asks: bool,
}

/// All that was found; what is `None`, or missing, was not asked
#[derive(Debug, Default)]
pub(super) struct Findings {
    pub(super) budget: Duration,
    pub(super) answer: Answer,
    pub(super) pings: Option<Pings>,
    pub(super) fragments: Option<Fragments>,
    pub(super) closings: Vec<(Option<u16>, Closing)>,
    pub(super) broken: Vec<(Broken, Closing)>,
    pub(super) version: Option<Version>,
    pub(super) own: Option<OwnBeat>,
    pub(super) silent: Option<Silent>,
    pub(super) idle: Idle,
    pub(super) untried: Vec<Untried>,
    /// Whether a connection that beats as recommended outlived the limit
    pub(super) beaten: Option<Beaten>,
    /// Upgrades that were refused on the way: a status and a `Retry-After`
    pub(super) refused: Vec<(u16, Option<String>)>,
}

/// What a connection that beats met
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Beaten {
    pub(super) interval: Duration,
    pub(super) lasted: Duration,
    pub(super) end: Silence,
}

impl Beaten {
    pub(super) fn of(interval: Duration, held: Held) -> Self {
        Self { interval, lasted: held.lasted, end: held.end }
    }
}

/// So many of the server's Pings
pub(super) fn counted(pings: usize) -> String {
    match pings {
        1 => "1 Ping".to_owned(),
        _ => format!("{pings} Pings"),
    }
}

/// Whether the server pings by itself, by who waited longest
pub(super) fn own_beat<'a>(held: impl IntoIterator<Item = &'a Held>) -> Option<OwnBeat> {
    let held: Vec<_> = held.into_iter().collect();
    let within = held.iter().map(|held| held.lasted).max()?;
    let most = held.iter().max_by_key(|held| held.pinged.len())?;
    let mut gaps: Vec<_> =
        most.pinged.windows(2).map(|pair| pair[1].saturating_sub(pair[0])).collect();
    gaps.sort();
    Some(match (most.pinged.first(), gaps.get(gaps.len() / 2)) {
        (None, _) => OwnBeat::None { within },
        (Some(&after), None) => OwnBeat::Once { after },
        (_, Some(&interval)) => OwnBeat::Every { interval, seen: most.pinged.len() },
    })
}

/// What it does about `mute`, who answers nothing, beside those who answer
pub(super) fn silent<'a>(mute: &Held, others: impl IntoIterator<Item = &'a Held>) -> Silent {
    let Some(&first) = mute.pinged.first() else {
        return Silent::NotAsked;
    };
    let pings = mute.pinged.len();
    let lasted = mute.lasted.saturating_sub(first);
    let Silence::Ended(how) = &mute.end else {
        return Silent::Kept { lasted, pings };
    };
    let alike = |other: &Held| {
        let apart = other.lasted.abs_diff(mute.lasted);
        matches!(other.end, Silence::Ended(_)) && apart <= APART
    };
    if others.into_iter().any(alike) {
        return Silent::AsOthers;
    }
    Silent::Dropped { after: lasted, pings, how: how.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(lasted: u64, pinged: &[u64], end: Silence) -> Held {
        let lasted = Duration::from_secs(lasted);
        let pinged: Vec<_> = pinged.iter().copied().map(Duration::from_secs).collect();
        let quiet = lasted.saturating_sub(pinged.last().copied().unwrap_or_default());
        Held { lasted, quiet, end, pinged }
    }

    fn cut() -> Silence {
        Silence::Ended(End::Eof)
    }

    #[test]
    fn a_servers_beat_is_the_median_of_what_the_most_patient_saw() {
        let short = held(5, &[], Silence::Survived);
        let long = held(60, &[10, 20, 31, 40, 50], Silence::Survived);
        let second = Duration::from_secs(1);
        let every = OwnBeat::Every { interval: 10 * second, seen: 5 };
        assert_eq!(own_beat([&short, &long]), Some(every));
        assert_eq!(own_beat([&short]), Some(OwnBeat::None { within: 5 * second }));
        assert_eq!(own_beat([&held(9, &[7], cut())]), Some(OwnBeat::Once { after: 7 * second }));
        assert_eq!(own_beat([]), None, "nobody waited, and nothing is known");
    }

    #[test]
    fn who_is_dropped_for_silence_is_told_from_who_is_cut_with_the_others() {
        let second = Duration::from_secs(1);
        let mute = held(30, &[10, 20], cut());
        let dropped = Silent::Dropped { after: 20 * second, pings: 2, how: End::Eof };
        assert_eq!(silent(&mute, [&held(60, &[10, 20], Silence::Survived)]), dropped);
        // One that answered and lasted as long without an end shows nothing of the kind
        assert_eq!(silent(&mute, [&held(30, &[10, 20], Silence::Survived)]), dropped);
        assert_eq!(silent(&mute, [&held(31, &[10, 20], cut())]), Silent::AsOthers);
        assert_eq!(silent(&held(30, &[], cut()), []), Silent::NotAsked);
        let kept = Silent::Kept { lasted: 50 * second, pings: 2 };
        assert_eq!(silent(&held(60, &[10, 20], Silence::Survived), []), kept);
    }
}
