//! `cargo xtask demo`: builds the demo in silence and becomes it; its exit code is ours.

use std::path::PathBuf;
use std::process::{Command, ExitCode};

use anyhow::Result;

use crate::chaos::{Had, tools};
use crate::shell::Shell;

/// What the demo's exit code says
pub(crate) mod exit {
    /// Every bound held
    pub(crate) const HELD: i32 = 0;
    /// A bound was broken, or the demo itself
    pub(crate) const BROKEN: i32 = 1;
    /// The machine stalled, so that the run says nothing
    pub(crate) const STALLED: i32 = 2;
}

pub(crate) fn run(shell: &Shell, words: Vec<String>) -> Result<ExitCode> {
    eprintln!("building the demo ..");
    shell.run(&mut shell.cargo("build --quiet --package everbeat-demo"))?;
    let mut demo = Command::new(binary(shell));
    if words.iter().any(|word| word == "--netns") {
        // Without them it says why itself.
        if let Had::All(tools) = tools(shell)? {
            tools.pass_on(&mut demo);
        }
    }
    become_program(demo.args(words))
}

/// Runs a program whose exit code is ours
///
/// Not `cargo run`: a program that ends with 1 on purpose would look like an error of cargo's.
/// On Unix it is this very process from then on, so that whoever ends us ends it.
pub(crate) fn become_program(command: &mut Command) -> Result<ExitCode> {
    #[cfg(unix)]
    {
        // Returns only if there is no such program.
        Err(std::os::unix::process::CommandExt::exec(command).into())
    }
    #[cfg(not(unix))]
    {
        let code = command.status()?.code();
        Ok(code.and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, ExitCode::from))
    }
}

/// Where cargo puts the demo
pub(crate) fn binary(shell: &Shell) -> PathBuf {
    shell.target("debug").join(format!("everbeat-demo{}", std::env::consts::EXE_SUFFIX))
}
