//! The command line.

use std::net::SocketAddr;
use std::time::Duration;

use everbeat_support::{Runtime, milliseconds, number, options};

pub(crate) const USAGE: &str = "\
usage: everbeat-idle server [--runtime tokio|async-std|smol] [--connections N] [--beat MS]
                            [--threads N] [--counted yes]
       everbeat-idle bare [--connections N]
       everbeat-idle client ADDRESS [--runtime ..] [--connections N]
and on a server's stdin, a line each: broadcast BYTES";

/// What this process is
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// Beats by default, or so often
    Server(Option<Duration>),
    /// A server of async-tungstenite's alone, on tokio
    Bare,
    /// Of the server at this address
    Client(SocketAddr),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Args {
    pub(crate) role: Role,
    pub(crate) runtime: Runtime,
    pub(crate) connections: usize,
    /// Of tokio's, as many as there are processors if nothing is said
    pub(crate) threads: Option<usize>,
    /// A server counts who has ended, and does not tell of each
    pub(crate) counted: bool,
}

pub(crate) fn parse(words: impl IntoIterator<Item = String>) -> Result<Args, String> {
    let mut words = words.into_iter();
    let role = match words.next().as_deref() {
        Some("server") => Role::Server(None),
        Some("bare") => Role::Bare,
        Some("client") => {
            let address = words.next().unwrap_or_default();
            Role::Client(address.parse().map_err(|_| format!("`{address}` is no address"))?)
        }
        other => return Err(format!("`{}` is no role", other.unwrap_or_default())),
    };
    let mut args =
        Args { role, runtime: Runtime::Tokio, connections: 1_000, threads: None, counted: false };
    options(words, |word, value| {
        match word {
            "--runtime" => args.runtime = Runtime::parse(value)?,
            "--connections" => args.connections = number(word, value, 1..=20_000)?,
            "--threads" => args.threads = Some(number(word, value, 1..=1_024)?),
            "--counted" if matches!(role, Role::Server(_)) && value == "yes" => args.counted = true,
            "--beat" if matches!(role, Role::Server(_)) => {
                args.role = Role::Server(Some(milliseconds(word, value)?));
            }
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    Ok(args)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse_line(line: &str) -> Result<Args, String> {
        parse(line.split_whitespace().map(String::from))
    }

    #[test]
    fn each_role_is_described_in_a_line() {
        let role = Role::Server(None);
        let (runtime, connections) = (Runtime::Tokio, 1_000);
        let server = Args { role, runtime, connections, threads: None, counted: false };
        assert_eq!(parse_line("server"), Ok(server));
        let counted = Args { counted: true, ..server };
        assert_eq!(parse_line("server --counted yes"), Ok(counted));
        let role = Role::Server(Some(Duration::from_secs(1)));
        let often = Args { role, threads: Some(1), ..server };
        assert_eq!(parse_line("server --beat 1000 --threads 1"), Ok(often));
        assert_eq!(parse_line("bare"), Ok(Args { role: Role::Bare, ..server }));
        let role = Role::Client("127.0.0.1:9001".parse().unwrap());
        let client = Args { role, runtime: Runtime::Smol, connections: 7, ..server };
        let line = "client 127.0.0.1:9001 --runtime smol --connections 7";
        assert_eq!(parse_line(line), Ok(client));
    }

    #[test]
    fn what_cannot_be_is_named() {
        for (line, named) in [
            ("", "role"),
            ("client nowhere", "nowhere"),
            ("server --connections", "--connections"),
            ("server --connections 0", "--connections"),
            ("bare --beat 7", "--beat"),
            ("server --counted no", "--counted"),
            ("server --loud yes", "--loud"),
            ("server --runtime none", "none"),
        ] {
            let problem = parse_line(line).unwrap_err();
            assert!(problem.contains(named), "{problem}");
        }
    }
}
