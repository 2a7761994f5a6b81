//! `cargo xtask ci`: all that a change must pass. Runs every step, then says which failed.
//!
//! What the steps are is `ci/table.rs`'s; here they are run, timed and told about.

mod alone;
mod autobahn;
mod chaos;
mod demo;
mod examples;
mod idle;
mod interop;
mod msrv;
mod one_runtime;
mod packaging;
mod sim;
mod sim_check;
mod sim_storm;
mod soak;
mod streams;
mod syscalls;
mod table;
mod typos;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use self::table::{GROUPS, Group, Step, WHOLE};
use crate::args::Args;
use crate::lost::{self, Accounts};
use crate::report::Report;
use crate::shell::{DIM, GREEN, RED, Shell, YELLOW, paint};

/// How a step ended that did not fail
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    Passed,
    /// It could not be had here, and why; shown, and counted as no failure
    Skipped(String),
}

/// A step that was run
#[derive(Debug)]
struct Row {
    step: &'static str,
    group: &'static str,
    took: Duration,
    /// How long others kept it from the processors
    lost: Duration,
    result: Result<Outcome>,
}

pub(crate) fn run(shell: &Shell, mut args: Args) -> Result<ExitCode> {
    let full = args.flag("--full");
    let budgets = !args.flag("--no-budgets");
    let list = args.flag("--list");
    let wanted = args.rest();
    if let Some(unknown) = wanted.iter().find(|word| !steps().any(|(_, step)| step.name == **word))
    {
        bail!("there is no step `{unknown}`; `cargo xtask ci --list` names them all");
    }
    if list {
        print_list();
        return Ok(ExitCode::SUCCESS);
    }

    let chosen = |step: &Step, group: &Group| match wanted.is_empty() {
        true => full || !group.full,
        false => wanted.iter().any(|word| word == step.name),
    };
    let mut rows = Vec::new();
    for (group, step) in steps().filter(|(group, step)| chosen(step, group)) {
        eprintln!("\n── {} {}", step.name, "─".repeat(72_usize.saturating_sub(step.name.len())));
        let (start, accounts) = (Instant::now(), Accounts::now());
        let result = (step.run)(shell);
        if let Err(error) = &result {
            eprintln!("{} {error:#}", paint(RED, "failed:"));
        }
        rows.push(Row {
            step: step.name,
            group: group.name,
            took: start.elapsed(),
            lost: lost::between(accounts, Accounts::now(), start.elapsed()),
            result,
        });
    }
    let whole = full && wanted.is_empty();
    Ok(conclude(shell, &rows, budgets, whole))
}

fn steps() -> impl Iterator<Item = (&'static Group, &'static Step)> {
    GROUPS.iter().flat_map(|group| group.steps.iter().map(move |step| (group, step)))
}

fn print_list() {
    for group in GROUPS {
        let full = if group.full { ", with --full only" } else { "" };
        println!("{}: {} min{full}", group.name, group.minutes);
        for step in group.steps {
            println!("    {:<18} {}", step.name, step.about);
        }
    }
}

/// The table and the object at the end
fn conclude(shell: &Shell, rows: &[Row], budgets: bool, whole: bool) -> ExitCode {
    let mut report = Report::new("ci");
    let mut table = String::from("\n   seconds  step\n");
    for group in GROUPS {
        let of_group = rows.iter().filter(|row| row.group == group.name).collect::<Vec<_>>();
        if of_group.is_empty() {
            continue;
        }
        for row in &of_group {
            let seconds = row.took.as_secs_f64();
            table += &format!("{seconds:>10.1}  {:<18} {}\n", row.step, told(&row.result));
            report.row(row.step, seconds, "s", None::<f64>, row.result.is_ok());
        }
        table += &Sum::of(&of_group).judge(group.name, group.budget(), budgets, &mut report);
    }
    if whole {
        let all = rows.iter().collect::<Vec<_>>();
        table += &Sum::of(&all).judge("all of it", WHOLE, budgets, &mut report);
    }
    let failed = rows.iter().filter(|row| row.result.is_err()).map(|row| row.step);
    let failed = failed.collect::<Vec<_>>().join(", ");
    if !failed.is_empty() {
        table += &format!("{} {failed}\n", paint(RED, "failed:"));
    }
    eprint!("{table}");
    report.finish(shell)
}

