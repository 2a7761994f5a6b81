//! What the run came to, for people and for machines, and the exit code.

use std::io::{Write, stdout};
use std::process::ExitCode;

use everbeat_support::rows::commit;
use everbeat_support::{Mood, Timeline};
use serde_json::json;

use crate::judge::{self, Run};
use crate::plot;
use crate::watch::Sample;

/// Prints the curves, the table and the verdict; the exit code
pub(crate) fn print(
    timeline: &Timeline,
    run: &Run,
    samples: &[Sample],
    seed: u64,
    json: bool,
) -> ExitCode {
    let rows = judge::rows(run);
    timeline.plain("");
    plot::blocks(samples).iter().for_each(|line| timeline.plain(line));
    timeline.plain("");
    rows.iter().for_each(|row| timeline.row(row));
    for word in &run.found.words {
        timeline.plain(format_args!("{} {word}", timeline.paint(Mood::Bad, "problem")));
    }
    let (valid, all_met) = (judge::is_valid(run), rows.iter().all(|row| row["met"] == true));
    let (mood, verdict, code) = match (valid, all_met) {
        (false, _) => (Mood::Doubt, "the machine stalled: this run proves nothing", 2),
        (true, true) => (Mood::Good, "every row was met", 0),
        (true, false) => (Mood::Bad, "a row was not met", 1),
    };
    timeline.plain(format_args!("verdict    {}", timeline.paint(mood, verdict)));
    if json {
        let object = json!({
            "command": "soak", "commit": commit(), "seed": seed,
            "rows": rows, "all_met": valid && all_met, "valid": valid,
        });
        // A reader who has left has the exit code.
        _ = stdout().write_all(format!("{object}\n").as_bytes());
    }
    ExitCode::from(code)
}
