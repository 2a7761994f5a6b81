//! What the run came to: the settings first, the table last, and the exit code. Judges the whole
//! from what was measured; measures nothing.

use std::io::{Write, stdout};
use std::process::ExitCode;
use std::time::Duration;

use everbeat_support::{Mood, Timeline, span};

use crate::args::Options;
use crate::ledger::Counts;
use crate::object::object;
use crate::outcome::Outcome;
use crate::settings;
use crate::stage::Stage;

/// How many problems are printed: one broken mechanism can make thousands
const SHOWN: usize = 4;

/// The run as a whole
#[derive(Debug)]
pub(crate) struct Sum {
    pub(crate) counts: Counts,
    /// The worst lateness of any process, in the trials that are told about
    pub(crate) late: Duration,
    /// How many trials were performed once more because the machine stalled
    pub(crate) repeated: u32,
    /// Whether the machine kept up in every trial, so that the run says something
    pub(crate) valid: bool,
    /// Whether every bound held
    pub(crate) held: bool,
    pub(crate) false_alarms: usize,
    /// What was not as it must be, beside what the trials tell
    pub(crate) problems: Vec<String>,
}

impl Sum {
    fn new(stage: &Stage, outcomes: &[Outcome]) -> Self {
        let counts = stage.ledger.counts();
        let mut problems = stage.ledger.contradictions();
        for more in [&stage.disorder, &stage.overdue, &stage.refused, &stage.false_alarms] {
            problems.extend_from_slice(more);
        }
        Self {
            counts,
            late: outcomes.iter().map(|outcome| outcome.late).max().unwrap_or_default(),
            repeated: outcomes.iter().map(|outcome| outcome.repeated).sum(),
            valid: outcomes.iter().all(Outcome::counts),
            held: outcomes.iter().all(Outcome::held) && problems.is_empty() && counts.lost == 0,
            false_alarms: outcomes.iter().map(|outcome| outcome.false_alarms).sum::<usize>()
                + stage.false_alarms.len(),
            problems,
        }
    }
}

/// The settings and the bounds, before anything happens
pub(crate) fn preface(timeline: &Timeline, options: &Options) {
    let clients: Vec<_> = options.runtimes().into_iter().map(|runtime| runtime.name()).collect();
    timeline.plain(format_args!(
        "clients    on {}; server and witness on {}; {}{}",
        clients.join(", "),
        options.orders().runtime,
        if options.tls { "wss" } else { "ws" },
        if options.netns { ", on hosts of this machine's kernel" } else { "" },
    ));
    timeline.plain(format_args!(
        "settings   interval {}, timeout {}, dial {}, backoff {} to {}, reset after {}",
        span(settings::INTERVAL),
        span(settings::TIMEOUT),
        span(settings::DIAL),
        span(settings::BACKOFF_MIN),
        span(settings::BACKOFF_MAX),
        span(settings::HEALTHY_AFTER),
    ));
    timeline.plain(format_args!(
        "allowed    {} for a silence, {} for what the kernels tell, {} to be back",
        span(settings::SILENCE),
        span(settings::TOLD),
        span(settings::BACK),
    ));
    timeline.plain(format_args!(
        "           (the configuration's promise, {} of margin, and our own lateness on top)",
        span(settings::MARGIN),
    ));
    if let Some(mechanism) = options.broken {
        timeline.plain(format_args!("broken     {}: a bound must break", mechanism.name()));
    }
    timeline.plain("");
}

/// Prints the table and the sum of it; the exit code
pub(crate) fn print(stage: &Stage, outcomes: &[Outcome], json: bool) -> ExitCode {
    let timeline = &stage.timeline;
    let sum = Sum::new(stage, outcomes);
    table(timeline, outcomes);
    let Counts { sent, delivered, unsent, unconfirmed, lost } = sum.counts;
    timeline.plain(format_args!(
        "messages   {sent} sent: {delivered} delivered, {unconfirmed} unconfirmed, \
         {unsent} unsent, {lost} lost"
    ));
    let repeated = match sum.repeated {
        0 => String::new(),
        trials => format!("; the machine stalled {trials} times, and the trial was repeated"),
    };
    timeline
        .plain(format_args!("lateness   {} at worst, of all processes{repeated}", span(sum.late)));
    problems(timeline, outcomes, &sum);
    let (mood, verdict, code) = match (sum.valid, sum.held) {
        (false, _) => (Mood::Doubt, "the machine stalled: this run proves nothing", 2),
        (true, true) => (Mood::Good, "every bound held", 0),
        (true, false) => (Mood::Bad, "a bound did not hold", 1),
    };
    timeline.plain(format_args!("verdict    {}", timeline.paint(mood, verdict)));
    if json {
        // A reader who has left has the exit code.
        _ = stdout().write_all(format!("{}\n", object(outcomes, &sum)).as_bytes());
    }
    ExitCode::from(code)
}

fn table(timeline: &Timeline, outcomes: &[Outcome]) {
    let line = |[fault, noticed, allowed, back]: [&str; 4], verdict: &str| {
        let line = format!("{fault:<40}{noticed:>15}{allowed:>13}{back:>12}   {verdict}");
        timeline.plain(line.trim_end());
    };
    timeline.plain("");
    line(["fault", "noticed after", "allowed", "back after"], "");
    for outcome in outcomes {
        let mood = match (outcome.counts(), outcome.held()) {
            (false, _) => Mood::Doubt,
            (true, true) => Mood::Good,
            (true, false) => Mood::Bad,
        };
        let [fault, noticed, allowed, back, verdict] = outcome.cells();
        line([&fault, &noticed, &allowed, &back], &timeline.paint(mood, &verdict));
    }
    timeline.plain("");
}

fn problems(timeline: &Timeline, outcomes: &[Outcome], sum: &Sum) {
    let of_trials = outcomes.iter().flat_map(|outcome| {
        outcome.problems.iter().map(|problem| format!("{}: {problem}", outcome.name))
    });
    let all: Vec<_> = of_trials.chain(sum.problems.iter().cloned()).collect();
    for problem in all.iter().take(SHOWN) {
        timeline.plain(format_args!("{}    {problem}", timeline.paint(Mood::Bad, "problem")));
    }
    if all.len() > SHOWN {
        timeline.plain(format_args!("           and {} more", all.len() - SHOWN));
    }
}
