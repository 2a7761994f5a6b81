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
use crate::goals::{goal_rows, rows, upper_a_day};
use crate::parameters::Parameters;
use crate::study::{Cell, Measured};
use crate::{page, plot};

/// Prints and draws everything; the exit code
pub(crate) fn report(
    parameters: &Parameters,
    options: &Options,
    measured: &[Measured],
) -> Result<ExitCode> {
    let timeline = Timeline::new(true);
    for measured in measured {
        table(&timeline, measured);
    }
    let goals = goal_rows(measured);
    timeline.plain("");
    goals.iter().for_each(|row| timeline.row(row));
    if let Some(folder) = &options.folder {
        draw(parameters, options, measured, folder)?;
        timeline.plain(format_args!("\ndrawn in {}", folder.join("index.html").display()));
    }
    let all_met = goals.iter().all(|row| row["met"] == true);
    let (mood, verdict) = match (all_met, goals.is_empty()) {
        (true, false) => (Mood::Good, "every goal was met"),
        (true, true) => (Mood::Doubt, "nothing that has a goal was run"),
        (false, _) => (Mood::Bad, "a goal was missed"),
    };
    timeline.plain(format_args!("\nverdict    {}", timeline.paint(mood, verdict)));
    if options.json {
        let object = json!({
            "command": "sim", "commit": commit(), "seed": seeds(parameters, options),
            "parameters": hash(parameters), "days": options.days,
            "rows": rows(measured), "all_met": all_met, "valid": true,
        });
        // A reader who has left has the exit code.
        _ = stdout().write_all(format!("{object}\n").as_bytes());
    }
    Ok(if all_met { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The parameters' hash, as it is shown
pub(crate) fn hash(parameters: &Parameters) -> String {
    format!("{:016x}", parameters.hash)
}

/// One seed, or all to report on
fn seeds(parameters: &Parameters, options: &Options) -> Value {
    options.seed.map_or_else(|| json!(parameters.report_seeds), Value::from)
}

fn table(timeline: &Timeline, measured: &Measured) {
    let Measured { scenario, cells } = measured;
    timeline.plain(format_args!(
        "\n{:<26}{:>8}{:>8}  {:<40}{:>8}",
        scenario.title, "p50", "p99", "  false alarms a day: fine, short, long", "Pings/h"
    ));
    cells.iter().for_each(|cell| timeline.plain(line(cell)));
}

fn line(cell: &Cell) -> String {
    let seconds =
        |share| cell.decided(share).map_or_else(|| "-".into(), |time| format!("{time:.1} s"));
    let alarms = match cell.pings_an_hour() {
        Some(pings) => {
            let (days, alarms) = (cell.tally.days, cell.tally.alarms);
            let rate = |count: u64| count as f64 / days;
            format!(
                "{:>8.3}{:>8.3}{:>8.3}  {:<14}{pings:>8.1}",
                rate(alarms.fine),
                rate(alarms.short),
                rate(alarms.long),
                format!("at most {:.3}", upper_a_day(cell)),
            )
        }
        None if cell.tally.killed > 0 => {
            format!("  gave up {} of {} that lived", cell.tally.killed, cell.tally.trials)
        }
        None => String::new(),
    };
    let line = format!("  {:<24}{:>8}{:>8}  {alarms}", cell.contender, seconds(0.5), seconds(0.99));
    line.trim_end().to_owned()
}

fn draw(
    parameters: &Parameters,
    options: &Options,
    measured: &[Measured],
    folder: &Path,
) -> Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("{} cannot be made", folder.display()))?;
    let write = |name: &str, text: &str| {
        let path = folder.join(name);
        fs::write(&path, text).with_context(|| format!("{} cannot be written", path.display()))
    };
    for measured in measured {
        write(&format!("{}.svg", measured.scenario.name), &plot::svg(measured))?;
    }
    let words = format!(
        "Seeds {}, parameters <code>{}</code>, commit <code>{}</code>.",
        seeds(parameters, options),
        hash(parameters),
        commit().as_deref().unwrap_or("unknown"),
    );
    write("index.html", &page::html(parameters, measured, &words))
}
