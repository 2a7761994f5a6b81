//! `cargo xtask test`: every test and doctest of every crate, or those that the words select.

use std::process::ExitCode;

use anyhow::Result;

use crate::args::Args;
use crate::report::Report;
use crate::shell::Shell;

pub(crate) fn run(shell: &Shell, args: Args) -> Result<ExitCode> {
    let words = args.rest();
    let mut command = shell.cargo("test");
    // A package named by the user is the selection; otherwise it is everything.
    if !words.iter().take_while(|word| *word != "--").any(|word| selects_packages(word)) {
        command.arg("--workspace");
    }
    command.args(&words);

    // Cargo's own stdout keeps its colours where nobody has to count.
    if !shell.json {
        let code = shell.code(&mut command)?;
        return Ok(u8::try_from(code).map_or(ExitCode::FAILURE, ExitCode::from));
    }
    let mut tally = Tally::default();
    let code = shell.lines(&mut command, |line| tally.read(line))?;
    let mut report = Report::new("test");
    report.row("passed", tally.passed, "tests", None::<u64>, true);
    report.row("failed", tally.failed, "tests", 0, tally.failed == 0 && code == 0);
    report.row("ignored", tally.ignored, "tests", 0, tally.ignored == 0);
    Ok(report.finish(shell))
}

fn selects_packages(word: &str) -> bool {
    word == "-p" || word.starts_with("--package") || word.starts_with("--manifest-path")
}

/// The sum of all `test result:` lines
#[derive(Debug, Default, PartialEq, Eq)]
struct Tally {
    passed: u64,
    failed: u64,
    ignored: u64,
}

impl Tally {
    fn read(&mut self, line: &str) {
        let Some((_, counts)) = line.split_once("test result: ") else {
            return;
        };
        let words = counts.split([' ', ';']).collect::<Vec<_>>();
        for pair in words.windows(2) {
            let Ok(count) = pair[0].parse::<u64>() else {
                continue;
            };
            match pair[1] {
                "passed" => self.passed += count,
                "failed" => self.failed += count,
                "ignored" => self.ignored += count,
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn result_lines_are_added_up() {
        let mut tally = Tally::default();
        tally.read("running 3 tests");
        tally.read("test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out");
        tally.read("test result: FAILED. 1 passed; 2 failed; 0 ignored; 0 measured");
        assert_eq!(tally, Tally { passed: 4, failed: 2, ignored: 1 });
    }

    #[test]
    fn a_named_package_is_a_selection_and_a_filter_is_not() {
        assert!(selects_packages("-p"));
        assert!(selects_packages("--package=everbeat-ws"));
        assert!(!selects_packages("wheel"));
    }
}
