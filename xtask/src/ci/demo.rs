//! The demo as a step: it holds, and with a mechanism taken away it does not.
//!
//! A run on a machine that stalled says nothing, so that it is repeated, a few times at most.

use anyhow::{Result, bail};

use super::Outcome;
use crate::demo::{binary, exit};
use crate::shell::Shell;

const REPEATS: u32 = 3;

/// Every fault is noticed in time, and what was lost comes back
pub(super) fn holds(shell: &Shell) -> Result<Outcome> {
    expect(exit::HELD, &mut || play(shell, &["--json"]))
}

/// Without `mechanism` the demo must see a bound broken
pub(super) fn fails(shell: &Shell, mechanism: &str) -> Result<Outcome> {
    expect(exit::BROKEN, &mut || play(shell, &["--json", "--break", mechanism]))
}

/// Finds the demo where `build` has left it
fn play(shell: &Shell, words: &[&str]) -> Result<i32> {
    shell.run(&mut shell.cargo("build --quiet --workspace --all-targets"))?;
    shell.code(shell.program(binary(shell)).args(words))
}

fn expect(wanted: i32, play: &mut dyn FnMut() -> Result<i32>) -> Result<Outcome> {
    for _ in 0..=REPEATS {
        match play()? {
            code if code == wanted => return Ok(Outcome::Passed),
            exit::STALLED => eprintln!("the machine stalled; this run does not count"),
            code => bail!("the demo ended with {code}, and {wanted} was expected"),
        }
    }
    bail!("the machine stalled {} times in a row", REPEATS + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(codes: &[i32], wanted: i32) -> (bool, usize) {
        let mut played = 0;
        let outcome = expect(wanted, &mut || {
            played += 1;
            Ok(codes[played - 1])
        });
        (outcome.is_ok(), played)
    }

    #[test]
    fn a_stall_is_repeated_and_not_counted() {
        assert_eq!(after(&[exit::STALLED, exit::HELD], exit::HELD), (true, 2));
        assert_eq!(after(&[exit::STALLED; 4], exit::HELD), (false, 4));
    }

    #[test]
    fn a_broken_demo_must_break_and_a_whole_one_must_hold() {
        assert_eq!(after(&[exit::BROKEN], exit::HELD), (false, 1));
        assert_eq!(after(&[exit::HELD], exit::BROKEN), (false, 1));
        assert_eq!(after(&[exit::BROKEN], exit::BROKEN), (true, 1));
        assert_eq!(after(&[101], exit::BROKEN), (false, 1));
    }
}
