//! What the run came to: the settings first, the table last, one JSON object for machines, and the
//! exit code. Judges the whole from what was measured; measures nothing.

use std::io::{Write, stderr, stdout};
use std::process::{Command, ExitCode};
use std::time::Duration;

use serde_json::{Value, json};

use crate::args::{Mechanism, Options, USAGE};
use crate::ledger::Counts;
use crate::settings;
use crate::stage::Stage;
use crate::timeline::{Mood, Timeline, seconds, span};

/// What a trial came to
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) name: &'static str,
    /// From the fault until it was noticed; `None` if nobody had to
    pub(crate) noticed: Option<Measured>,
    /// From the repair until messages arrived again; `None` if nobody had to come back
    pub(crate) back: Option<Measured>,
    /// How many connections were tried, where that is bounded
    pub(crate) attempts: Option<u64>,
    /// What was not as it must be, in words
    pub(crate) problems: Vec<String>,
}

/// A time and its bound
#[derive(Clone, Copy, Debug)]
pub(crate) struct Measured {
    /// `None` if it did not happen within the bound
    pub(crate) took: Option<Duration>,
    pub(crate) allowed: Duration,
}

impl Measured {
    pub(crate) fn held(&self) -> bool {
        self.took.is_some_and(|took| took <= self.allowed)
    }
}

impl Outcome {
    pub(crate) fn new(name: &'static str) -> Self {
        Self {
            name,
            ..Self::default()
        }
    }

    /// Whether every bound held
    pub(crate) fn held(&self) -> bool {
        self.problems.is_empty()
            && self.noticed.is_none_or(|noticed| noticed.held())
            && self.back.is_none_or(|back| back.held())
            && self
                .attempts
                .is_none_or(|attempts| attempts <= settings::FLAPPING_ATTEMPTS)
    }

    /// The table's cells: fault, noticed after, allowed, back after, verdict
    fn cells(&self) -> [String; 5] {
        let time = |took: Option<Duration>| match took {
            Some(took) => format!("{} s", seconds(took)),
            None => "never".into(),
        };
        let (noticed, allowed) = match (self.noticed, self.attempts) {
            (Some(noticed), _) => (time(noticed.took), time(Some(noticed.allowed))),
            (None, Some(attempts)) => (
                format!("{attempts} tries"),
                format!("{} tries", settings::FLAPPING_ATTEMPTS),
            ),
            (None, None) => ("no death".into(), "no death".into()),
        };
        let back = self.back.map_or_else(|| "-".into(), |back| time(back.took));
        let verdict = if self.held() { "held" } else { "BROKEN" };
        [self.name.into(), noticed, allowed, back, verdict.into()]
    }

    fn rows(&self) -> Vec<Value> {
        let time = |what: &str, measured: Measured| {
            let value = measured.took.map(|took| took.as_secs_f64());
            let goal = measured.allowed.as_secs_f64();
            row(
                &format!("{}: {what}", self.name),
                json!(value),
                "s",
                json!(goal),
                measured.held(),
            )
        };
        let mut rows = Vec::new();
        rows.extend(self.noticed.map(|noticed| time("noticed after", noticed)));
        rows.extend(self.back.map(|back| time("back after", back)));
        rows.extend(self.attempts.map(|attempts| {
            let goal = settings::FLAPPING_ATTEMPTS;
            let name = format!("{}: tries in 5 s", self.name);
            row(
                &name,
                json!(attempts),
                "tries",
                json!(goal),
                attempts <= goal,
            )
        }));
        let name = format!("{}: problems", self.name);
        let problems = self.problems.len();
        rows.push(row(
            &name,
            json!(problems),
            "problems",
            json!(0),
            problems == 0,
        ));
        rows
    }
}

fn row(name: &str, value: Value, unit: &str, goal: Value, met: bool) -> Value {
    json!({ "name": name, "value": value, "unit": unit, "goal": goal, "met": met })
}

