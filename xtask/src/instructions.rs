//! `cargo xtask instructions`: what a message and a beat cost, in instructions, so that no other load
//! on the machine can change it.
//!
//! A message is counted from `send` at one end to `recv` at the other, with what both ends and a pipe
//! in memory between them do: half an echo, against bare async-tungstenite. The beat is on, but none is
//! due. What a beat, a wake and a look at the road cost is counted of the heartbeat alone, which has no
//! rival; and a beat and a large message once more of a server's process as it is (`served`).

mod baseline;
mod callgrind;
mod judge;
mod served;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use self::baseline::Baseline;
use self::callgrind::Callgrind;
use self::judge::judge;
use self::served::Server;
use crate::args::Args;
use crate::ci::Outcome;
use crate::report::Report;
use crate::shell::Shell;
use crate::{metadata, program};

const ECHOES: u64 = 1_000;
const KINDS: [&str; 2] = ["binary", "text"];
const BYTES: [&str; 2] = ["64", "1024"];
/// What the heartbeat does alone, and what that is called
const DUTIES: [(&str, &str); 4] = [
    ("message", "heartbeat, a message heard"),
    ("wake", "heartbeat, a wake that finds nothing due"),
    ("beat", "heartbeat, a Ping and its Pong"),
    ("look", "heartbeat, the same with a look at the road"),
];
/// Of a server's process
const A_BEAT: &str = "server's process, a Ping and its Pong";
const A_LARGE_ECHO: &str = "server's process, an echo of 64 KiB";
const LARGE: u64 = 64 << 10;

const BASELINE: &str = "benches/instructions/baseline.json";

/// The part of a report that its rows are
pub(crate) const PART: &str = "instructions";

/// What a count depends on besides our own code
const PACKAGES: [&str; 3] = ["async-tungstenite", "tungstenite", "bytes"];

/// The most that something may cost
#[derive(Clone, Copy, Debug, PartialEq)]
enum Goal {
    None,
    /// So many instructions
    Sum(u64),
    /// So many more than bare async-tungstenite
    OverBare(i64),
    /// So many times what it costs bare
    TimesBare(f64),
}

/// What is counted
#[derive(Clone, Debug)]
struct Row {
    name: String,
    goal: Goal,
    counts: Counts,
}

/// Instructions a message, or whatever is counted
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Counts {
    /// `None` where there is nothing to compare with
    bare: Option<u64>,
    ours: u64,
}

impl Counts {
    const fn alone(ours: u64) -> Self {
        Self { bare: None, ours }
    }

    fn over_bare(self) -> i64 {
        self.ours as i64 - self.bare.unwrap_or(0) as i64
    }

    fn times_bare(self) -> f64 {
        self.ours as f64 / self.bare.unwrap_or(0).max(1) as f64
    }
}

pub(crate) fn run(shell: &Shell, mut args: Args) -> Result<ExitCode> {
    let bless = args.flag("--bless");
    args.finish()?;
    let callgrind = Callgrind::find(shell).context("no valgrind here and none to be had")?;
    let counts = count(shell, &callgrind)?;
    let made_with = made_with(shell)?;
    let path = shell.root().join(BASELINE);
    if bless {
        Baseline::of(&made_with, &counts).write(&path)?;
    }
    Ok(judge(&Baseline::read(&path)?, &made_with, &counts).report.finish(shell))
}

/// The step of the CI: skipped, loudly, where there is no valgrind
pub(crate) fn check(shell: &Shell) -> Result<Outcome> {
    let callgrind = match Callgrind::find(shell) {
        Ok(callgrind) => callgrind,
        Err(error) => {
            let why = format!("no valgrind here and none to be had: {error:#}");
            return Ok(Outcome::Skipped(why));
        }
    };
    let counts = count(shell, &callgrind)?;
    let baseline = Baseline::read(&shell.root().join(BASELINE))?;
    let made_with = made_with(shell)?;
    if !judge(&baseline, &made_with, &counts).kept {
        bail!("a message or a beat costs too much, or not what {BASELINE} says");
    }
    Ok(compared(&baseline.made_otherwise(&made_with)))
}

