//! `cargo xtask sim storm`: builds the study of storms, optimised, and becomes it; its exit code is
//! ours, and its page is in the target folder.

use std::process::{Command, ExitCode};

use anyhow::Result;

use crate::demo::become_program;
use crate::shell::Shell;

/// `words` begin with `storm`
pub(crate) fn run(shell: &Shell, words: Vec<String>) -> Result<ExitCode> {
    eprintln!("building the study ..");
    become_program(optimised(shell)?.args(words.into_iter().skip(1)))
}

/// The study, built for a whole crowd
pub(crate) fn optimised(shell: &Shell) -> Result<Command> {
    shell.run(&mut shell.cargo("build --quiet --release --package everbeat-storm"))?;
    Ok(program(shell, "release"))
}

/// The study, where `build` leaves it, fast enough for a small one
pub(crate) fn plain(shell: &Shell) -> Result<Command> {
    shell.run(&mut shell.cargo("build --quiet --workspace --all-targets"))?;
    Ok(program(shell, "debug"))
}

/// With the folder in which it draws
fn program(shell: &Shell, profile: &str) -> Command {
    let name = format!("everbeat-storm{}", std::env::consts::EXE_SUFFIX);
    let mut command = shell.program(shell.target(profile).join(name));
    command.arg("--folder").arg(shell.target("sim"));
    command
}
