//! The command line.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use everbeat_support::number;

pub(crate) const USAGE: &str = "\
usage: everbeat-detection [--days N] [--seed S] [--scenario NAME[,NAME..]] [--threads N]
                          [--folder DIR] [--json]

  --days N         connection-days of everbeat's in each scenario that has 1000 by default;
                   everything else is scaled alike, but for the deaths
  --seed S         this seed alone, instead of those to report on; 1 to 5 are for tuning
  --scenario NAME  these scenarios alone; several names with commas, or the option again
  --threads N      how many simulations run at once (as many as there are processors)
  --folder DIR     where the drawings and the page go
  --json           one object as the last line of stdout; everything else goes to stderr

exit code: 0 every goal was met, 1 one was missed, 3 the study could not run";

/// Connection-days by which all others are scaled
pub(crate) const DAYS: u64 = 1_000;

/// What is asked for
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    Study(Options),
    Help,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Options {
    pub(crate) days: u64,
    /// `None` is those to report on
    pub(crate) seed: Option<u64>,
    /// Empty is all
    pub(crate) scenarios: Vec<String>,
    pub(crate) threads: usize,
    pub(crate) folder: Option<PathBuf>,
    pub(crate) json: bool,
}

/// Parses the arguments behind the program's name
pub(crate) fn parse(args: impl IntoIterator<Item = String>) -> Result<Wanted, String> {
    let mut args = args.into_iter();
    let mut options = Options {
        days: DAYS,
        seed: None,
        scenarios: Vec::new(),
        threads: std::thread::available_parallelism().map_or(1, NonZeroUsize::get),
        folder: None,
        json: false,
    };
    while let Some(arg) = args.next() {
        let mut value = || args.next().ok_or_else(|| format!("`{arg}` needs a value"));
        match arg.as_str() {
            "--days" => options.days = number(&arg, &value()?, 1..=100_000)?,
            "--seed" => options.seed = Some(number(&arg, &value()?, 0..=u64::MAX)?),
            "--scenario" => options.scenarios.extend(value()?.split(',').map(String::from)),
            "--threads" => options.threads = number(&arg, &value()?, 1..=1_024)?,
            "--folder" => options.folder = Some(value()?.into()),
            "--json" => options.json = true,
            "--help" | "-h" => return Ok(Wanted::Help),
            other => return Err(format!("`{other}` is not an option")),
        }
    }
    Ok(Wanted::Study(options))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse_line(line: &str) -> Result<Wanted, String> {
        parse(line.split_whitespace().map(String::from))
    }

    #[test]
    fn options_are_understood() {
        let line =
            "--days 50 --seed 7 --scenario wan,roam --scenario slow --threads 2 --folder a --json";
        let expected = Options {
            days: 50,
            seed: Some(7),
            scenarios: ["wan", "roam", "slow"].map(String::from).to_vec(),
            threads: 2,
            folder: Some("a".into()),
            json: true,
        };
        assert_eq!(parse_line(line), Ok(Wanted::Study(expected)));
        assert_eq!(parse_line("--help"), Ok(Wanted::Help));
    }

    #[test]
    fn what_cannot_be_is_named() {
        for (line, named) in [
            ("--fast", "--fast"),
            ("--days", "--days"),
            ("--days 0", "1 to 100000"),
            ("--threads none", "1 to 1024"),
        ] {
            let problem = parse_line(line).unwrap_err();
            assert!(problem.contains(named), "{problem}");
        }
    }
}
