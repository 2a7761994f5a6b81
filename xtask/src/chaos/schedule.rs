//! `cargo xtask chaos --minutes M --seed S`: builds the program that plays chaos by a seed, and becomes
//! it; its exit code is ours, and its plot is in the target folder.

use std::process::{Command, ExitCode};

use anyhow::Result;

use super::tools::{Had, tools};
use crate::demo::become_program;
use crate::shell::Shell;

/// Whether a run by a seed is asked for, and not the table
pub(crate) fn is_asked_for(words: &[String]) -> bool {
    words.iter().any(|word| word == "--minutes" || word == "--seed")
}

pub(crate) fn run(shell: &Shell, words: Vec<String>) -> Result<ExitCode> {
    become_program(program(shell)?.args(words))
}

/// The program, built, and told where to draw
pub(crate) fn program(shell: &Shell) -> Result<Command> {
    eprintln!("building everbeat-chaos ..");
    shell.run(&mut shell.cargo("build --quiet --package everbeat-chaos"))?;
    let name = format!("everbeat-chaos{}", std::env::consts::EXE_SUFFIX);
    let mut chaos = Command::new(shell.target("debug").join(name));
    // Without them it says why itself.
    if let Had::All(tools) = tools(shell)? {
        tools.pass_on(&mut chaos);
    }
    chaos.arg("--plot").arg(shell.target("chaos").join("schedule.svg"));
    Ok(chaos)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn minutes_or_a_seed_ask_for_it_and_the_tables_words_do_not() {
        let asked =
            |line: &str| is_asked_for(&line.split(' ').map(String::from).collect::<Vec<_>>());
        assert!(asked("--minutes 5") && asked("--seed 3 --json"));
        assert!(!asked("stopped --times 5 --runtime smol --tls"));
    }
}
