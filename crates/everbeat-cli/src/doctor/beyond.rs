//! What the budget was too short to tell, and which would do; what no budget tells, too. Pure: for
//! whoever reads "not within 150 s" is to know that this is all that it says.

use std::time::Duration;

use super::advice;
use super::findings::{Findings, OwnBeat, Silent, counted};
use super::hold::PATIENCE;
use super::ladder::Idle;
use super::visit::OUTLIVES;
use crate::span::{LONGEST, Span};

/// How many of its beats a server may be patient with who answers none: some drop at the second, many at
/// the third
const PATIENT: u32 = 4;
/// How much longer a look is worth its time
const LONGER: u32 = 4;

/// Something that is still open
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Beyond {
    pub(super) what: String,
    /// The budget that is expected to tell; none does if there is none
    pub(super) budget: Option<Duration>,
}

impl Beyond {
    /// The flag that moves it
    pub(super) fn flag(&self) -> Option<String> {
        let seconds = self.budget?.as_secs();
        Some(match seconds {
            0..120 => format!("--budget {seconds}s"),
            _ => format!("--budget {}m", seconds.div_ceil(60)),
        })
    }
}

/// What is open, beside what could not be tried at all
pub(super) fn beyond(found: &Findings) -> Vec<Beyond> {
    let longer = found.budget * LONGER;
    let mut all = Vec::new();
    let mut open = |what: String, budget: Option<Duration>| {
        // More than a day cannot be asked for, and no more than there was says no more.
        let budget = budget.map(|budget| budget.min(LONGEST));
        let budget = budget.filter(|&budget| budget > found.budget);
        all.push(Beyond { what, budget });
    };
    // Where the road ends what is idle, what lives long enough is what beats, and that is watched for
    // as long as the limit asks for: no budget makes it longer.
    let cut = advice::limit(&found.idle).is_some();
    let if_uncut = |budget| (!cut).then_some(budget);
    match found.own {
        Some(OwnBeat::None { within }) => {
            let what = format!(
                "whether it pings less often than every {}, and what it then does about who answers \
                 nothing",
                Span(within)
            );
            open(what, if_uncut(longer));
        }
        Some(OwnBeat::Once { .. }) => {
            open(
                "how often it pings: one Ping was seen, and no second".to_owned(),
                if_uncut(longer),
            );
        }
        Some(OwnBeat::Every { .. }) | None => {}
    }
    if let Some(Silent::Kept { lasted, pings }) = found.silent {
        let interval = match found.own {
            Some(OwnBeat::Every { interval, .. }) => interval,
            _ => found.budget,
        };
        if lasted < interval * PATIENT {
            let what = format!(
                "whether it drops who answers nothing for longer than {} and {}",
                Span(lasted),
                counted(pings)
            );
            // One interval to the first, the patience, and the look that ends it
            open(what, if_uncut(interval * (PATIENT + 2)));
        }
    }
    match &found.idle {
        Idle::Survives { longest } if reaches_the_beat(*longest, found.own) => {
            let what = format!(
                "what a silence of more than {} meets: the server's own Ping comes before",
                Span(*longest)
            );
            open(what, None);
        }
        Idle::Survives { longest } => {
            open(format!("a limit on silence beyond {}", Span(*longest)), Some(longer));
        }
        _ => {}
    }
    if let (Some(limit), None) = (advice::limit(&found.idle), &found.beaten) {
        // Who was refused is told of by itself.
        if !found.untried.iter().any(|untried| untried.what == "one that beats") {
            let spent = match &found.idle {
                Idle::Cut { after, .. } => *after,
                Idle::Forgotten { gone_by, .. } => (*gone_by + PATIENCE) * 2,
                _ => Duration::ZERO,
            };
            let needed = (spent + limit * OUTLIVES + PATIENCE).max(found.budget * 2);
            open("whether the recommended beat helps: there was no time left".into(), Some(needed));
        }
    }
    all
}