/// What several steps took together
#[derive(Debug, Clone, Copy)]
struct Sum {
    took: Duration,
    /// Of it, how long others had the processors
    lost: Duration,
}

impl Sum {
    fn of(rows: &[&Row]) -> Self {
        let took = rows.iter().map(|row| row.took).sum();
        Self { took, lost: rows.iter().map(|row| row.lost).sum() }
    }

    /// Whether it is within `budget`, which is not held against it where it is not to be, nor on a
    /// machine that was not ours
    fn held(self, budget: Duration, budgets: bool) -> bool {
        !(budgets && lost::is_ours(self.took, self.lost)) || self.took <= budget + self.lost
    }

    /// A line of the table, and a row of the report
    fn judge(self, name: &str, budget: Duration, budgets: bool, report: &mut Report) -> String {
        let (granted, held) = (budget + self.lost, self.held(budget, budgets));
        let verdict = match (self.took <= granted, budgets, held) {
            (true, ..) => paint(DIM, "within"),
            (false, _, false) => paint(RED, "OVER"),
            (false, true, true) => paint(YELLOW, "INVALID, over on a machine that was not ours:"),
            (false, false, true) => paint(YELLOW, "over, which was allowed,"),
        };
        let others = match self.lost.as_secs() {
            0 => String::new(),
            seconds => format!(" and {seconds} s that others had the processors"),
        };
        let (seconds, minutes) = (self.took.as_secs_f64(), budget.as_secs() / 60);
        report.row(format!("= {name}"), seconds, "s", granted.as_secs(), held);
        format!("{seconds:>10.1}  = {name}: {verdict} its {minutes} min{others}\n")
    }
}

fn told(result: &Result<Outcome>) -> String {
    match result {
        Ok(Outcome::Passed) => paint(GREEN, "passed"),
        Ok(Outcome::Skipped(why)) => paint(YELLOW, &format!("SKIPPED: {why}")),
        Err(error) => {
            let error = format!("{error:#}");
            let first = error.lines().next().unwrap_or_default();
            paint(RED, &format!("FAILED: {first}"))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_name_means_one_step_and_every_group_has_some() {
        let names = steps().map(|(_, step)| step.name).collect::<BTreeSet<_>>();
        assert_eq!(names.len(), steps().count());
        assert!(GROUPS.iter().all(|group| !group.steps.is_empty()));
    }

    #[test]
    fn budgets_are_what_was_promised() {
        let minutes =
            |full| GROUPS.iter().filter(|group| group.full == full).map(|g| g.minutes).sum::<u64>();
        // Of 33, 25 are build, tests, documentation, simulator, corpus and interop.
        assert!(minutes(false) <= 33, "an ordinary run must fit between two cups of coffee");
        assert!(minutes(true) <= 40 && WHOLE <= Duration::from_secs(3_600), "an hour at most");
    }

    #[test]
    fn who_takes_too_long_fails_unless_others_had_the_processors() {
        let held = |took: u64, lost: u64, budgets| {
            let [took, lost] = [took, lost].map(Duration::from_secs);
            Sum { took, lost }.held(WHOLE, budgets)
        };
        assert!(held(3_600, 0, true) && !held(3_601, 0, true));
        assert!(held(3_700, 100, true) && !held(3_701, 100, true), "what was lost is granted");
        assert!(held(7_200, 2_000, true), "a machine that was not ours says nothing");
        assert!(held(7_200, 0, false), "no budgets were asked for");
    }
}
