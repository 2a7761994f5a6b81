//! Real faults as steps: the networks in which they are played, the table on one stack, whose others
//! are played by hand, and a schedule by a seed. Without root none of it can be tried; a full run takes
//! that for a failure, as it does a machine that stalls.

use anyhow::{Result, bail};

use super::Outcome;
use super::demo::{FULL_TRIES, expect, surely};
use crate::chaos::{self, Had, schedule, tools};
use crate::demo::exit;
use crate::shell::Shell;

/// Networks are made and removed, and break as they are told to
pub(super) fn networks(shell: &Shell) -> Result<Outcome> {
    match tools(shell)? {
        Had::Not(why) => surely(Outcome::Skipped(why)),
        Had::All(tools) => {
            let mut tests = shell.cargo("test --workspace --test kernel");
            tools.pass_on(&mut tests);
            shell.run(&mut tests)?;
            Ok(Outcome::Passed)
        }
    }
}

/// Every fault of the table is judged as it must be
pub(super) fn holds(shell: &Shell) -> Result<Outcome> {
    for _ in 0..FULL_TRIES {
        match chaos::holds(shell)? {
            Some(true) => return Ok(Outcome::Passed),
            Some(false) => bail!("a row of the table was missed"),
            None => eprintln!("this run does not count"),
        }
    }
    bail!("SKIPPED, or INVALID {FULL_TRIES} times in a row: see above")
}

/// Most kinds of fault once on every runtime by a seed. All of them take five minutes, which `cargo
/// xtask chaos --minutes 5` has, for any seed; this leaves a whole run within its hour.
pub(super) fn by_seed(shell: &Shell) -> Result<Outcome> {
    surely(expect(exit::HELD, FULL_TRIES, &mut || {
        shell.code(schedule::program(shell)?.args(["--minutes", "3", "--seed", "1", "--json"]))
    })?)
}
