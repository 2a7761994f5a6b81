//! The command line: the demo's options, and the roles in which the demo starts itself again.

use std::net::SocketAddr;
use std::time::Duration;

use crate::note::Who;

pub(crate) const USAGE: &str = "\
usage: everbeat-demo [--seconds N] [--json] [--break heartbeat | backoff | expiry]

  --seconds N   run for at most N seconds; the faults are repeated while there is time
                (without it, each fault once, in under 45 s)
  --json        one object as the last line of stdout; the timeline goes to stderr
  --break WHAT  disable a mechanism in the real configuration: a bound must break, exit code 1

exit code: 0 every bound held, 1 one did not, 2 the machine stalled, 3 the demo could not run";

/// What is asked for
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Args {
    pub(crate) role: Role,
    pub(crate) broken: Option<Mechanism>,
}

/// What this process is
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Demo(Options),
    Server(SocketAddr),
    Client(Who, SocketAddr),
    Help,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Options {
    pub(crate) limit: Option<Duration>,
    pub(crate) json: bool,
}

/// What can be disabled, to see that its bound breaks
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mechanism {
    /// The client's heartbeat
    Heartbeat,
    /// The client's backoff
    Backoff,
    /// The server's expiry of silent connections
    Expiry,
}

impl Mechanism {
    const ALL: [Self; 3] = [Self::Heartbeat, Self::Backoff, Self::Expiry];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Heartbeat => "heartbeat",
            Self::Backoff => "backoff",
            Self::Expiry => "expiry",
        }
    }

    fn parse(name: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|mechanism| mechanism.name() == name);
        found.ok_or_else(|| format!("--break takes heartbeat, backoff or expiry, not `{name}`"))
    }
}

/// Parses the arguments behind the program's name
pub(crate) fn parse(args: impl IntoIterator<Item = String>) -> Result<Args, String> {
    let mut args = args.into_iter();
    let mut options = Options::default();
    let (mut role, mut broken) = (None, None);
    while let Some(arg) = args.next() {
        let mut value = || args.next().ok_or_else(|| format!("`{arg}` needs a value"));
        match arg.as_str() {
            "--seconds" => options.limit = Some(seconds(&value()?)?),
            "--json" => options.json = true,
            "--break" => broken = Some(Mechanism::parse(&value()?)?),
            "--help" | "-h" => role = Some(Role::Help),
            "server" => role = Some(Role::Server(address(&value()?)?)),
            "client" => role = Some(Role::Client(Who::Client, address(&value()?)?)),
            "witness" => role = Some(Role::Client(Who::Witness, address(&value()?)?)),
            _ => return Err(format!("`{arg}` is not an option")),
        }
    }
    Ok(Args { role: role.unwrap_or(Role::Demo(options)), broken })
}

fn seconds(value: &str) -> Result<Duration, String> {
    match value.parse() {
        Ok(seconds @ 10..=86_400) => Ok(Duration::from_secs(seconds)),
        _ => Err(format!("--seconds takes a number from 10 to 86400, not `{value}`")),
    }
}

fn address(value: &str) -> Result<SocketAddr, String> {
    value.parse().map_err(|error| format!("`{value}` is not an address: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse_line(line: &str) -> Result<Args, String> {
        parse(line.split_whitespace().map(String::from))
    }

    #[test]
    fn options_and_roles_are_understood() {
        let options = Options { limit: Some(Duration::from_secs(30)), json: true };
        let broken = Some(Mechanism::Expiry);
        let role = Role::Demo(options);
        assert_eq!(parse_line("--json --seconds 30 --break expiry"), Ok(Args { role, broken }));
        let role = Role::Client(Who::Witness, ([127, 0, 0, 1], 80).into());
        assert_eq!(parse_line("witness 127.0.0.1:80"), Ok(Args { role, broken: None }));
    }

    #[test]
    fn what_cannot_be_is_named() {
        for (line, named) in [
            ("--fast", "--fast"),
            ("--seconds", "--seconds"),
            ("--seconds 3", "10 to 86400"),
            ("--break everything", "everything"),
            ("server here", "here"),
        ] {
            let problem = parse_line(line).unwrap_err();
            assert!(problem.contains(named), "{problem}");
        }
    }
}
