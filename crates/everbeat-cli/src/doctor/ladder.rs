//! How long a silence may be before what is in between ends it: which silences to try, and what their
//! ends say together. Pure: it is told what was seen and waits for nothing.
//!
//! Silences are tried side by side, not one after the other by halves. A connection that waits costs
//! nothing but its time, so a whole ladder takes as long as its longest rung, where bisecting takes a
//! sum of them: to tell a limit of 60 s within 150 s, halves need 75 s, 37 s and 56 s at least. And
//! what most things do is to cut, which the longest rung alone sees to the moment. Only what forgets a
//! connection without a word has to be asked, and is known to lie between two rungs; what time is left
//! goes into rungs between those.

use std::time::Duration;

use super::wire::End;

/// The silences that are tried first, in seconds: around the limits that are common (nginx and AWS
/// have 60, HAProxy often 50, Heroku 55, Cloudflare 100, tight firewalls 30)
const RUNGS: [u64; 16] =
    [2, 5, 10, 20, 30, 45, 55, 65, 90, 120, 180, 300, 600, 1_200, 1_800, 3_600];
/// The most at a time: a server may count connections by address
const MOST: usize = 12;
/// Two ends that are no further apart are of one rule
const APART: Duration = Duration::from_millis(1_500);
/// A forgotten connection is known well enough once the rungs around are so near, in percent
const NEAR: u32 = 10;

/// How one silence ended
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Silence {
    /// A Ping behind it was answered
    Survived,
    /// A Ping behind it was not
    Forgotten,
    /// It did not last so long: it ended so
    Ended(End),
}

/// What silences do
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Idle {
    /// It is cut, and that was seen as it happened
    Cut { after: Duration, how: End },
    /// It is forgotten without a word: one silence was survived and a longer one was not
    Forgotten { survives: Duration, gone_by: Duration },
    /// None was too long
    Survives { longest: Duration },
    /// Shorter ones were ended than others that were survived: by no limit on silence
    Erratic { ended: Duration, survived: Duration, how: Option<End> },
    /// None came to an end that says anything
    #[default]
    Unknown,
}

/// What was seen so far
#[derive(Clone, Debug, Default)]
pub(super) struct Ladder {
    survived: Option<Duration>,
    forgotten: Option<Duration>,
    /// The shortest silence that was cut
    cut: Option<(Duration, End)>,
}

impl Ladder {
    /// The silences to try first, the longest of which is all of the budget
    pub(super) fn first(budget: Duration) -> Vec<Duration> {
        let rungs = RUNGS.iter().map(|&rung| Duration::from_secs(rung));
        // One that is nearly the last is of no use beside it.
        let mut rungs: Vec<_> = rungs.filter(|&rung| rung * 10 < budget * 9).collect();
        let surplus = (rungs.len() + 1).saturating_sub(MOST);
        rungs.drain(..surplus);
        rungs.push(budget);
        rungs
    }

    /// Notes how a silence of `lasted` ended
    pub(super) fn note(&mut self, lasted: Duration, silence: Silence) {
        match silence {
            Silence::Survived => self.survived = self.survived.max(Some(lasted)),
            Silence::Forgotten => {
                self.forgotten = Some(self.forgotten.map_or(lasted, |known| known.min(lasted)));
            }
            Silence::Ended(how) => {
                if self.cut.as_ref().is_none_or(|(known, _)| lasted < *known) {
                    self.cut = Some((lasted, how));
                }
            }
        }
    }

    /// The silences that would tell more, side by side, none of them longer than what is left
    pub(super) fn refine(&self, left: Duration) -> Vec<Duration> {
        let Idle::Forgotten { survives, gone_by } = self.verdict() else {
            return Vec::new();
        };
        let gap = gone_by.saturating_sub(survives);
        if gap <= APART || gap * 100 <= gone_by * NEAR {
            return Vec::new();
        }
        let parts = u32::try_from(MOST).unwrap_or(1);
        let rungs = (1..parts).map(|part| survives + gap * part / parts);
        rungs.filter(|&rung| rung <= left).collect()
    }

