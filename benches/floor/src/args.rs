//! The command line.

use std::time::Duration;

use everbeat_support::{milliseconds, number, options};

pub(crate) const USAGE: &str = "\
usage: everbeat-floor tcp|web [--beat MS] [--connections N]
and on its stdin, a line each: broadcast BYTES";

/// What is spoken
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Speech {
    /// Bytes, which are said back
    Tcp,
    /// Messages, which are said back, and Pings
    Web,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Args {
    pub(crate) speech: Speech,
    pub(crate) beat: Option<Duration>,
    pub(crate) connections: usize,
}

pub(crate) fn parse(words: impl IntoIterator<Item = String>) -> Result<Args, String> {
    let mut words = words.into_iter();
    let speech = match words.next().as_deref() {
        Some("tcp") => Speech::Tcp,
        Some("web") => Speech::Web,
        other => return Err(format!("`{}` is spoken by nobody", other.unwrap_or_default())),
    };
    let mut args = Args { speech, beat: None, connections: 20_000 };
    options(words, |word, value| {
        match word {
            "--beat" => args.beat = Some(milliseconds(word, value)?),
            "--connections" => args.connections = number(word, value, 1..=1_000_000)?,
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
    fn lines_are_read_and_what_cannot_be_is_named() {
        let args = parse_line("web --beat 1000 --connections 7").unwrap();
        assert_eq!((args.speech, args.connections), (Speech::Web, 7));
        assert_eq!(args.beat, Some(Duration::from_secs(1)));
        for (line, named) in [("", "nobody"), ("tcp --beat", "--beat"), ("tcp --x 1", "--x")] {
            assert!(parse_line(line).unwrap_err().contains(named), "{line}");
        }
    }
}
