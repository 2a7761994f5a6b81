//! `cargo xtask memory`: the live heap bytes of an idle connection, each part by its name, against the
//! goals and against what was committed.

mod baseline;
mod beyond;
mod cases;
mod counted;
mod judge;

use std::path::PathBuf;
use std::process::ExitCode;
use std::thread;

use anyhow::{Context, Result, bail, ensure};

use self::baseline::Baseline;
use self::cases::{BURST, CASES, Case, Extent, SERVER};
use self::counted::Counted;
use self::judge::judge;
use crate::args::Args;
use crate::program;
use crate::shell::Shell;

/// Beside the program whose heap it is
const BASELINE: &str = "benches/memory/baseline.json";

pub(crate) fn run(shell: &Shell, mut args: Args) -> Result<ExitCode> {
    let (bless, quick) = (args.flag("--bless"), args.flag("--quick"));
    args.finish()?;
    ensure!(!(bless && quick), "a baseline has everything in it, so it cannot be made quickly");
    let counts = count(shell, if quick { Extent::Quick } else { Extent::Whole })?;
    let path = shell.root().join(BASELINE);
    if bless {
        Baseline::of(&counts).write(&path)?;
    }
    Ok(judge(&Baseline::read(&path)?, &counts).report.finish(shell))
}

/// Without TLS and without the minute: whether anything is dearer than what was committed
pub(crate) fn check(shell: &Shell) -> Result<()> {
    holds(shell, Extent::Quick)
}

/// The same of TLS, and whether it makes anything of ours larger
pub(crate) fn check_tls(shell: &Shell) -> Result<()> {
    holds(shell, Extent::Secure)
}

/// Live heap bytes of a server's idle connection
#[derive(Debug, PartialEq)]
pub(crate) struct Live {
    pub(crate) runtime: String,
    /// Only what is left of a burst of this size each way, and not all that there is
    pub(crate) left: Option<&'static str>,
    pub(crate) bytes: f64,
}

/// What servers' connections hold on each runtime, for who shows it beside what is resident
pub(crate) fn servers(shell: &Shell) -> Result<Vec<Live>> {
    Ok(count(shell, Extent::Servers)?.iter().filter_map(Live::of).collect())
}

impl Live {
    fn of(counted: &Counted) -> Option<Self> {
        let case = CASES.iter().find(|case| case.name == counted.name)?;
        let name = case.name.strip_prefix(SERVER)?;
        let (runtime, left) = match name.split_once(BURST[0]) {
            Some((runtime, size)) => (runtime, Some(size.strip_suffix(BURST[1])?)),
            None => (name, None),
        };
        Some(Self { runtime: runtime.to_owned(), left, bytes: counted.judged() })
    }
}

fn holds(shell: &Shell, extent: Extent) -> Result<()> {
    let baseline = Baseline::read(&shell.root().join(BASELINE))?;
    if !judge(&baseline, &count(shell, extent)?).kept {
        bail!("an idle connection holds more than {BASELINE} says");
    }
    Ok(())
}

fn count(shell: &Shell, extent: Extent) -> Result<Vec<Counted>> {
    let mut counts = Vec::new();
    // One after the other, for the second build takes the first one's place.
    for tls in [false, true] {
        let cases = CASES.iter().filter(|case| case.tls == tls && extent.has(case));
        let cases = cases.collect::<Vec<_>>();
        if cases.is_empty() {
            continue;
        }
        let program = build(shell, tls)?;
        let silence = extent.silence();
        // All at once, for they mostly wait, and what is counted is no time.
        let all = thread::scope(|scope| {
            let program = &program;
            let one = |case| scope.spawn(move || one(shell, program, case, silence));
            let all = cases.into_iter().map(one);
            let all = all.collect::<Vec<_>>().into_iter().map(|one| one.join());
            all.map(|one| one.unwrap_or_else(|_| bail!("a measurement panicked")))
                .collect::<Vec<_>>()
        });
        for one in all {
            counts.push(one?);
        }
    }
    Ok(counts)
}

/// The program that counts, optimised
pub(crate) fn build(shell: &Shell, tls: bool) -> Result<PathBuf> {
    let features = if tls { " --features tls" } else { "" };
    let profile = program::OPTIMISED;
    let line = format!("build --quiet --package everbeat-memory --profile {profile}{features}");
    shell.run(&mut shell.cargo(&line))?;
    Ok(program::path(shell, profile, "everbeat-memory"))
}

fn one(shell: &Shell, program: &PathBuf, case: &Case, silence: &str) -> Result<Counted> {
    let mut command = shell.program(program);
    command.args(case.words);
    if let Some(bytes) = case.burst {
        command.args(["--burst", silence, "--bytes", &bytes.to_string()]);
    }
    let said = shell.read(&mut command)?;
    let object = said.lines().last().context("it says nothing")?;
    Ok(Counted { name: case.name.into(), goal: case.goal, object: serde_json::from_str(object)? })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::runtimes::RUNTIMES;

    #[test]
    fn each_runtimes_server_is_told_once_idle_and_once_behind_each_burst() {
        let cases = CASES.iter().filter(|case| Extent::Servers.has(case));
        let count = cases.clone().count();
        let lives = cases.filter_map(|case| {
            let object = match case.burst {
                Some(bytes) => json!({ "left": bytes }),
                None => json!({ "bytes": 7 }),
            };
            Live::of(&Counted { name: case.name.into(), goal: None, object })
        });
        let lives = lives.collect::<Vec<_>>();
        for runtime in RUNTIMES {
            let bursts = [(None, 7.0), (Some("64 B"), 64.0), (Some("64 KiB"), 65_536.0)];
            for (left, bytes) in bursts {
                let live = Live { runtime: (*runtime).to_owned(), left, bytes };
                assert_eq!(lives.iter().filter(|known| **known == live).count(), 1, "{live:?}");
            }
        }
        assert_eq!((lives.len(), count), (3 * RUNTIMES.len(), lives.len()));
    }
}
