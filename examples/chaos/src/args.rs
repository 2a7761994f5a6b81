//! The command line: a run, or a process of one.

use std::path::PathBuf;
use std::time::Duration;

use everbeat_support::{Runtime, number};

use crate::child::{Child, Role};

pub(crate) const USAGE: &str = "\
usage: everbeat-chaos [--minutes M] [--seed S] [--plot FILE] [--json]

  --minutes M    how long faults happen (5)
  --seed S       which, and when: the same seed is the same run (1)
  --plot FILE    how long each death took to be noticed, as an SVG
  --json         one object as the last line of stdout, the rest on stderr";

/// What is asked for
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    Chaos(Options),
    Child(Child),
    Help,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Options {
    pub(crate) length: Duration,
    pub(crate) seed: u64,
    pub(crate) plot: Option<PathBuf>,
    pub(crate) json: bool,
}

/// Parses the words behind the program's name
pub(crate) fn parse(words: impl IntoIterator<Item = String>) -> Result<Wanted, String> {
    let mut words = words.into_iter().peekable();
    let role = words.next_if(|word| ["client", "server"].contains(&word.as_str()));
    if let Some(role) = role {
        return child(&role, words).map(Wanted::Child);
    }
    let mut options =
        Options { length: Duration::from_secs(300), seed: 1, plot: None, json: false };
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or_else(|| format!("{word} is followed by nothing"));
        match word.as_str() {
            "--minutes" => options.length = minutes(&value()?)?,
            "--seed" => options.seed = number(&word, &value()?, 0..=u64::MAX)?,
            "--plot" => options.plot = Some(value()?.into()),
            "--json" => options.json = true,
            "--help" | "-h" => return Ok(Wanted::Help),
            _ => return Err(format!("`{word}` means nothing here")),
        }
    }
    Ok(Wanted::Chaos(options))
}

fn minutes(value: &str) -> Result<Duration, String> {
    let minutes = value.parse::<f64>().ok().filter(|minutes| (0.3..=1_440.0).contains(minutes));
    let minutes = minutes.ok_or("--minutes takes a number from 0.3 to 1440")?;
    Ok(Duration::from_secs_f64(minutes * 60.0))
}

fn child(role: &str, mut words: impl Iterator<Item = String>) -> Result<Child, String> {
    let address = words.next().unwrap_or_default();
    let address = address.parse().map_err(|_| format!("`{address}` is no address"))?;
    let (mut runtime, mut seed, mut watches) = (None, 0, false);
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or_else(|| format!("{word} is followed by nothing"));
        match word.as_str() {
            "--runtime" => runtime = Some(Runtime::parse(&value()?)?),
            "--seed" => seed = number(&word, &value()?, 0..=u64::MAX)?,
            "--watch" => watches = true,
            _ => return Err(format!("`{word}` means nothing to a {role}")),
        }
    }
    let runtime = runtime.ok_or("on which runtime?")?;
    let role = if role == "server" { Role::Server } else { Role::Client { seed, watches } };
    Ok(Child { role, runtime, address })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse_line(line: &str) -> Result<Wanted, String> {
        parse(line.split_whitespace().map(String::from))
    }

    #[test]
    fn a_run_is_described_in_a_line() {
        let length = Duration::from_secs(30);
        let options = Options { length, seed: 7, plot: Some("a.svg".into()), json: true };
        let wanted = parse_line("--minutes 0.5 --seed 7 --plot a.svg --json").unwrap();
        assert_eq!(wanted, Wanted::Chaos(options));
        assert_eq!(parse_line("--help").unwrap(), Wanted::Help);
        let role = Role::Client { seed: 9, watches: true };
        let child = Child { role, runtime: Runtime::Smol, address: ([10, 77, 2, 2], 9).into() };
        let wanted = parse_line("client 10.77.2.2:9 --runtime smol --seed 9 --watch").unwrap();
        assert_eq!(wanted, Wanted::Child(child));
    }

    #[test]
    fn what_cannot_be_is_named() {
        for (line, named) in [
            ("--minutes soon", "--minutes"),
            ("--minutes 0", "--minutes"),
            ("--seed x", "--seed"),
            ("--loud", "--loud"),
            ("server there --runtime smol", "there"),
            ("server 10.0.0.1:9", "runtime"),
        ] {
            let problem = parse_line(line).unwrap_err();
            assert!(problem.contains(named), "{problem}");
        }
    }
}
