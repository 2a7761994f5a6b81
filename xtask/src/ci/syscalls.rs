//! What idle connections ask of the kernel as a step. A full run takes a machine that stalls, or one
//! without strace, for a failure.

use anyhow::Result;

use super::Outcome;
use super::demo::{FULL_TRIES, expect, surely};
use crate::demo::exit;
use crate::shell::Shell;
use crate::syscalls;

/// Nothing but beats
pub(super) fn holds(shell: &Shell) -> Result<Outcome> {
    surely(expect(exit::HELD, FULL_TRIES, &mut || syscalls::check(shell))?)
}
