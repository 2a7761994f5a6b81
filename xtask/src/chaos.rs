//! `cargo xtask chaos`: real faults between two hosts of this machine's kernel, and what a client that
//! was promised a verdict within 5 s makes of each, as a table with a figure a row.
//!
//! Every row has a network of its own, so that all of them are played at one time: they mostly wait.
//! With `--minutes` or `--seed` it is another thing: faults by a seed, on all runtimes ([`schedule`]).

mod play;
mod row;
pub(crate) mod schedule;
mod stage;
mod table;
mod tools;

use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use everbeat_netns::skipped;

use self::row::Row;
use self::stage::{Stack, Theatre};
use self::table::{Fault, TABLE};
use crate::args::Args;
use crate::interop::at_a_time;
use crate::interop::settings::STALLED;
use crate::lateness::Lateness;
use crate::report::Report;
use crate::shell::Shell;

pub(crate) use self::tools::{Had, tools};

/// How often a row is played until the machine did not stall meanwhile
const TRIES: u32 = 3;

pub(crate) fn run(shell: &Shell, mut args: Args) -> Result<ExitCode> {
    let stack = Stack { runtime: args.runtime()?, tls: args.flag("--tls") };
    let times = args.value("--times")?.map_or(Ok(1), |times| times.parse::<u32>());
    let times =
        times.ok().filter(|times| *times > 0).context("--times takes a number from 1 on")?;
    let faults = chosen(stack, &args.rest())?;
    Ok(play(shell, stack, &faults, times)?.finish(shell))
}

/// The whole table once on one stack: whether it is as it must be, or `None` if that cannot be said
pub(crate) fn holds(shell: &Shell) -> Result<Option<bool>> {
    let stack = Stack { runtime: "tokio", tls: false };
    let report = play(shell, stack, &chosen(stack, &[])?, 1)?;
    Ok(report.is_valid().then(|| report.all_met()))
}

fn play(shell: &Shell, stack: Stack, faults: &[&'static Fault], times: u32) -> Result<Report> {
    let mut report = Report::new("chaos");
    let tools = match tools(shell)? {
        Had::All(tools) => tools,
        Had::Not(why) => {
            skipped("chaos", &why);
            faults.iter().for_each(|fault| report.cell(row::skipped(fault, stack, &why), false));
            report.invalidate();
            return Ok(report);
        }
    };
    eprintln!("building everbeat-interop ..");
    shell.run(&mut shell.cargo("build --quiet --package everbeat-interop"))?;
    let theatre = Theatre::new(shell, tools)?;
    let machine = Lateness::measure();
    for time in 1..=times {
        let begun = Instant::now();
        let rows = at_a_time(faults.len(), faults, |fault| {
            let row = perform(&theatre, stack, fault, &machine);
            eprintln!("{}", row.line());
            row
        });
        for row in &rows {
            report.cell(row.object(stack, time), row.met());
            if !row.counts() {
                report.invalidate();
            }
        }
        eprintln!("{stack}, time {time} of {times}: {}", row::summary(&rows, begun.elapsed()));
    }
    Ok(report)
}

/// The rows of a stack whose names have one of these words in them; all, without a word
fn chosen(stack: Stack, words: &[String]) -> Result<Vec<&'static Fault>> {
    let has = |fault: &Fault, word: &String| fault.name.contains(word.as_str());
    if let Some(word) = words.iter().find(|word| !TABLE.iter().any(|fault| has(fault, word))) {
        bail!("no row of the table has `{word}` in its name");
    }
    let wanted = TABLE.iter().filter(|fault| {
        let named = words.is_empty() || words.iter().any(|word| has(fault, word));
        named && !(stack.tls && fault.plain_only)
    });
    Ok(wanted.collect())
}

/// Plays a row, again if the machine stalled meanwhile
fn perform(theatre: &Theatre, stack: Stack, fault: &'static Fault, machine: &Lateness) -> Row {
    let mut tries = 0;
    loop {
        tries += 1;
        let (begun, lateness) = (Instant::now(), machine.of_trial());
        let seen = theatre.scene(stack, &lateness).and_then(|mut scene| (fault.play)(&mut scene));
        let row = Row::new(fault, seen, lateness.worst_since(begun));
        if row.counts() || tries == TRIES {
            return row;
        }
        eprintln!("{}; the machine was over {STALLED:.0?} late: again", row.line());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_chosen_by_a_word_of_theirs() {
        let names = |tls, words: &[&str]| {
            let words = words.iter().map(ToString::to_string).collect::<Vec<_>>();
            chosen(Stack { runtime: "tokio", tls }, &words).map(|rows| rows.len())
        };
        assert_eq!(names(false, &[]).unwrap(), TABLE.len());
        assert_eq!(names(true, &[]).unwrap(), TABLE.len() - 1);
        assert_eq!(names(false, &["stopped"]).unwrap(), 2);
        assert!(names(false, &["earthquake"]).is_err());
    }
}
