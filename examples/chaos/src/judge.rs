//! Whether every death was noticed in time, whether anything was called dead that was not, and whether
//! all came back. Pure, over what was told and what was done.

use std::time::Duration;

use everbeat_support::How;

use crate::note::Note;
use crate::schedule::{Kind, Outcome, Side, Since, Window};
use crate::settings::{AFTER, BACK, PROMISE, STALLED};

/// Something that a process told, and when that was read since the beginning of the run
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) at: Duration,
    pub(crate) side: Side,
    pub(crate) note: Note,
}

/// A sleep that was too long, and when it was over; of whoever is nobody's process
pub(crate) type Late = (Duration, Duration);

/// A fault that has happened
#[derive(Debug, Clone, Copy)]
pub(crate) struct Happened {
    pub(crate) window: Window,
    pub(crate) begin: Duration,
    /// When it was over
    pub(crate) end: Duration,
}

/// What is judged: one lane's run
#[derive(Debug, Default)]
pub(crate) struct Lane {
    /// The client watches its host
    pub(crate) watches: bool,
    /// Which side lives by a clock that jumps
    pub(crate) clocked: Option<Side>,
    pub(crate) happened: Vec<Happened>,
    pub(crate) entries: Vec<Entry>,
    /// Of this process, which plays and reads, and of the link
    pub(crate) late: Vec<Late>,
    /// When all were told to end
    pub(crate) closing: Duration,
}

/// A death that had to be noticed, by one side
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) kind: Kind,
    pub(crate) side: Side,
    pub(crate) at: Duration,
    /// When it was, since it could be known
    pub(crate) took: Option<Duration>,
    pub(crate) allowed: Duration,
    pub(crate) how: Option<How>,
}

/// What is wrong, in words
pub(crate) type Wrong = String;

/// What a lane came to
#[derive(Debug, Default)]
pub(crate) struct Verdicts {
    pub(crate) findings: Vec<Finding>,
    /// Ends that nothing explains
    pub(crate) alarms: Vec<Wrong>,
    /// Faults after which the client was not back in time
    pub(crate) astray: Vec<Wrong>,
    /// Faults during which the machine was too late for anything to count
    pub(crate) stalled: u64,
    /// By how much it was late, at worst
    pub(crate) late: Duration,
}

impl Finding {
    pub(crate) fn held(&self) -> bool {
        self.took.is_some_and(|took| took <= self.allowed)
    }
}

impl Kind {
    /// Whether what this side tells of its lateness is the fault's doing
    fn hinders(self, side: Side, clocked: Option<Side>) -> bool {
        match self {
            Self::StopClient | Self::PauseClient => side == Side::Client,
            Self::StopServer | Self::PauseServer => side == Side::Server,
            Self::Jump => clocked == Some(side),
            _ => false,
        }
    }
}

impl Lane {
    pub(crate) fn judge(&self) -> Verdicts {
        let mut verdicts = Verdicts::default();
        for (place, happened) in self.happened.iter().enumerate() {
            let until = self.happened.get(place + 1).map_or(self.closing, |next| next.begin);
            let late = self.late(happened, until);
            verdicts.late = verdicts.late.max(late);
            if late > STALLED {
                verdicts.stalled += 1;
                continue;
            }
            for side in [Side::Client, Side::Server] {
                verdicts.findings.extend(self.findings(happened, side, late));
            }
            if !self.is_back(happened, until, late) {
                let Happened { window: Window { kind, .. }, end, .. } = happened;
                verdicts.astray.push(format!("not back {BACK:?} after {kind}, over at {end:.2?}"));
            }
        }
        for entry in &self.entries {
            if let Note::Down(_, end) = &entry.note {
                if !self.is_explained(entry, end.how) {
                    verdicts.alarms.push(self.told(entry, &end.sentence));
                }
            }
        }
        verdicts
    }

