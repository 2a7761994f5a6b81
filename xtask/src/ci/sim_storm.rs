//! The study of storms as steps, and a restart for real beside what it says.

use std::process::Command;

use anyhow::{Result, bail};

use super::Outcome;
use super::demo::{FULL_TRIES, expect, surely};
use crate::demo::exit;
use crate::shell::Shell;
use crate::sim_storm::{optimised, plain};

/// A tenth of the crowd, at the capacities that have a goal: seconds
pub(super) fn in_short(shell: &Shell) -> Result<Outcome> {
    let words = ["--clients", "10000", "--capacity", "200,2000"];
    holds(shell, plain(shell)?.args(words))
}

/// All of it
pub(super) fn at_length(shell: &Shell) -> Result<Outcome> {
    holds(shell, &mut optimised(shell)?)
}

fn holds(shell: &Shell, study: &mut Command) -> Result<Outcome> {
    match shell.code(study)? {
        0 => Ok(Outcome::Passed),
        1 => bail!("a goal was missed"),
        code => bail!("the study could not run: it exited with {code}"),
    }
}

/// A process is replaced under 2,000 clients, and they do what was predicted
pub(super) fn for_real(shell: &Shell) -> Result<Outcome> {
    let mut play = || shell.code(optimised(shell)?.arg("--real"));
    surely(expect(exit::HELD, FULL_TRIES, &mut play)?)
}