    pub(super) fn verdict(&self) -> Idle {
        let survived = self.survived.unwrap_or_default();
        // Whichever came first is the rule. One that was asked at the very moment of the cut is met by a
        // reset, and says nothing else.
        let cut = self.cut.as_ref();
        let cut =
            cut.filter(|(cut, _)| self.forgotten.is_none_or(|forgotten| *cut <= forgotten + APART));
        if let Some((after, how)) = cut {
            if survived > *after + APART {
                return Idle::Erratic { ended: *after, survived, how: Some(how.clone()) };
            }
            return Idle::Cut { after: *after, how: how.clone() };
        }
        match (self.forgotten, self.survived) {
            (Some(ended), Some(survived)) if survived > ended => {
                Idle::Erratic { ended, survived, how: None }
            }
            (Some(gone_by), _) => Idle::Forgotten { survives: survived, gone_by },
            (None, Some(longest)) => Idle::Survives { longest },
            (None, None) => Idle::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// A road that cuts, or forgets, after so long, and what a ladder over it finds
    fn climb(limit: Duration, cuts: bool, budget: Duration) -> (Idle, Duration) {
        let mut ladder = Ladder::default();
        let mut rungs = Ladder::first(budget);
        let mut took = Duration::ZERO;
        while let Some(&longest) = rungs.iter().max() {
            took += if cuts { longest.min(limit) } else { longest };
            for rung in rungs {
                match (rung < limit, cuts) {
                    (true, _) => ladder.note(rung, Silence::Survived),
                    (false, true) => ladder.note(limit, Silence::Ended(End::Eof)),
                    (false, false) => ladder.note(rung, Silence::Forgotten),
                }
            }
            rungs = ladder.refine(budget.saturating_sub(took));
        }
        (ladder.verdict(), took)
    }

    #[test]
    fn a_cut_is_known_to_the_moment_and_when_it_happens() {
        for limit in [3, 5, 30, 50, 60, 100, 149].map(Duration::from_secs) {
            let (idle, took) = climb(limit, true, 150 * SECOND);
            assert_eq!(idle, Idle::Cut { after: limit, how: End::Eof });
            assert_eq!(took, limit, "no longer than the limit itself");
        }
    }

    #[test]
    fn what_is_forgotten_lies_between_two_silences_as_near_as_time_allows() {
        for limit in 3..=100 {
            let limit = Duration::from_secs(limit) + SECOND / 2;
            let (idle, took) = climb(limit, false, 400 * SECOND);
            let Idle::Forgotten { survives, gone_by } = idle else { panic!("{limit:?}: {idle:?}") };
            assert!(survives < limit && limit <= gone_by, "{limit:?}: {survives:?} {gone_by:?}");
            assert!(took <= 400 * SECOND, "{took:?}");
        }
        // With time for a second look, within a tenth
        let mut ladder = Ladder::default();
        ladder.note(60 * SECOND, Silence::Survived);
        ladder.note(120 * SECOND, Silence::Forgotten);
        let rungs = ladder.refine(150 * SECOND);
        assert_eq!(rungs.len(), 11);
        assert!(rungs.iter().all(|&rung| rung > 60 * SECOND && rung < 120 * SECOND), "{rungs:?}");
        assert_eq!(ladder.refine(70 * SECOND).len(), 2, "only what there is time for");
    }

    #[test]
    fn a_budget_that_is_survived_says_no_more_than_that() {
        let (idle, took) = climb(1_000 * SECOND, true, 150 * SECOND);
        assert_eq!(idle, Idle::Survives { longest: 150 * SECOND });
        assert_eq!(took, 150 * SECOND);
        assert_eq!(Ladder::default().verdict(), Idle::Unknown);
    }

    #[test]
    fn what_outlives_a_shorter_end_was_ended_by_no_limit() {
        let mut ladder = Ladder::default();
        ladder.note(5 * SECOND, Silence::Ended(End::Reset));
        ladder.note(30 * SECOND, Silence::Survived);
        let how = Some(End::Reset);
        let erratic = Idle::Erratic { ended: 5 * SECOND, survived: 30 * SECOND, how };
        assert_eq!(ladder.verdict(), erratic);
        assert_eq!(ladder.refine(SECOND * 100), []);
        // One that was asked at the moment of the cut is a part of it
        let mut ladder = Ladder::default();
        ladder.note(5 * SECOND, Silence::Forgotten);
        ladder.note(5 * SECOND + SECOND / 50, Silence::Ended(End::Eof));
        assert!(matches!(ladder.verdict(), Idle::Cut { .. }), "{ladder:?}");
        // Within the clocks' own play it is one rule
        let mut ladder = Ladder::default();
        ladder.note(5 * SECOND, Silence::Ended(End::Eof));
        ladder.note(6 * SECOND, Silence::Survived);
        assert!(matches!(ladder.verdict(), Idle::Cut { .. }));
    }

    #[test]
    fn a_ladder_has_few_rungs_and_ends_with_the_budget() {
        for budget in [1, 3, 60, 150, 600, 86_400].map(Duration::from_secs) {
            let rungs = Ladder::first(budget);
            assert!(rungs.len() <= MOST && rungs.last() == Some(&budget), "{rungs:?}");
            assert!(rungs.is_sorted(), "{rungs:?}");
        }
    }
}
