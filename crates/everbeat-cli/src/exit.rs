//! What the command ends with: six exit codes, and the failures that are none of a subcommand's
//! findings.

use std::error::Error;
use std::fmt;
use std::io;
use std::process::ExitCode;

/// An exit code; scripts rest on the numbers
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Exit {
    /// Done, and nothing is wrong
    Fine = 0,
    /// Done, and something is wrong or lost: a beat, a message, a connection that died
    Lost = 1,
    /// The command line, or a file that it names, cannot be; clap's own number
    Usage = 2,
    /// No connection was made
    NoConnection = 3,
    /// The time was not enough to tell, or a question could not be asked
    Undecided = 4,
    /// Our own input or output failed, or an address could not be listened at
    Io = 5,
}

/// The same, for `everbeat help`
pub(crate) const TABLE: &str = "\
Exit codes:
  0  done, and nothing is wrong
  1  done, and something is wrong or lost: a beat, a message, a connection that died
  2  the command line, or a file that it names, cannot be
  3  no connection was made: no address, refused, no TLS, no upgrade
  4  the time was not enough to tell, or a question could not be asked
  5  our own input or output failed, or an address could not be listened at";

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Why a subcommand could not do what it is for
#[derive(Debug)]
pub(crate) enum Failure {
    Usage(String),
    NoConnection(String),
    /// An address that the machine does not give: it is in use, for one
    Listen(String),
    Io(io::Error),
}

impl Failure {
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::Usage(_) => Exit::Usage,
            Self::NoConnection(_) => Exit::NoConnection,
            Self::Listen(_) | Self::Io(_) => Exit::Io,
        }
    }

    pub(crate) fn is_broken_pipe(&self) -> bool {
        matches!(self, Self::Io(error) if error.kind() == io::ErrorKind::BrokenPipe)
    }

    /// A setting or a file that cannot be
    pub(crate) fn usage(error: &dyn Error) -> Self {
        Self::Usage(chain(error))
    }

    /// An attempt that failed
    pub(crate) fn no_connection(error: &dyn Error) -> Self {
        Self::NoConnection(chain(error))
    }
}

/// An error and what it comes from, in one line
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut words = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        words.push_str(": ");
        words.push_str(&error.to_string());
        source = error.source();
    }
    words
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(why) => f.write_str(why),
            Self::NoConnection(why) => write!(f, "no connection: {why}"),
            Self::Listen(why) => write!(f, "cannot listen: {why}"),
            Self::Io(error) => write!(f, "input or output failed: {error}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_tells_every_code() {
        let all =
            [Exit::Fine, Exit::Lost, Exit::Usage, Exit::NoConnection, Exit::Undecided, Exit::Io];
        let told: Vec<u8> = TABLE
            .lines()
            .skip(1)
            .filter_map(|line| line.trim().split(' ').next()?.parse().ok())
            .collect();
        assert_eq!(told, all.map(|exit| exit as u8));
    }
}