    /// What had to be noticed of one fault by one side: the end of each connection that stood
    fn findings(&self, happened: &Happened, side: Side, late: Duration) -> Vec<Finding> {
        let Happened { window: Window { kind, out, back, .. }, begin, end } = *happened;
        let Outcome::Ends(since) = kind.outcome(side, self.watches) else { return Vec::new() };
        let (since, travels) = match since {
            Since::Begin => (begin, Duration::ZERO),
            Since::Told => (begin, out.delay + back.delay),
            Since::End => (end, Duration::ZERO),
        };
        let finding = |connection| {
            let ended = self.of(side).find_map(|entry| match &entry.note {
                Note::Down(number, end) if *number == connection && entry.at >= begin => {
                    Some((entry.at, end.how))
                }
                _ => None,
            });
            Finding {
                kind,
                side,
                at: begin,
                took: ended.map(|(at, _)| at.saturating_sub(since)),
                allowed: PROMISE + travels + late,
                how: ended.map(|(_, how)| how),
            }
        };
        self.standing(side, begin).into_iter().map(finding).collect()
    }

    /// The connections that stand for a side at that time
    pub(crate) fn standing(&self, side: Side, at: Duration) -> Vec<u64> {
        let mut standing = Vec::new();
        for entry in self.of(side).take_while(|entry| entry.at < at) {
            match &entry.note {
                Note::Up(number) => standing.push(*number),
                Note::Down(number, _) => standing.retain(|other| other != number),
                _ => {}
            }
        }
        standing
    }

    /// Whether the client stands before the next fault, and has since it had to
    fn is_back(&self, happened: &Happened, until: Duration, late: Duration) -> bool {
        let due = (happened.end + BACK + late).min(until);
        !self.standing(Side::Client, due).is_empty()
    }

    /// Whether an end had a reason: a fault by which connections end, or that all were told to end
    fn is_explained(&self, entry: &Entry, how: How) -> bool {
        let asked = entry.at >= self.closing && how == How::Closed;
        asked || self.happened.iter().any(|happened| self.explains(happened, entry))
    }

    fn explains(&self, happened: &Happened, entry: &Entry) -> bool {
        let Happened { window: Window { kind, out, back, .. }, begin, end } = *happened;
        let noticed = PROMISE + out.delay + back.delay;
        let over = match kind.outcome(entry.side, self.watches) {
            Outcome::Lives => return false,
            Outcome::Ends(Since::Begin | Since::Told) => end.max(begin + noticed),
            Outcome::Ends(Since::End) | Outcome::May => end + noticed,
        };
        let late = self.late(happened, entry.at);
        // Whoever came behind it was not hit, and is on a path that is fine.
        let hit = !kind.is_over_at_once()
            || self.since(entry).is_none_or(|up| up <= begin + out.delay + back.delay + late);
        hit && (begin..=over + late).contains(&entry.at)
    }

    /// Since when the connection stood whose end this is
    fn since(&self, end: &Entry) -> Option<Duration> {
        let Note::Down(ended, _) = end.note else { return None };
        let before = self.of(end.side).take_while(|entry| entry.at < end.at);
        let ups = before.filter(|entry| matches!(entry.note, Note::Up(number) if number == ended));
        ups.last().map(|entry| entry.at)
    }

    /// By how much this process, the link, or a process that was not hindered was late
    fn late(&self, happened: &Happened, until: Duration) -> Duration {
        let Happened { window: Window { kind, .. }, begin, .. } = *happened;
        let told = self.entries.iter().filter_map(|entry| match entry.note {
            Note::Late(millis) if !self.is_hindered(entry) => {
                Some((entry.at, Duration::from_millis(millis)))
            }
            _ => None,
        });
        let all = told.chain(self.late.iter().copied());
        // What counts is over after the fault began, less the time that its notice may take.
        let during = all.filter(|(at, _)| (begin.saturating_sub(kind.lead())..=until).contains(at));
        during.map(|(_, late)| late).max().unwrap_or_default()
    }

    /// Whether a fault is why this process was late
    fn is_hindered(&self, entry: &Entry) -> bool {
        self.happened.iter().any(|Happened { window, begin, end }| {
            let hindered = window.kind.hinders(entry.side, self.clocked);
            hindered && (*begin..=*end + AFTER).contains(&entry.at)
        })
    }

    fn told(&self, entry: &Entry, sentence: &str) -> Wrong {
        let before = self.happened.iter().rev().find(|happened| happened.begin <= entry.at);
        let before = before.map_or_else(String::new, |Happened { window, begin, end }| {
            format!("; last: {}, {begin:.2?} to {end:.2?}", window.kind)
        });
        format!("at {:.2?} without a reason, for the {}: {sentence}{before}", entry.at, entry.side)
    }

    fn of(&self, side: Side) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(move |entry| entry.side == side)
    }
}

#[cfg(test)]
#[path = "judge_tests.rs"]
mod tests;
