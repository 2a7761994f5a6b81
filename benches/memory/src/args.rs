//! The command line.

use std::time::Duration;

use everbeat_support::{Runtime, number, options};

pub(crate) const USAGE: &str = "\
usage: everbeat-memory server|client|wss [--runtime tokio|async-std|smol] [--connections N]
                       [--burst SECONDS [--bytes N]] [--stacks NAME]";

/// Beside a power of two: what doubles as it grows has just done so at 2,048 (a hash table at 1,792),
/// and holds 1.8 places an entry. Just below one, a table would look as cheap as it ever is.
const CONNECTIONS: usize = 2_250;

/// Of a burst's message, where nobody says otherwise, and at most: what the crowd has room for
const BYTES: usize = 64 << 10;

/// Whose heap it is
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// A server of plain connections
    Server,
    /// Reconnecting clients
    Client,
    /// A server of connections over TLS
    Wss,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Args {
    pub(crate) side: Side,
    pub(crate) runtime: Runtime,
    pub(crate) connections: usize,
    /// A message each way, and so long a silence before what is left is counted
    pub(crate) burst: Option<Duration>,
    /// How large that message is; 64 KiB without a word
    pub(crate) bytes: usize,
    /// Shows the call stacks of this part
    pub(crate) stacks: Option<String>,
}

pub(crate) fn parse(words: impl IntoIterator<Item = String>) -> Result<Args, String> {
    let mut words = words.into_iter();
    let side = match words.next().as_deref() {
        Some("server") => Side::Server,
        Some("client") => Side::Client,
        Some("wss") if cfg!(feature = "tls") => Side::Wss,
        Some("wss") => return Err("`wss` wants a build with the feature `tls`".into()),
        other => return Err(format!("`{}` is no side", other.unwrap_or_default())),
    };
    let runtime = Runtime::Tokio;
    let (connections, bytes) = (CONNECTIONS, BYTES);
    let mut args = Args { side, runtime, connections, burst: None, bytes, stacks: None };
    options(words, |word, value| {
        match word {
            "--runtime" => args.runtime = Runtime::parse(value)?,
            // Both ends' sockets are in this process, which may have 20,000 here.
            "--connections" => args.connections = number(word, value, 1..=9_900)?,
            "--burst" if side != Side::Client => {
                args.burst = Some(Duration::from_secs(number(word, value, 1..=600)?));
            }
            "--bytes" => args.bytes = number(word, value, 1..=BYTES as u64)? as usize,
            "--stacks" => args.stacks = Some(value.into()),
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
    fn a_line_says_whose_heap_it_is() {
        let args = parse_line("server --runtime smol --connections 7 --burst 60").unwrap();
        assert_eq!(args.bytes, 64 << 10);
        assert_eq!(parse_line("server --burst 60 --bytes 64").unwrap().bytes, 64);
        assert_eq!((args.side, args.runtime, args.connections), (Side::Server, Runtime::Smol, 7));
        assert_eq!(args.burst, Some(Duration::from_secs(60)));
        assert_eq!(parse_line("client").unwrap().side, Side::Client);
    }

    #[test]
    fn the_number_of_connections_flatters_no_table() {
        let places = CONNECTIONS.next_power_of_two();
        assert!(places * 10 >= CONNECTIONS * 18, "{places} places");
    }

    #[test]
    fn what_cannot_be_is_named() {
        for (line, named) in [
            ("", "side"),
            ("server --connections", "--connections"),
            ("server --connections 0", "--connections"),
            ("client --burst 1", "--burst"),
            ("server --burst 1 --bytes 65537", "--bytes"),
            ("server --loud yes", "--loud"),
        ] {
            let problem = parse_line(line).unwrap_err();
            assert!(problem.contains(named), "{problem}");
        }
        assert_eq!(parse_line("wss").is_ok(), cfg!(feature = "tls"));
    }
}
