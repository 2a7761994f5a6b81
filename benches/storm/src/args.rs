//! The command line.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use everbeat_support::number;

pub(crate) const USAGE: &str = "\
usage: everbeat-storm [--clients N] [--capacity C[,C..]] [--backlog B] [--seed S] [--threads N]
                      [--folder DIR] [--json]
       everbeat-storm --real [--clients N] [--capacity C] [--runs N] [--seed S] [--json]

  --clients N      how many clients a restart cuts off, 100 to 1000000 (100000; 2000 if real)
  --capacity C     how many connections a second the server takes (200,500,2000,10000; 400 if real)
  --backlog B      how many may wait in the kernel to be taken (4096)
  --seed S         the chance of a run (1)
  --threads N      how many simulations run at once (as many as there are processors)
  --folder DIR     where the drawings and the page go
  --real           real clients and a real server, whose process is replaced, beside the prediction
  --runs N         how often, if real (5)
  --json           one object as the last line of stdout; everything else goes to stderr

exit code: 0 every goal was met, 1 one was missed, 2 the machine stalled, 3 it could not run";

/// The word that has the program be a server, for the run that has started it
pub(crate) const SERVE: &str = "serve";

/// What is asked for
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    Study(Options),
    Real(Options),
    Serve { capacity: u32 },
    Help,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Options {
    pub(crate) clients: u32,
    pub(crate) capacities: Vec<u32>,
    pub(crate) backlog: u32,
    pub(crate) seed: u64,
    pub(crate) threads: usize,
    pub(crate) folder: Option<PathBuf>,
    pub(crate) runs: usize,
    pub(crate) json: bool,
}

/// Parses the arguments behind the program's name
pub(crate) fn parse(args: impl IntoIterator<Item = String>) -> Result<Wanted, String> {
    let mut args = args.into_iter().peekable();
    if args.next_if(|word| word == SERVE).is_some() {
        let capacity = args.next().ok_or("a server is told its capacity")?;
        return Ok(Wanted::Serve { capacity: number(SERVE, &capacity, 1..=1_000_000)? });
    }
    let (mut clients, mut capacities, mut real) = (None, Vec::new(), false);
    let mut options = Options {
        clients: 0,
        capacities: Vec::new(),
        backlog: 4_096,
        seed: 1,
        threads: std::thread::available_parallelism().map_or(1, NonZeroUsize::get),
        folder: None,
        runs: 5,
        json: false,
    };
    while let Some(arg) = args.next() {
        let mut value = || args.next().ok_or_else(|| format!("`{arg}` needs a value"));
        match arg.as_str() {
            "--clients" => clients = Some(number(&arg, &value()?, 100..=1_000_000)?),
            "--capacity" => {
                for capacity in value()?.split(',') {
                    capacities.push(number(&arg, capacity, 1..=1_000_000)?);
                }
            }
            "--backlog" => options.backlog = number(&arg, &value()?, 1..=1_000_000)?,
            "--seed" => options.seed = number(&arg, &value()?, 0..=u64::MAX)?,
            "--threads" => options.threads = number(&arg, &value()?, 1..=1_024)?,
            "--folder" => options.folder = Some(value()?.into()),
            "--runs" => options.runs = number(&arg, &value()?, 1..=100)?,
            "--real" => real = true,
            "--json" => options.json = true,
            "--help" | "-h" => return Ok(Wanted::Help),
            other => return Err(format!("`{other}` is not an option")),
        }
    }
    let usual: (u32, &[u32]) =
        if real { (2_000, &[400]) } else { (100_000, &[200, 500, 2_000, 10_000]) };
    options.clients = clients.unwrap_or(usual.0);
    options.capacities = if capacities.is_empty() { usual.1.to_vec() } else { capacities };
    match (real, options.capacities.len()) {
        (false, _) => Ok(Wanted::Study(options)),
        (true, 1) => Ok(Wanted::Real(options)),
        (true, _) => Err("--real has one --capacity".into()),
    }
}

#[cfg(test)]
impl Options {
    /// A study that takes no time
    pub(crate) fn small(clients: u32, capacity: u32) -> Self {
        Self {
            clients,
            capacities: vec![capacity],
            backlog: 4_096,
            seed: 1,
            threads: 1,
            folder: None,
            runs: 1,
            json: false,
        }
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
        let line = "--clients 5000 --capacity 200,300 --capacity 7 --backlog 9 --seed 4 --threads 2 \
                    --folder a --json";
        let expected = Options {
            clients: 5_000,
            capacities: vec![200, 300, 7],
            backlog: 9,
            seed: 4,
            threads: 2,
            folder: Some("a".into()),
            runs: 5,
            json: true,
        };
        assert_eq!(parse_line(line), Ok(Wanted::Study(expected)));
        assert_eq!(parse_line("serve 200"), Ok(Wanted::Serve { capacity: 200 }));
        assert_eq!(parse_line("-h"), Ok(Wanted::Help));
        let Ok(Wanted::Real(options)) = parse_line("--runs 3 --real") else { panic!("not real") };
        assert_eq!((options.clients, options.capacities, options.runs), (2_000, vec![400], 3));
    }

    #[test]
    fn what_cannot_be_is_named() {
        for (line, named) in [
            ("--fast", "--fast"),
            ("--clients", "--clients"),
            ("--clients 5", "100 to 1000000"),
            ("--capacity 200,none", "1 to 1000000"),
            ("--real --capacity 1,2", "one --capacity"),
            ("serve", "capacity"),
        ] {
            let problem = parse_line(line).unwrap_err();
            assert!(problem.contains(named), "{problem}");
        }
    }
}
