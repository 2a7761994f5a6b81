//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use everbeat_support::{Runtime, number};

pub(crate) const USAGE: &str = "\
usage: everbeat-soak plain [--connections N] [--seconds N] [--runtime tokio | async-std | smol]
                     [--seed N] [--plot FILE] [--json] [--break lose | leak | memory | tally | heartbeat]

  plain            plain RFC 6455: servers and reconnecting clients, faults between them
  --connections N  how many clients (2000)
  --seconds N      how long there are faults (60); starting, warming up and ending come on top
  --runtime R      servers and clients on this runtime only (without it, on each, at once)
  --seed N         the same faults as a run that printed this seed
  --plot FILE      an SVG of the run over time
  --json           one object as the last line of stdout; everything else goes to stderr
  --break WHAT     do it wrong on purpose: a row must fail, exit code 1
                   lose: the servers forget a message now and then
                   leak: a task and a descriptor are kept
                   memory: each connection leaves something behind
                   tally: an unconfirmed message is counted as delivered
                   heartbeat: the clients do not beat

exit code: 0 every row was met, 1 one was not, 2 the machine stalled, 3 the soak could not run";

/// What is asked for
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    Soak(Options),
    Help,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Options {
    pub(crate) connections: usize,
    pub(crate) length: Duration,
    /// `None` is each of them
    pub(crate) runtime: Option<Runtime>,
    /// `None` is the operating system's choice
    pub(crate) seed: Option<u64>,
    pub(crate) plot: Option<PathBuf>,
    pub(crate) json: bool,
    pub(crate) broken: Option<Broken>,
}

impl Options {
    pub(crate) fn runtimes(&self) -> Vec<Runtime> {
        self.runtime.map_or_else(|| Runtime::ALL.to_vec(), |runtime| vec![runtime])
    }
}

/// What is done wrong, to see that it is noticed
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Broken {
    Lose,
    Leak,
    Memory,
    Tally,
    Heartbeat,
}

impl Broken {
    const ALL: [Self; 5] = [Self::Lose, Self::Leak, Self::Memory, Self::Tally, Self::Heartbeat];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Lose => "lose",
            Self::Leak => "leak",
            Self::Memory => "memory",
            Self::Tally => "tally",
            Self::Heartbeat => "heartbeat",
        }
    }

    fn parse(name: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|broken| broken.name() == name).ok_or_else(|| {
            let names = Self::ALL.map(Self::name).join(", ");
            format!("--break takes one of {names}, not `{name}`")
        })
    }
}

/// Parses the arguments behind the program's name
pub(crate) fn parse(args: impl IntoIterator<Item = String>) -> Result<Wanted, String> {
    let mut args = args.into_iter();
    let mut options = Options {
        connections: 2_000,
        length: Duration::from_secs(60),
        runtime: None,
        seed: None,
        plot: None,
        json: false,
        broken: None,
    };
    let mut plain = false;
    while let Some(arg) = args.next() {
        let mut value = || args.next().ok_or_else(|| format!("`{arg}` needs a value"));
        match arg.as_str() {
            "plain" => plain = true,
            "--connections" => options.connections = number(&arg, &value()?, 50..=50_000)?,
            "--seconds" => {
                options.length = Duration::from_secs(number(&arg, &value()?, 8..=86_400)?);
            }
            "--runtime" => options.runtime = Some(Runtime::parse(&value()?)?),
            "--seed" => options.seed = Some(number(&arg, &value()?, 0..=u64::MAX)?),
            "--plot" => options.plot = Some(value()?.into()),
            "--json" => options.json = true,
            "--break" => options.broken = Some(Broken::parse(&value()?)?),
            "--help" | "-h" => return Ok(Wanted::Help),
            other => return Err(format!("`{other}` is not an option")),
        }
    }
    match plain {
        true => Ok(Wanted::Soak(options)),
        false => Err("what is to be soaked? `plain` is what there is".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse_line(line: &str) -> Result<Wanted, String> {
        parse(line.split_whitespace().map(String::from))
    }

    #[test]
    fn options_are_understood() {
        let line = "plain --connections 300 --seconds 10 --runtime smol --seed 7 --json \
                    --plot a.svg --break lose";
        let expected = Options {
            connections: 300,
            length: Duration::from_secs(10),
            runtime: Some(Runtime::Smol),
            seed: Some(7),
            plot: Some("a.svg".into()),
            json: true,
            broken: Some(Broken::Lose),
        };
        assert_eq!(parse_line(line), Ok(Wanted::Soak(expected)));
        assert_eq!(parse_line("--help"), Ok(Wanted::Help));
    }

    #[test]
    fn what_cannot_be_is_named() {
        for (line, named) in [
            ("", "plain"),
            ("plain --fast", "--fast"),
            ("plain --connections", "--connections"),
            ("plain --connections 3", "50 to 50000"),
            ("plain --seconds 7", "8 to 86400"),
            ("plain --runtime glommio", "glommio"),
            ("plain --break everything", "everything"),
        ] {
            let problem = parse_line(line).unwrap_err();
            assert!(problem.contains(named), "{problem}");
        }
    }
}
