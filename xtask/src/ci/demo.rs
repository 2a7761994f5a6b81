//! The demo as a step: it holds, and with a mechanism taken away it does not.
//!
//! The demo repeats each fault during which the machine stalled. A run that says nothing all the
//! same is repeated here, and if none counted, an ordinary run says so loudly and goes on, and a
//! full one fails.

use anyhow::{Result, bail};

use super::Outcome;
use crate::demo::{binary, exit};
use crate::runtimes::RUNTIMES;
use crate::shell::Shell;

/// Within an ordinary run's minutes
const TRIES: u32 = 1;
/// Where an answer is wanted
pub(super) const FULL_TRIES: u32 = 4;

/// Every fault is noticed in time, and what was lost comes back
pub(super) fn holds(shell: &Shell) -> Result<Outcome> {
    expect(exit::HELD, TRIES, &mut || play(shell, &["--json"]))
}

/// [`holds`], and no machine is excused
pub(super) fn surely_holds(shell: &Shell) -> Result<Outcome> {
    surely(expect(exit::HELD, FULL_TRIES, &mut || play(shell, &["--json"]))?)
}

/// [`surely_holds`] on each runtime alone, with TLS and without
pub(super) fn surely_holds_on_each(shell: &Shell) -> Result<Outcome> {
    for runtime in RUNTIMES {
        for tls in [&[][..], &["--tls"][..]] {
            let words = [&["--json", "--runtime", runtime][..], tls].concat();
            surely(expect(exit::HELD, FULL_TRIES, &mut || play(shell, &words))?)?;
        }
    }
    Ok(Outcome::Passed)
}

pub(super) fn surely(outcome: Outcome) -> Result<Outcome> {
    match outcome {
        Outcome::Skipped(why) => bail!("{why}"),
        passed => Ok(passed),
    }
}

/// Without `mechanism` the demo must see a bound broken
pub(super) fn fails(shell: &Shell, mechanism: &str) -> Result<Outcome> {
    let words = ["--json", "--break", mechanism];
    expect(exit::BROKEN, TRIES, &mut || play(shell, &words))
}

/// [`fails`] for each mechanism, and no machine is excused
pub(super) fn surely_fails(shell: &Shell) -> Result<Outcome> {
    for mechanism in ["heartbeat", "backoff", "expiry", "jitter", "queue"] {
        let words = ["--json", "--break", mechanism];
        surely(expect(exit::BROKEN, FULL_TRIES, &mut || play(shell, &words))?)?;
    }
    Ok(Outcome::Passed)
}

/// Finds the demo where `build` has left it
fn play(shell: &Shell, words: &[&str]) -> Result<i32> {
    shell.run(&mut shell.cargo("build --quiet --workspace --all-targets"))?;
    shell.code(shell.program(binary(shell)).args(words))
}

pub(super) fn expect(
    wanted: i32,
    tries: u32,
    play: &mut dyn FnMut() -> Result<i32>,
) -> Result<Outcome> {
    for _ in 0..tries {
        match play()? {
            code if code == wanted => return Ok(Outcome::Passed),
            exit::STALLED => eprintln!("the machine stalled; this run does not count"),
            code => bail!("it ended with {code}, and {wanted} was expected"),
        }
    }
    Ok(Outcome::Skipped(format!("INVALID, the machine stalled {tries} times in a row")))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How it ended, and how often was played: `None` is a failure, `Some(false)` no answer
    fn after(codes: &[i32], wanted: i32) -> (Option<bool>, usize) {
        let mut played = 0;
        let outcome = expect(wanted, 2, &mut || {
            played += 1;
            Ok(codes[played - 1])
        });
        (outcome.ok().map(|outcome| outcome == Outcome::Passed), played)
    }

    #[test]
    fn a_stall_is_repeated_then_told_and_in_a_full_run_red() {
        assert_eq!(after(&[exit::STALLED, exit::HELD], exit::HELD), (Some(true), 2));
        assert_eq!(after(&[exit::STALLED; 2], exit::HELD), (Some(false), 2));
        assert!(surely(Outcome::Skipped("stalled".into())).is_err());
        assert_eq!(surely(Outcome::Passed).ok(), Some(Outcome::Passed));
    }

    #[test]
    fn a_broken_demo_must_break_and_a_whole_one_must_hold() {
        assert_eq!(after(&[exit::BROKEN], exit::HELD), (None, 1));
        assert_eq!(after(&[exit::HELD], exit::BROKEN), (None, 1));
        assert_eq!(after(&[exit::BROKEN], exit::BROKEN), (Some(true), 1));
        assert_eq!(after(&[101], exit::BROKEN), (None, 1));
    }
}
