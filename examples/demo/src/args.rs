//! The command line: the demo's options, and the roles in which the demo starts itself again.

use std::net::SocketAddr;
use std::time::Duration;

use crate::certificates::Certificates;
use crate::child::{Child, Orders};
use crate::note::Who;
use crate::runtimes::Runtime;

pub(crate) const USAGE: &str = "\
usage: everbeat-demo [--runtime tokio | async-std | smol] [--tls] [--netns] [--seconds N] [--json]
                     [--break heartbeat | backoff | expiry | jitter | queue]

  --runtime R   server and client on this runtime
                (without it, a client on each, and the server on tokio)
  --tls         wss instead of ws, by certificates made for the run
  --netns       on hosts of this machine's kernel instead of its loopback, so that the verdicts are
                by the kernel's evidence; wants Linux and root
  --seconds N   run for at most N seconds; the faults are repeated while there is time
                (without it, each fault once, in under a minute)
  --json        one object as the last line of stdout; the timeline goes to stderr
  --break WHAT  disable a mechanism in the real configuration: a bound must break, exit code 1

exit code: 0 every bound held, 1 one did not, 2 the machine stalled, 3 the demo could not run";

/// What this process is
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Demo(Options),
    Child(Child),
    Help,
}

/// What is asked of the demo
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Options {
    /// `None` is a client on each runtime
    pub(crate) runtime: Option<Runtime>,
    pub(crate) broken: Option<Mechanism>,
    pub(crate) tls: bool,
    /// On hosts of this machine's kernel
    pub(crate) netns: bool,
    /// What a child is told to use; the demo makes its own
    certificates: Option<Certificates>,
    pub(crate) limit: Option<Duration>,
    pub(crate) json: bool,
}

impl Options {
    /// The runtimes of the clients to whom the faults happen
    pub(crate) fn runtimes(&self) -> Vec<Runtime> {
        self.runtime.map_or_else(|| Runtime::ALL.to_vec(), |runtime| vec![runtime])
    }

    /// What server and witness, who stand beside the faults, are told
    pub(crate) fn orders(&self) -> Orders {
        Orders {
            runtime: self.runtime.unwrap_or(Runtime::Tokio),
            broken: self.broken,
            tls: self.certificates.clone(),
        }
    }

    /// With the certificates of this run
    pub(crate) fn with_certificates(mut self, made: Option<&Certificates>) -> Self {
        self.certificates = made.cloned();
        self
    }
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
    /// What spreads the attempts of many clients: a seed of its own for each
    Jitter,
    /// The client's queue
    Queue,
}

impl Mechanism {
    const ALL: [Self; 5] =
        [Self::Heartbeat, Self::Backoff, Self::Expiry, Self::Jitter, Self::Queue];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Heartbeat => "heartbeat",
            Self::Backoff => "backoff",
            Self::Expiry => "expiry",
            Self::Jitter => "jitter",
            Self::Queue => "queue",
        }
    }

    fn parse(name: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|mechanism| mechanism.name() == name);
        found.ok_or_else(|| {
            let names = Self::ALL.map(Self::name).join(", ");
            format!("--break takes one of {names}, not `{name}`")
        })
    }
}

/// Parses the arguments behind the program's name
pub(crate) fn parse(args: impl IntoIterator<Item = String>) -> Result<Role, String> {
    let mut args = args.into_iter();
    let mut options = Options::default();
    let mut child = None;
    while let Some(arg) = args.next() {
        let mut value = || args.next().ok_or_else(|| format!("`{arg}` needs a value"));
        match arg.as_str() {
            "--seconds" => options.limit = Some(seconds(&value()?)?),
            "--json" => options.json = true,
            "--tls" => options.tls = true,
            "--netns" => options.netns = true,
            "--certificates" => options.certificates = Some(Certificates::at(value()?)),
            "--break" => options.broken = Some(Mechanism::parse(&value()?)?),
            "--runtime" => options.runtime = Some(Runtime::parse(&value()?)?),
            "--help" | "-h" => return Ok(Role::Help),
            word => match Who::from_name(word).filter(|who| who.is_child()) {
                Some(who) => child = Some((who, address(&value()?)?)),
                None => return Err(format!("`{arg}` is not an option")),
            },
        }
    }
    let crowds = [Mechanism::Backoff, Mechanism::Jitter];
    if let Some(broken) = options.broken.filter(|it| options.netns && crowds.contains(it)) {
        let name = broken.name();
        return Err(format!("no fault on hosts shows a missing {name}: leave out --netns"));
    }
    let orders = options.orders();
    Ok(match child {
        Some((who, address)) => Role::Child(Child { who, address, orders }),
        None => Role::Demo(options),
    })
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

    fn parse_line(line: &str) -> Result<Role, String> {
        parse(line.split_whitespace().map(String::from))
    }

    #[test]
    fn options_and_roles_are_understood() {
        let broken = Some(Mechanism::Expiry);
        let limit = Some(Duration::from_secs(30));
        let (tls, netns) = (true, true);
        let options = Options { limit, json: true, broken, tls, netns, ..Options::default() };
        let line = "--json --seconds 30 --tls --netns --break expiry";
        assert_eq!(parse_line(line), Ok(Role::Demo(options)));
        for runtime in Runtime::ALL {
            for who in [Who::Witness, Who::Client(runtime), Who::Server, Who::Crowd] {
                let line = format!(
                    "{who} 127.0.0.1:80 --runtime {runtime} --break jitter --certificates a"
                );
                let tls = Some(Certificates::at("a"));
                let orders = Orders { runtime, broken: Some(Mechanism::Jitter), tls };
                let child = Child { who, address: ([127, 0, 0, 1], 80).into(), orders };
                assert_eq!(parse_line(&line), Ok(Role::Child(child)));
            }
        }
    }

    #[test]
    fn what_cannot_be_is_named() {
        for (line, named) in [
            ("--fast", "--fast"),
            ("--seconds", "--seconds"),
            ("--seconds 3", "10 to 86400"),
            ("--break everything", "everything"),
            ("--netns --break jitter", "--netns"),
            ("server here", "here"),
            ("sloth 127.0.0.1:80", "sloth"),
            ("--runtime glommio", "glommio"),
        ] {
            let problem = parse_line(line).unwrap_err();
            assert!(problem.contains(named), "{problem}");
        }
    }
}
