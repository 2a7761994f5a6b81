//! What the run came to, for people and for machines, and the exit code.

use std::io::{Write, stdout};
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result};
use everbeat_drawing::Dots;
use everbeat_support::account::{Sum, compare};
use everbeat_support::rows::{at_least, at_most, commit, millis, none, told};
use everbeat_support::{Mood, Timeline};
use serde_json::{Value, json};

use crate::args::Options;
use crate::judge::Verdicts;
use crate::lane::Played;
use crate::settings::{PROMISE, STALLED};
use crate::stage::Setup;
use crate::table::{self, Times};

/// All lanes together
#[derive(Debug, Default)]
struct Whole {
    verdicts: Verdicts,
    sum: Sum,
    faults: u64,
    packets: (u64, u64),
}

impl Whole {
    fn of(setups: &[Setup], played: &[Played]) -> Self {
        let mut whole = Self::default();
        for (setup, lane) in setups.iter().zip(played) {
            let who = setup.runtimes.0;
            let Verdicts { findings, alarms, astray, stalled, late } = lane.lane.judge();
            let all = &mut whole.verdicts;
            all.findings.extend(findings);
            all.alarms.extend(alarms.into_iter().map(|alarm| format!("{who}, {alarm}")));
            all.astray.extend(astray.into_iter().map(|astray| format!("{who}: {astray}")));
            all.stalled += stalled;
            all.late = all.late.max(late);
            whole.sum += compare(&lane.account, &lane.received);
            whole.faults += lane.lane.happened.len() as u64;
            whole.packets.0 += lane.packets.0;
            whole.packets.1 += lane.packets.1;
        }
        whole
    }

    fn rows(&self, times: &[Times<'_>]) -> Vec<Value> {
        let Self { verdicts, sum, .. } = self;
        let broken = verdicts.findings.iter().filter(|finding| !finding.held()).count() as u64;
        let mut rows = times.iter().map(Times::row).collect::<Vec<_>>();
        rows.extend([
            at_least("faults", self.faults, "faults", 1),
            at_least("deaths to be noticed", verdicts.findings.len() as u64, "deaths", 1),
            none("promises broken", broken, "deaths"),
            none("ended without a reason", verdicts.alarms.len() as u64, "ends"),
            none("not back in time", verdicts.astray.len() as u64, "faults"),
            told("packets over the links", self.packets.0, "packets"),
            told("packets lost on them", self.packets.1, "packets"),
            at_least("messages accepted", sum.accepted, "messages", 1),
            told("delivered", sum.delivered, "messages"),
            told("unconfirmed", sum.unconfirmed, "messages"),
            told("unsent", sum.unsent, "messages"),
            told("answers", sum.answers, "messages"),
        ]);
        rows.extend(sum.disagreements());
        rows.push(none("faults during which the machine stalled", verdicts.stalled, "faults"));
        rows.push(at_most("lateness", millis(verdicts.late), "ms", millis(STALLED)));
        rows
    }
}

/// Prints the table and the verdict, and draws the times; the exit code
pub(crate) fn print(
    timeline: &Timeline,
    options: &Options,
    setups: &[Setup],
    played: &[Played],
) -> Result<ExitCode> {
    let whole = Whole::of(setups, played);
    let times = table::times(&whole.verdicts.findings);
    let rows = whole.rows(&times);
    timeline.plain(format_args!("\n{:<34}{:>9} {:>8}{:>8}", "", "noticed", "median", "worst"));
    times.iter().for_each(|times| timeline.plain(line(timeline, times)));
    timeline.plain("");
    rows.iter().skip(times.len()).for_each(|row| timeline.row(row));
    for word in whole.verdicts.alarms.iter().chain(&whole.verdicts.astray) {
        timeline.plain(format_args!("{} {word}", timeline.paint(Mood::Bad, "problem")));
    }
    if let Some(file) = &options.plot {
        draw(file, options, &times)?;
        timeline.plain(format_args!("plotted    {}", file.display()));
    }
    let valid = whole.verdicts.stalled == 0;
    // What the machine's stalls excuse is already left out: a lie is a lie on any machine.
    let all_met = rows.iter().all(|row| row["met"] == true);
    let (mood, verdict, code) = match (valid, all_met) {
        (false, _) => (Mood::Doubt, "INVALID: the machine stalled, and this run proves nothing", 2),
        (true, true) => (Mood::Good, "every promise was kept, and every account adds up", 0),
        (true, false) => (Mood::Bad, "a row was not met", 1),
    };
    let seed = options.seed;
    timeline.plain(format_args!("verdict    {} (seed {seed})", timeline.paint(mood, verdict)));
    if options.json {
        let object = json!({
            "command": "chaos", "commit": commit(), "seed": seed,
            "rows": rows, "all_met": valid && all_met, "valid": valid,
        });
        // A reader who has left has the exit code.
        _ = stdout().write_all(format!("{object}\n").as_bytes());
    }
    Ok(ExitCode::from(code))
}

fn line(timeline: &Timeline, times: &Times<'_>) -> String {
    let (mood, verdict) = match times.held() {
        true => (Mood::Good, "kept"),
        false => (Mood::Bad, "BROKEN"),
    };
    format!("{:<72}{}", times.line(), timeline.paint(mood, verdict))
}

fn draw(file: &Path, options: &Options, times: &[Times<'_>]) -> Result<()> {
    let dots = times.iter().filter_map(Times::dot).collect::<Vec<_>>();
    let title = format!("How long each death took to be noticed, seed {}", options.seed);
    let goal = Some(PROMISE.as_secs_f64());
    let unit = "seconds: fastest, median, slowest; the line is the promise";
    let svg = Dots { title: &title, unit, dots: &dots, goal }.svg();
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::write(file, svg).with_context(|| file.display().to_string())
}
