//! `cargo xtask bench`: what everbeat costs, beside servers that could not do less and beside other
//! people's libraries, in the same run and by the same client.
//!
//! Each server is a process of its own on one processor, the load on the other. Rounds are interleaved,
//! so that what disturbs the machine disturbs all alike; figures are medians with an interval.

mod absent;
mod broadcast;
mod contestants;
pub(crate) mod criterion;
mod detect;
mod echo;
mod figures;
mod goals;
mod growth;
mod held;
mod idle;
mod interval;
mod million;
mod page;
mod reconnect;
mod rounds;
mod stage;
mod surroundings;
mod tables;
mod written;

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::Value;

use self::contestants::Contestant;
use self::figures::{Figures, Run};
use self::stage::Theatre;
use crate::args::Args;
use crate::report::{self, Report};
use crate::shell::Shell;
use crate::{instructions, program};

/// How much of it is done
#[derive(Debug)]
pub(crate) struct Wanted {
    /// Instead of as many as each part has by itself
    connections: Option<u64>,
    rounds: usize,
    /// So small that all of it is a matter of minutes
    small: bool,
}

impl Wanted {
    /// How many, where a part has these two numbers by itself
    fn connections(&self, few: u64, usual: u64) -> u64 {
        self.connections.unwrap_or(if self.small { few } else { usual })
    }
}

/// A wheel's tick, by which a beat may come late, and as much for its way
const TICK: Duration = Duration::from_millis(100);

/// Rounds of which a median has an interval of at least 95 %
const ROUNDS: usize = 9;
/// With fewer the interval is all that was seen
const FEW_ROUNDS: usize = 5;

type Part = fn(&mut Theatre<'_>, &Wanted, &[Contestant], &mut Figures) -> Result<()>;

/// The parts by their names, in the order in which they are played; a whole million wants the machine
/// alone, and is no part of all
const PARTS: &[(&str, Part)] = &[
    ("idle", idle::play),
    ("echo", echo::play),
    ("broadcast", broadcast::play),
    ("reconnect", reconnect::play),
    ("growth", growth::play),
    ("detect", detect::play),
    ("million", million::play),
];
/// How many of them are played together at full size
const TOGETHER: usize = PARTS.len() - 1;
/// All of these, as large as each by itself
const ALL: &str = "all";

pub(crate) fn run(shell: &Shell, mut args: Args) -> Result<ExitCode> {
    let (quick, peers) = (args.flag("--quick"), args.flag("--peers"));
    let keep = args.flag("--keep");
    let connections = args.number("--connections")?;
    let rounds = args.number("--rounds")?;
    let mut words = args.rest();
    let part = PARTS.iter().position(|(name, _)| words.first().is_some_and(|word| word == name));
    let large = words.first().is_some_and(|word| word == ALL);
    if part.is_some() || large {
        words.remove(0);
    }
    let usual = part.is_none() && !large && words.is_empty() && !quick;
    if part.is_none() && !large && !usual {
        return Ok(criterion::measure(shell, quick, &words)?.finish(shell));
    }
    ensure!(words.is_empty(), "`{}` means nothing here", words.join(" "));
    ensure!(!keep || large, "kept is what `all` measures, for a table wants all of it");
    let small = usual || quick;
    let rounds = rounds.map_or(if small { FEW_ROUNDS } else { ROUNDS }, |rounds| rounds as usize);
    ensure!(rounds > 0, "no round is no measurement");
    let wanted = Wanted { connections, rounds, small };

    let mut report = Report::new("bench");
    // What is measured, and not what documents are written by the end.
    let commit = report::commit(shell).unwrap_or_else(|_| "unknown".into());
    report.note("commit", &*commit);
    if usual {
        // First what is not about time, and builds.
        report.append(instructions::report(shell)?);
        report.append(criterion::measure(shell, true, &[])?);
    }
    let together = if small { PARTS } else { &PARTS[..TOGETHER] };
    let parts = part.map_or(together, |part| &PARTS[part..=part]);
    let names = parts.iter().map(|(name, _)| *name).collect();
    let run = Run { parts: names, small, peers, chosen: connections.is_some() };
    let mut figures = Figures { run, ..Figures::default() };
    let surroundings = play(shell, &wanted, parts, &mut figures, &mut report, &commit)?;
    if keep {
        written::keep(shell, &figures, &surroundings, &report)?;
    }
    Ok(report.finish(shell))
}

fn play(
    shell: &Shell,
    wanted: &Wanted,
    parts: &[(&str, Part)],
    figures: &mut Figures,
    report: &mut Report,
    commit: &str,
) -> Result<Value> {
    program::build(shell)?;
    let all = contestants::all(shell, figures.run.peers)?;
    figures.versions.extend(contestants::versions(&all));
    let mut theatre = Theatre::new(shell)?;
    for (name, part) in parts {
        eprintln!("── {name}");
        part(&mut theatre, wanted, &all, figures)?;
    }
    let surroundings = surroundings::of(shell, &theatre, wanted, figures, commit);
    figures.judge(report);
    if !theatre.kept_up() {
        eprintln!("INVALID: the machine stalled, or what came back was not what was said");
        report.invalidate();
    }
    report.note("surroundings", surroundings.clone());
    written::write(shell, figures, &surroundings, report)?;
    Ok(surroundings)
}
