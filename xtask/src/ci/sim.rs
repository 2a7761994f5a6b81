//! The study of detectors as a step: every goal is met, on fewer days than by hand.

use anyhow::{Result, bail};

use super::Outcome;
use crate::shell::Shell;
use crate::sim::program;

/// Within an ordinary run's minutes: enough to see what happens daily
pub(super) fn in_short(shell: &Shell) -> Result<Outcome> {
    holds(shell, "10")
}

/// Within a full run's minutes: enough to see what happens every other week
pub(super) fn at_length(shell: &Shell) -> Result<Outcome> {
    holds(shell, "300")
}

fn holds(shell: &Shell, days: &str) -> Result<Outcome> {
    match shell.code(program(shell)?.args(["--days", days]))? {
        0 => Ok(Outcome::Passed),
        1 => bail!("a goal was missed"),
        code => bail!("the study could not run: it exited with {code}"),
    }
}