/// For who reports it beside other things: a row for each count, held against the baseline. What is
/// too dear is a row that is missed; where there is no valgrind, or the baseline is another's, a row
/// says so.
pub(crate) fn report(shell: &Shell) -> Result<Report> {
    let callgrind = match Callgrind::find(shell) {
        Ok(callgrind) => callgrind,
        Err(error) => {
            let mut report = Report::new("instructions");
            report.cell(skipped(&format!("no valgrind here and none to be had: {error:#}")), true);
            return Ok(report);
        }
    };
    let counts = count(shell, &callgrind)?;
    let baseline = Baseline::read(&shell.root().join(BASELINE))?;
    Ok(judge(&baseline, &made_with(shell)?, &counts).since)
}

/// A row that says why something was not counted, or not compared
fn skipped(why: &str) -> Value {
    json!({
        "part": PART, "name": PART, "value": null, "unit": "instructions", "goal": null, "met": null,
        "verdict": "skipped", "detail": why, "why": why,
    })
}

/// Within the budget, but was it compared with the baseline?
fn compared(otherwise: &[String]) -> Outcome {
    match otherwise {
        [] => Outcome::Passed,
        _ => Outcome::Skipped(format!("the baseline is another's: {}", otherwise.join("; "))),
    }
}

fn count(shell: &Shell, callgrind: &Callgrind) -> Result<Vec<Row>> {
    build(shell)?;
    let folder = shell.target(program::OPTIMISED);
    let program = folder.join("instructions");
    let mut rows = Vec::new();
    let mut row = |name: String, goal, counts| rows.push(Row { name, goal, counts });
    for kind in KINDS {
        for bytes in BYTES {
            let of = |side| {
                let profile = profile(&folder, &[side, kind, bytes]);
                let words = [side, kind, bytes, &ECHOES.to_string()];
                let sum = callgrind.count(shell, &program, &words, &profile)?;
                Ok::<_, anyhow::Error>(sum / (2 * ECHOES))
            };
            let both = Counts { bare: Some(of("bare")?), ours: of("ours")? };
            row(format!("{kind}, {bytes} B"), Goal::OverBare(400), both);
        }
    }
    for (duty, name) in DUTIES {
        let words = ["heartbeat", duty, &ECHOES.to_string()];
        let sum = callgrind.count(shell, &program, &words, &profile(&folder, &words[..2]))?;
        row(name.to_owned(), Goal::None, Counts::alone(sum / ECHOES));
    }
    program::build(shell)?;
    let beat = Counts::alone(served::beat(shell, callgrind)?);
    row(A_BEAT.to_owned(), Goal::Sum(2_500), beat);
    let of = |server| served::echo(shell, callgrind, server, LARGE);
    let both = Counts { bare: Some(of(Server::Bare)?), ours: of(Server::Ours)? };
    row(A_LARGE_ECHO.to_owned(), Goal::TimesBare(0.5), both);
    eprintln!("profiles: callgrind_annotate {}", profile(&folder, &["*"]).display());
    Ok(rows)
}

/// The program whose messages and beats are counted, optimised
pub(crate) fn build(shell: &Shell) -> Result<()> {
    let profile = program::OPTIMISED;
    let line = format!("build --package everbeat-benches --bin instructions --profile {profile}");
    shell.run(&mut shell.cargo(&line))
}

fn profile(folder: &Path, words: &[&str]) -> PathBuf {
    folder.join(format!("callgrind-{}.out", words.join("-")))
}

/// The compiler, the machine and the packages that counts depend on
fn made_with(shell: &Shell) -> Result<Value> {
    let rustc = std::env::var("RUSTC").unwrap_or_else(|_| "rustc".into());
    let version = shell.read(shell.program(rustc).arg("--version"))?;
    let mut made_with = json!({ "rustc": version.trim(), "machine": std::env::consts::ARCH });
    let metadata = metadata::read(&["--locked"])?;
    for name in PACKAGES {
        let versions = metadata::list(&metadata, "packages").filter(|p| p["name"] == name);
        made_with[name] = versions.map(|package| package["version"].clone()).collect();
    }
    Ok(made_with)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_baseline_that_was_not_judged_is_no_pass() {
        assert_eq!(compared(&[]), Outcome::Passed);
        let skipped = compared(&["rustc: 2, not 1".into()]);
        assert!(matches!(skipped, Outcome::Skipped(why) if why.contains("rustc")));
    }
}
