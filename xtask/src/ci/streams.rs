//! Random streams in any pieces as a step, for half a minute on all runtimes at once.

use anyhow::{Result, bail};

use super::Outcome;
use crate::shell::Shell;
use crate::streams::program;

pub(super) fn hold(shell: &Shell) -> Result<Outcome> {
    match shell.code(program(shell)?.args(["--seconds", "30"]))? {
        0 => Ok(Outcome::Passed),
        code => bail!("the streams' program exited with {code}"),
    }
}
