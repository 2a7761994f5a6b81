//! `cargo xtask sim`: builds the study of detectors, optimised, and becomes it; its exit code is
//! ours, and its page is in the target folder.

use std::process::{Command, ExitCode};

use anyhow::Result;

use crate::demo::become_program;
use crate::shell::Shell;

pub(crate) fn run(shell: &Shell, words: Vec<String>) -> Result<ExitCode> {
    eprintln!("building the study ..");
    become_program(program(shell)?.args(words))
}

/// The study, built, with the folder in which it draws
pub(crate) fn program(shell: &Shell) -> Result<Command> {
    shell.run(&mut shell.cargo("build --quiet --release --package everbeat-detection"))?;
    let name = format!("everbeat-detection{}", std::env::consts::EXE_SUFFIX);
    let mut command = shell.program(shell.target("release").join(name));
    command.arg("--folder").arg(shell.target("sim"));
    Ok(command)
}
