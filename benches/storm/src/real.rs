//! A planned restart for real: a server's process is replaced by another one while thousands of real
//! clients are connected, and what they do is held against what the study says of it.

#[cfg(unix)]
mod clients;
#[cfg(unix)]
mod generation;
#[cfg(unix)]
mod runs;
mod verdict;

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;

use crate::args::Options;

/// What a server has to serve on and to close, of which 5 s are for its Closes: too short for all to
/// be served until their turn, so that some are and some are told to come later
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(8);
const TOLD_WITHIN: Duration = Duration::from_secs(3);

/// Restarts, as often as is asked for, and the exit code
#[cfg(unix)]
pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    runs::run(options)
}

/// Is a server, until it is told to end
#[cfg(unix)]
pub(crate) fn serve(capacity: u32) -> Result<ExitCode> {
    generation::serve(capacity)
}

#[cfg(not(unix))]
pub(crate) fn run(_: &Options) -> Result<ExitCode> {
    anyhow::bail!("there is no descriptor to inherit here")
}

#[cfg(not(unix))]
pub(crate) fn serve(_: u32) -> Result<ExitCode> {
    anyhow::bail!("there is no descriptor to inherit here")
}
