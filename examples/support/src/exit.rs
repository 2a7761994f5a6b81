//! How a program ends that did not play: wrong arguments, a wish for help, a failure of its own.

use std::fmt;
use std::io::{Write, stderr, stdout};
use std::process::ExitCode;

/// Neither green nor red: nothing was shown
const NOTHING_SHOWN: u8 = 3;

/// Says what was wrong with the arguments
#[must_use]
pub fn usage(problem: &str, usage: &str) -> ExitCode {
    _ = stderr().write_all(format!("{problem}\n\n{usage}\n").as_bytes());
    ExitCode::from(NOTHING_SHOWN)
}

/// Says what the arguments are
#[must_use]
pub fn help(usage: &str) -> ExitCode {
    _ = stdout().write_all(format!("{usage}\n").as_bytes());
    ExitCode::SUCCESS
}

/// Says why it could not run; all of a cause, if it is told with `#`
#[must_use]
pub fn failure(program: &str, error: &impl fmt::Display) -> ExitCode {
    _ = stderr().write_all(format!("the {program} could not run: {error:#}\n").as_bytes());
    ExitCode::from(NOTHING_SHOWN)
}
