//! The simulator held against reality as a step. Without root, or without somebody's language, part
//! of it cannot be tried; a full run takes that for a failure, as it does a machine that stalls.

use anyhow::Result;

use super::Outcome;
use super::demo::{FULL_TRIES, expect, surely};
use crate::demo::exit;
use crate::shell::Shell;
use crate::sim_check::program;

/// The simulator does what is real
pub(super) fn holds(shell: &Shell) -> Result<Outcome> {
    surely(expect(exit::HELD, FULL_TRIES, &mut || shell.code(program(shell)?.arg("--json")))?)
}
