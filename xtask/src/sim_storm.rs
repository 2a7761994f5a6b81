//! `cargo xtask sim storm`: builds the study of storms, optimised, and becomes it; its exit code is
//! ours, and its page is in the target folder.

use std::process::{Command, ExitCode};

use anyhow::Result;

use crate::demo::become_program;
use crate::shell::Shell;

/// `words` begin with `storm`
pub(crate) fn run(shell: &Shell, words: Vec<String>) -> Result<ExitCode> {
    eprintln!("building the study ..");
    become_program(program(shell)?.args(words.into_iter().skip(1)))
}

/// The study, built, with the folder in which it draws
pub(crate) fn program(shell: &Shell) -> Result<Command> {
    shell.run(&mut shell.cargo("build --quiet --release --package everbeat-storm"))?;
    let name = format!("everbeat-storm{}", std::env::consts::EXE_SUFFIX);
    let mut command = shell.program(shell.target("release").join(name));
    command.arg("--folder").arg(shell.target("sim"));
    Ok(command)
}
