//! The command line.

use std::net::SocketAddr;

use everbeat_load::crowd::Words;
use everbeat_support::number;

pub(crate) const USAGE: &str = "\
usage: everbeat-load ADDRESS [--connections N] [--echo BYTES] [--times N]";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Args {
    pub(crate) address: SocketAddr,
    pub(crate) connections: usize,
    pub(crate) words: Words,
}

pub(crate) fn parse(words: impl IntoIterator<Item = String>) -> Result<Args, String> {
    let mut words = words.into_iter();
    let address = words.next().unwrap_or_default();
    let address = address.parse().map_err(|_| format!("`{address}` is no address"))?;
    let (mut connections, mut echo, mut times) = (1_000, None, 1);
    while let Some(word) = words.next() {
        let value = words.next().ok_or_else(|| format!("`{word}` is followed by nothing"))?;
        match word.as_str() {
            "--connections" => connections = number(&word, &value, 1..=1_000_000)?,
            "--echo" => echo = Some(number(&word, &value, 1..=16 << 20)?),
            "--times" => times = number(&word, &value, 1..=u64::MAX)?,
            _ => return Err(format!("`{word}` is not an option")),
        }
    }
    let words = echo.map_or(Words::None, |bytes| Words::Echo { bytes, times });
    Ok(Args { address, connections, words })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse_line(line: &str) -> Result<Args, String> {
        parse(line.split_whitespace().map(String::from))
    }

    #[test]
    fn a_line_says_how_many_and_what_they_say() {
        let args = parse_line("127.0.0.1:9 --connections 7").unwrap();
        assert_eq!((args.connections, args.words), (7, Words::None));
        let args = parse_line("127.0.0.1:9 --echo 64 --times 3").unwrap();
        assert_eq!(args.words, Words::Echo { bytes: 64, times: 3 });
    }

    #[test]
    fn what_cannot_be_is_named() {
        for (line, named) in [
            ("", "address"),
            ("nowhere", "nowhere"),
            ("127.0.0.1:9 --connections", "--connections"),
            ("127.0.0.1:9 --connections 0", "--connections"),
            ("127.0.0.1:9 --loud yes", "--loud"),
        ] {
            let problem = parse_line(line).unwrap_err();
            assert!(problem.contains(named), "{problem}");
        }
    }
}