/// Whether a silence is as long as the server's own beat lets any be
fn reaches_the_beat(longest: Duration, own: Option<OwnBeat>) -> bool {
    matches!(own, Some(OwnBeat::Every { interval, .. }) if longest * 10 >= interval * 9)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::findings::{Beaten, Untried};
    use crate::doctor::ladder::Silence;
    use crate::doctor::wire::End;

    const SECOND: Duration = Duration::from_secs(1);

    fn found(own: OwnBeat, silent: Silent, idle: Idle) -> Findings {
        let (own, silent) = (Some(own), Some(silent));
        Findings { budget: 150 * SECOND, own, silent, idle, ..Findings::default() }
    }

    /// What is open, as people are told
    fn told(found: &Findings) -> Vec<String> {
        let flag = |open: &Beyond| open.flag().unwrap_or_else(|| "no budget".to_owned());
        beyond(found).iter().map(|open| format!("{} ({})", open.what, flag(open))).collect()
    }

    #[test]
    fn a_server_that_beats_at_60_s_leaves_two_things_open_in_150_s() {
        let own = OwnBeat::Every { interval: 60 * SECOND, seen: 2 };
        let kept = Silent::Kept { lasted: 90 * SECOND, pings: 2 };
        let found = found(own, kept, Idle::Survives { longest: 60 * SECOND });
        assert_eq!(
            told(&found),
            [
                "whether it drops who answers nothing for longer than 90 s and 2 Pings \
                 (--budget 6m)",
                "what a silence of more than 60 s meets: the server's own Ping comes before (no budget)",
            ]
        );
        // In the six minutes it is known.
        let patient = Silent::Kept { lasted: 300 * SECOND, pings: 5 };
        let found = Findings { silent: Some(patient), budget: 360 * SECOND, ..found };
        assert_eq!(told(&found).len(), 1, "{:?}", told(&found));
    }

    #[test]
    fn a_beat_that_is_slower_than_the_budget_is_none_that_there_is_not() {
        let (none, idle) =
            (OwnBeat::None { within: 50 * SECOND }, Idle::Survives { longest: 50 * SECOND });
        let mut found = found(none, Silent::NotAsked, idle);
        found.budget = 50 * SECOND;
        let told_of = told(&found);
        assert!(told_of[0].contains("less often than every 50 s"), "{told_of:?}");
        assert!(told_of[1].contains("a limit on silence beyond 50 s"), "{told_of:?}");
        assert!(told_of.iter().all(|open| open.ends_with("(--budget 4m)")), "{told_of:?}");
        found.own = Some(OwnBeat::Once { after: 30 * SECOND });
        let told_of = told(&found);
        assert!(told_of[0].contains("how often") && told_of[0].ends_with("4m)"), "{told_of:?}");
        assert!(told_of[1].contains("a limit on silence beyond 50 s"), "{told_of:?}");
    }

    #[test]
    fn no_budget_tells_more_of_a_beat_behind_a_road_that_cuts_before_it() {
        let idle = Idle::Cut { after: 5 * SECOND, how: End::Eof };
        let once = OwnBeat::Once { after: 14 * SECOND };
        let mut found = found(once, Silent::Kept { lasted: 6 * SECOND, pings: 1 }, idle);
        found.beaten =
            Some(Beaten { interval: SECOND, lasted: 20 * SECOND, end: Silence::Survived });
        let told_of = told(&found);
        assert_eq!(told_of.len(), 2, "{told_of:?}");
        assert!(told_of.iter().all(|open| open.ends_with("(no budget)")), "{told_of:?}");
    }

    #[test]
    fn a_beat_that_was_not_tried_is_told_with_the_time_that_it_needs() {
        let idle = Idle::Cut { after: 60 * SECOND, how: End::Eof };
        let none = OwnBeat::None { within: 60 * SECOND };
        let mut found = found(none, Silent::NotAsked, idle);
        found.budget = 61 * SECOND;
        let told_of = told(&found);
        assert!(told_of[0].ends_with("(no budget)"), "what is idle ends first: {told_of:?}");
        assert_eq!(
            told_of[1],
            "whether the recommended beat helps: there was no time left (--budget 5m)"
        );
        let (what, why) = ("one that beats".to_owned(), "refused".to_owned());
        found.untried.push(Untried { what, why, asks: true });
        assert_eq!(told(&found).len(), 1, "said already, with the reason");
        found.untried.clear();
        let lasted = 100 * SECOND;
        found.beaten = Some(Beaten { interval: SECOND, lasted, end: Silence::Survived });
        assert_eq!(told(&found).len(), 1);
    }

    #[test]
    fn no_flag_is_longer_than_a_day_or_than_what_was() {
        let none = OwnBeat::None { within: LONGEST };
        let found = Findings {
            budget: LONGEST,
            ..found(none, Silent::NotAsked, Idle::Survives { longest: LONGEST })
        };
        assert!(beyond(&found).iter().all(|open| open.flag().is_none()));
        assert_eq!(Findings::default().budget, Duration::ZERO);
        assert_eq!(beyond(&Findings::default()), [], "nothing was tried");
    }
}
