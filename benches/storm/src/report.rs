//! What the study came to: a table for people, an object for machines, drawings and a page, and the
//! exit code.

use std::fs;
use std::io::{Write, stdout};
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result};
use everbeat_support::rows::commit;
use everbeat_support::{Mood, Timeline};
use serde_json::{Value, json};

use crate::args::Options;
use crate::goals::{goal_rows, rows};
use crate::outcome::A_SECOND;
use crate::study::{Cell, Scenario};
use crate::{page, plot};

/// Prints and draws everything; the exit code
pub(crate) fn report(options: &Options, scenarios: &[Scenario]) -> Result<ExitCode> {
    let timeline = Timeline::new(true);
    for scenario in scenarios {
        table(&timeline, scenario);
    }
    let goals = goal_rows(scenarios);
    timeline.plain("");
    goals.iter().for_each(|row| timeline.row(row));
    if let Some(folder) = &options.folder {
        draw(options, scenarios, folder)?;
        timeline.plain(format_args!("\ndrawn in {}", folder.join("storm.html").display()));
    }
    Ok(verdict(&timeline, options, &goals, rows(scenarios), true))
}

/// Says whether all was met, to people and machines; the exit code
pub(crate) fn verdict(
    timeline: &Timeline,
    options: &Options,
    goals: &[Value],
    rows: Vec<Value>,
    valid: bool,
) -> ExitCode {
    let all_met = valid && goals.iter().all(|row| row["met"] == true);
    let judged = goals.iter().any(|row| !row["goal"].is_null());
    let (mood, words, code) = match (valid, all_met) {
        (false, _) => (Mood::Doubt, "INVALID: the machine stalled", ExitCode::from(2)),
        (true, true) if judged => (Mood::Good, "every goal was met", ExitCode::SUCCESS),
        (true, true) => (Mood::Doubt, "nothing that has a goal was run", ExitCode::SUCCESS),
        (true, false) => (Mood::Bad, "a goal was missed", ExitCode::FAILURE),
    };
    timeline.plain(format_args!("\nverdict    {}", timeline.paint(mood, words)));
    if options.json {
        let object = json!({
            "command": "sim storm", "commit": commit(), "seed": options.seed,
            "clients": options.clients, "rows": rows, "all_met": all_met, "valid": valid,
        });
        // A reader who has left has the exit code.
        _ = stdout().write_all(format!("{object}\n").as_bytes());
    }
    code
}

fn table(timeline: &Timeline, scenario: &Scenario) {
    timeline.plain(format_args!(
        "\n{}; ideal {:.1} s\n  {:<34}{:>8}{:>9}{:>9}{:>7}{:>11}{:>16}",
        scenario.title(),
        scenario.ideal(),
        "",
        "peak/s",
        "in 0.1 s",
        "attempts",
        "SYNs",
        "99 % back",
        "away p50, p99",
    ));
    scenario.cells.iter().for_each(|cell| timeline.plain(line(cell)));
}

fn line(cell: &Cell) -> String {
    let one = &cell.outcome;
    let seconds =
        |share| one.away(share).map_or_else(|| "never".into(), |time| format!("{time:.1}"));
    let back = match one.back(0.99) {
        Some(back) => format!("{back:.1} s"),
        None => format!("{:.0} % ever", 100.0 * one.share_back()),
    };
    format!(
        "  {:<34}{:>8.0}{:>9.0}{:>9.2}{:>7.1}{back:>11}{:>9}{:>7}",
        cell.name,
        one.peak(A_SECOND),
        one.peak(1),
        one.attempts_each(),
        one.syns_each(),
        seconds(0.5),
        seconds(0.99),
    )
}

fn draw(options: &Options, scenarios: &[Scenario], folder: &Path) -> Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("{} cannot be made", folder.display()))?;
    let write = |name: &str, text: &str| {
        let path = folder.join(name);
        fs::write(&path, text).with_context(|| format!("{} cannot be written", path.display()))
    };
    for scenario in scenarios {
        write(&format!("storm-{}.svg", scenario.name()), &plot::svg(scenario))?;
    }
    let words = format!(
        "{} clients, seed {}, commit <code>{}</code>.",
        options.clients,
        options.seed,
        commit().as_deref().unwrap_or("unknown"),
    );
    write("storm.html", &page::html(scenarios, &words))
}
