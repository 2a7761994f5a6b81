//! Autobahn's suite as a step: no case goes wrong. Where there is no Python 2.7, even a full run only
//! says so, loudly, for few machines have one; a machine that stalls it takes for a failure.

use anyhow::{Result, bail};

use super::Outcome;
use super::interop::BUILD;
use crate::autobahn::{self, Found};
use crate::demo::exit;
use crate::shell::Shell;

/// Every case, on every runtime, in both roles
pub(super) fn holds(shell: &Shell) -> Result<Outcome> {
    let report = match autobahn::whole(shell, BUILD)? {
        Found::Judged(report) => report,
        Found::Skipped(why) => return Ok(Outcome::Skipped(why.into())),
    };
    match report.code().into() {
        exit::HELD => Ok(Outcome::Passed),
        exit::STALLED => bail!("INVALID, cases went wrong, and the machine stalled in every try"),
        _ => bail!("a case went wrong"),
    }
}
