//! The soak as a step, shorter than by hand: it holds, and what is done wrong on purpose it sees.

use anyhow::Result;

use super::Outcome;
use super::demo::{FULL_TRIES, expect, surely};
use crate::demo::exit;
use crate::shell::Shell;
use crate::soak::program;

/// Everything adds up, and nothing is left
pub(super) fn holds(shell: &Shell) -> Result<Outcome> {
    let words = ["plain", "--connections", "300", "--seconds", "10", "--json"];
    surely(expect(exit::HELD, FULL_TRIES, &mut || shell.code(program(shell)?.args(words)))?)
}

/// Each thing that is done wrong misses a row
pub(super) fn fails(shell: &Shell) -> Result<Outcome> {
    for broken in ["lose", "leak", "memory", "tally", "heartbeat"] {
        let words = ["plain", "--connections", "100", "--seconds", "8", "--json"];
        surely(expect(exit::BROKEN, FULL_TRIES, &mut || {
            shell.code(program(shell)?.args(words).args(["--break", broken]))
        })?)?;
    }
    Ok(Outcome::Passed)
}
