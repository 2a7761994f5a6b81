//! As many idle connections as a process may have as a step, for a short while. A full run takes a
//! machine that stalls for a failure.

use anyhow::Result;

use super::Outcome;
use super::demo::{FULL_TRIES, expect, surely};
use crate::demo::exit;
use crate::idle;
use crate::shell::Shell;

/// None is lost, and nothing grows
pub(super) fn held(shell: &Shell) -> Result<Outcome> {
    surely(expect(exit::HELD, FULL_TRIES, &mut || idle::check(shell))?)
}
