//! The study of storms as steps, and a restart for real beside what it says.

use anyhow::{Result, bail};

use super::Outcome;
use super::demo::{FULL_TRIES, expect, surely};
use crate::demo::exit;
use crate::shell::Shell;
use crate::sim_storm::program;

/// A tenth of the crowd: seconds
pub(super) fn in_short(shell: &Shell) -> Result<Outcome> {
    holds(shell, &["--clients", "10000", "--seed", "1"])
}

/// All of it, once
pub(super) fn at_length(shell: &Shell) -> Result<Outcome> {
    holds(shell, &["--seed", "1"])
}

fn holds(shell: &Shell, words: &[&str]) -> Result<Outcome> {
    match shell.code(program(shell)?.args(words))? {
        0 => Ok(Outcome::Passed),
        1 => bail!("a goal was missed"),
        code => bail!("the study could not run: it exited with {code}"),
    }
}

/// A process is replaced under 2,000 clients, and they do what was predicted
pub(super) fn for_real(shell: &Shell) -> Result<Outcome> {
    surely(expect(exit::HELD, FULL_TRIES, &mut || shell.code(program(shell)?.arg("--real")))?)
}
