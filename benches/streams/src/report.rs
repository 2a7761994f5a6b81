//! What the run came to, for people and for machines, and the exit code.

use std::fmt::Display;
use std::io::{Write, stderr, stdout};
use std::process::ExitCode;

use everbeat_support::rows::{at_least, commit, none, told};
use serde_json::json;

use crate::args::Options;
use crate::play::Played;

/// Says what is begun, so that a run that is killed can be begun again
pub(crate) fn begin(options: &Options, seed: u64) {
    let names = options.runtimes().iter().map(|runtime| runtime.name()).collect::<Vec<_>>();
    let seconds = options.length.as_secs();
    say(format_args!("streams from seed {seed} on, for {seconds} s, on {}", names.join(", ")));
}

/// Prints a line for each runtime, and the verdict; the exit code
pub(crate) fn print(all: &[Played], seed: u64, json: bool) -> ExitCode {
    let mut rows = Vec::new();
    for played in all {
        let (name, tally) = (played.runtime.name(), played.tally);
        let last = (seed + played.streams).saturating_sub(1);
        let megabytes = tally.bytes / 1_000_000;
        say(format_args!(
            "{name:>9}: {} streams, seeds {seed} to {last}: {} messages and back, {megabytes} MB each \
             way, {} Pings answered",
            played.streams, tally.messages, tally.pongs
        ));
        rows.push(at_least(
            &format!("{name}: messages there and back"),
            tally.messages,
            "messages",
            1,
        ));
        rows.push(told(&format!("{name}: streams"), played.streams, "streams"));
        rows.push(told(&format!("{name}: bytes each way"), tally.bytes, "bytes"));
        rows.push(told(&format!("{name}: Pings answered"), tally.pongs, "Pings"));
        rows.push(none(&format!("{name}: broken"), played.broken.iter().len() as u64, "streams"));
        if let Some(seed) = played.broken {
            say(format_args!("broken; again: --runtime {name} --seed {seed} --streams 1"));
        }
    }
    let all_met = rows.iter().all(|row| row["met"] == true);
    say(if all_met { "all came through whole, in order" } else { "NOT all came through" });
    if json {
        let object = json!({
            "command": "streams", "commit": commit(), "seed": seed,
            "rows": rows, "all_met": all_met, "valid": true,
        });
        // A reader who has left has the exit code.
        _ = stdout().write_all(format!("{object}\n").as_bytes());
    }
    ExitCode::from(u8::from(!all_met))
}

fn say(line: impl Display) {
    _ = stderr().write_all(format!("{line}\n").as_bytes());
}
