//! The command line.

use std::time::Duration;

use everbeat_support::{Runtime, number};

pub(crate) const USAGE: &str = "\
usage: everbeat-streams [--runtime tokio | async-std | smol] [--seconds N] [--streams N] [--seed N] [--json]

  --runtime R      on this runtime only (without it, on each, at once)
  --seconds N      how long streams are begun (60)
  --streams N      how many each runtime plays at most, one after the other (without it, as many as fit)
  --seed N         the first stream's seed; each that follows has the next (without it, any)
  --json           one object as the last line of stdout; everything else goes to stderr

exit code: 0 nothing was wrong, 1 something was, 3 it could not run";

/// What is asked for
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    Streams(Options),
    Help,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Options {
    /// `None` is each of them
    pub(crate) runtime: Option<Runtime>,
    pub(crate) length: Duration,
    /// `None` is as many as fit
    pub(crate) streams: Option<u64>,
    /// `None` is any
    pub(crate) seed: Option<u64>,
    pub(crate) json: bool,
}

impl Options {
    pub(crate) fn runtimes(&self) -> Vec<Runtime> {
        self.runtime.map_or_else(|| Runtime::ALL.to_vec(), |runtime| vec![runtime])
    }
}

/// Parses the arguments behind the program's name
pub(crate) fn parse(words: impl IntoIterator<Item = String>) -> Result<Wanted, String> {
    let mut words = words.into_iter();
    let length = Duration::from_secs(60);
    let mut options = Options { runtime: None, length, streams: None, seed: None, json: false };
    while let Some(word) = words.next() {
        match word.as_str() {
            "--help" | "-h" => return Ok(Wanted::Help),
            "--json" => {
                options.json = true;
                continue;
            }
            "--runtime" | "--seconds" | "--streams" | "--seed" => {}
            _ => return Err(format!("`{word}` is not an option")),
        }
        let value = words.next().ok_or_else(|| format!("`{word}` is followed by nothing"))?;
        match word.as_str() {
            "--runtime" => options.runtime = Some(Runtime::parse(&value)?),
            "--seconds" => {
                options.length = Duration::from_secs(number(&word, &value, 1..=86_400)?);
            }
            "--streams" => options.streams = Some(number(&word, &value, 1..=1_000_000_000)?),
            // So that there is a next one
            _ => options.seed = Some(number(&word, &value, 0..=u64::MAX >> 1)?),
        }
    }
    Ok(Wanted::Streams(options))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse_line(line: &str) -> Result<Wanted, String> {
        parse(line.split_whitespace().map(String::from))
    }

    #[test]
    fn a_run_is_described_in_a_line() {
        let options = Options {
            runtime: Some(Runtime::Smol),
            length: Duration::from_secs(7),
            streams: Some(1),
            seed: Some(5),
            json: true,
        };
        let line = "--runtime smol --seconds 7 --streams 1 --seed 5 --json";
        assert_eq!(parse_line(line), Ok(Wanted::Streams(options)));
        assert_eq!(parse_line("--seed 5 --help"), Ok(Wanted::Help));
        let Ok(Wanted::Streams(all)) = parse_line("") else { panic!("nothing is needed") };
        assert_eq!(all.runtimes(), Runtime::ALL);
    }

    #[test]
    fn what_cannot_be_is_named() {
        for (line, named) in [
            ("--seconds", "--seconds"),
            ("--seconds 0", "--seconds"),
            ("--seed -1", "--seed"),
            ("--runtime none", "none"),
            ("--loud yes", "--loud"),
        ] {
            let problem = parse_line(line).unwrap_err();
            assert!(problem.contains(named), "{problem}");
        }
    }
}