/// The settings and the bounds, before anything happens
pub(crate) fn preface(timeline: &Timeline, broken: Option<Mechanism>) {
    let ms = |duration: Duration| span(duration);
    timeline.plain(format_args!(
        "settings   interval {}, timeout {}, dial {}, backoff {} to {}, reset after {}",
        ms(settings::INTERVAL),
        ms(settings::TIMEOUT),
        ms(settings::DIAL),
        ms(settings::BACKOFF_MIN),
        ms(settings::BACKOFF_MAX),
        ms(settings::HEALTHY_AFTER),
    ));
    timeline.plain(format_args!(
        "allowed    a silence {}, what the kernel tells {}, back {}; \
         each with a margin of {}, plus our own lateness",
        ms(settings::SILENCE),
        ms(settings::TOLD),
        ms(settings::BACK),
        ms(settings::MARGIN),
    ));
    if let Some(mechanism) = broken {
        timeline.plain(format_args!(
            "broken     {}: a bound must break",
            mechanism.name()
        ));
    }
    timeline.plain("");
}

/// Prints the table and the sum of it; the exit code
pub(crate) fn print(stage: &Stage, outcomes: &[Outcome], options: Options) -> ExitCode {
    let timeline = &stage.timeline;
    table(timeline, outcomes);
    let counts = stage.ledger.counts();
    let mut problems = stage.ledger.contradictions();
    problems.extend_from_slice(&stage.objections);
    let late = stage.lateness.worst();
    let valid = late <= settings::STALLED;
    let held = outcomes.iter().all(Outcome::held) && problems.is_empty() && counts.lost == 0;
    sum(timeline, counts, late);
    let told = outcomes.iter().flat_map(|outcome| {
        outcome
            .problems
            .iter()
            .map(|problem| format!("{}: {problem}", outcome.name))
    });
    let shown: Vec<_> = told.chain(problems.iter().cloned()).collect();
    for problem in shown.iter().take(SHOWN) {
        timeline.plain(format_args!(
            "{}    {problem}",
            timeline.paint(Mood::Bad, "problem")
        ));
    }
    if shown.len() > SHOWN {
        timeline.plain(format_args!("problem    and {} more", shown.len() - SHOWN));
    }
    let (mood, verdict, code) = match (valid, held) {
        (false, _) => (
            Mood::Doubt,
            "the machine stalled: this run proves nothing",
            2,
        ),
        (true, true) => (Mood::Good, "every bound held", 0),
        (true, false) => (Mood::Bad, "a bound did not hold", 1),
    };
    timeline.plain(format_args!("verdict    {}", timeline.paint(mood, verdict)));
    if options.json {
        let object = object(stage, outcomes, counts, problems.len(), held, valid);
        // A reader who has left has the exit code.
        _ = stdout().write_all(format!("{object}\n").as_bytes());
    }
    ExitCode::from(code)
}

/// How many problems are printed: one broken mechanism can make thousands
const SHOWN: usize = 4;

fn table(timeline: &Timeline, outcomes: &[Outcome]) {
    let head = ["fault", "noticed after", "allowed", "back after", ""].map(String::from);
    timeline.plain("");
    for (index, cells) in std::iter::once(head)
        .chain(outcomes.iter().map(Outcome::cells))
        .enumerate()
    {
        let [fault, noticed, allowed, back, verdict] = cells;
        let verdict = match index.checked_sub(1).and_then(|index| outcomes.get(index)) {
            Some(outcome) if outcome.held() => timeline.paint(Mood::Good, &verdict),
            Some(_) => timeline.paint(Mood::Bad, &verdict),
            None => verdict,
        };
        let line = format!("{fault:<40}{noticed:>15}{allowed:>13}{back:>12}   {verdict}");
        timeline.plain(line.trim_end());
    }
    timeline.plain("");
}

fn sum(timeline: &Timeline, counts: Counts, late: Duration) {
    let Counts {
        sent,
        delivered,
        unsent,
        unconfirmed,
        lost,
    } = counts;
    timeline.plain(format_args!(
        "messages   {sent} sent: {delivered} delivered, {unconfirmed} unconfirmed, \
         {unsent} unsent, {lost} lost"
    ));
    timeline.plain(format_args!(
        "lateness   {} at worst, of every process",
        span(late)
    ));
}

