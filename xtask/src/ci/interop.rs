//! Foreign peers as a step: nobody fails who counts. What could not be judged, for want of a peer's
//! language or of a machine that keeps up, an ordinary run tells loudly, and a full one takes for a
//! failure.

use anyhow::{Result, bail};

use super::Outcome;
use crate::interop::{self, Extent, Sum};
use crate::shell::Shell;

/// The whole workspace, as every step builds it
pub(super) const BUILD: &str = "build --quiet --workspace --all-targets";

/// Every scenario once in either role, with those peers that a push waits for
pub(super) fn smoke(shell: &Shell) -> Result<Outcome> {
    outcome(interop::sum(shell, BUILD, Extent::Smoke)?)
}

/// The same with every peer: the whole matrix takes longer than anybody waits
pub(super) fn whole(shell: &Shell) -> Result<Outcome> {
    surely(shell, Extent::Turns)
}

/// What a peer is excused for is so as well with somebody else in our place
pub(super) fn excuses(shell: &Shell) -> Result<Outcome> {
    surely(shell, Extent::StandIn)
}

fn surely(shell: &Shell, extent: Extent) -> Result<Outcome> {
    match outcome(interop::sum(shell, BUILD, extent)?)? {
        Outcome::Skipped(why) => bail!("{why}"),
        passed => Ok(passed),
    }
}

fn outcome(sum: Sum) -> Result<Outcome> {
    match sum {
        Sum { failed, .. } if failed > 0 => bail!("{failed} cells of the matrix failed"),
        Sum { skipped, .. } if !skipped.is_empty() => Ok(Outcome::Skipped(skipped.join(", "))),
        Sum { valid: false, .. } => {
            Ok(Outcome::Skipped("INVALID, the machine stalled in every try".into()))
        }
        _ => Ok(Outcome::Passed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(failed: usize, skipped: &[&str], valid: bool) -> Option<bool> {
        let skipped = skipped.iter().map(ToString::to_string).collect();
        let outcome = outcome(Sum { failed, skipped, valid });
        outcome.ok().map(|outcome| outcome == Outcome::Passed)
    }

    #[test]
    fn a_failure_fails_and_what_was_not_judged_is_told() {
        assert_eq!(of(0, &[], true), Some(true));
        assert_eq!(of(0, &["no ruby"], true), Some(false));
        assert_eq!(of(0, &[], false), Some(false));
        assert_eq!(of(1, &["no ruby"], false), None);
    }
}