fn object(
    stage: &Stage,
    outcomes: &[Outcome],
    counts: Counts,
    problems: usize,
    held: bool,
    valid: bool,
) -> Value {
    let mut rows: Vec<Value> = outcomes.iter().flat_map(Outcome::rows).collect();
    rows.push(row(
        "messages lost",
        json!(counts.lost),
        "messages",
        json!(0),
        counts.lost == 0,
    ));
    rows.push(row(
        "contradictions",
        json!(problems),
        "messages",
        json!(0),
        problems == 0,
    ));
    let late = stage.lateness.worst();
    let goal = settings::STALLED.as_millis();
    rows.push(row(
        "lateness",
        json!(late.as_millis()),
        "ms",
        json!(goal),
        valid,
    ));
    let count = |that: fn(&Outcome) -> Option<Measured>| {
        outcomes
            .iter()
            .filter_map(that)
            .filter(Measured::held)
            .count()
    };
    json!({
        "command": "demo",
        "commit": commit(),
        "seed": null,
        "rows": rows,
        "all_met": held && valid,
        "valid": valid,
        "faults": outcomes.len(),
        "noticed": count(|outcome| outcome.noticed),
        "false_alarms": stage.false_alarms.len(),
        "reconnected": count(|outcome| outcome.back),
        "messages": {
            "sent": counts.sent,
            "delivered": counts.delivered,
            "unsent": counts.unsent,
            "unconfirmed": counts.unconfirmed,
            "lost": counts.lost,
        },
    })
}

/// The commit that this was built from, as far as git knows here
fn commit() -> Option<String> {
    let output = Command::new("git")
        .args(["rev-parse", "HEAD"])
        .output()
        .ok()?;
    let commit = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| commit.trim().to_owned())
}

/// Says what was wrong with the arguments
pub(crate) fn usage(problem: &str) -> ExitCode {
    _ = stderr().write_all(format!("{problem}\n\n{USAGE}\n").as_bytes());
    ExitCode::from(3)
}

/// Says what the arguments are
pub(crate) fn help() -> ExitCode {
    _ = stdout().write_all(format!("{USAGE}\n").as_bytes());
    ExitCode::SUCCESS
}

/// Says why the demo could not run
pub(crate) fn failure(error: &anyhow::Error) -> ExitCode {
    _ = stderr().write_all(format!("the demo could not run: {error:#}\n").as_bytes());
    ExitCode::from(3)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_trial_holds_only_if_all_of_it_holds() {
        let in_time = Some(Measured {
            took: Some(SECOND),
            allowed: SECOND * 2,
        });
        let late = Some(Measured {
            took: Some(SECOND * 3),
            allowed: SECOND * 2,
        });
        let never = Some(Measured {
            took: None,
            allowed: SECOND * 2,
        });
        let good = || Outcome {
            noticed: in_time,
            back: in_time,
            ..Outcome::new("fault")
        };
        assert!(good().held());
        assert!(
            !Outcome {
                noticed: late,
                ..good()
            }
            .held()
        );
        assert!(
            !Outcome {
                back: never,
                ..good()
            }
            .held()
        );
        assert!(
            !Outcome {
                problems: vec!["odd".into()],
                ..good()
            }
            .held()
        );
        assert!(
            Outcome {
                attempts: Some(8),
                ..good()
            }
            .held()
        );
        assert!(
            !Outcome {
                attempts: Some(9),
                ..good()
            }
            .held()
        );
    }

    #[test]
    fn the_tables_cells_say_what_was_measured() {
        let noticed = Some(Measured {
            took: Some(SECOND * 3),
            allowed: SECOND * 4,
        });
        let back = Some(Measured {
            took: None,
            allowed: SECOND * 4,
        });
        let outcome = Outcome {
            noticed,
            back,
            ..Outcome::new("reset")
        };
        assert_eq!(
            outcome.cells(),
            ["reset", "3.00 s", "4.00 s", "never", "BROKEN"]
        );
        let slow = Outcome::new("delay");
        assert_eq!(slow.cells(), ["delay", "no death", "no death", "-", "held"]);
        assert_eq!(outcome.rows().len(), 3);
        assert_eq!(outcome.rows()[1]["met"], json!(false));
    }
}
