//! The command line.

use everbeat_load::crowd::Settings;
use everbeat_load::order::{self, Order, Until};
use everbeat_support::{milliseconds, number, options};

pub(crate) const USAGE: &str = "\
usage: everbeat-load ADDRESS [--connections N] [--echo BYTES [--times N]] [--within MS] [--back MS]
                     [--first N] [--together N] [--seed N] [--raw yes]
and on its stdin, a line each: echo BYTES times N | echo BYTES for MS | hear BYTES times N | forget";

/// How many connect at a time by default
const TOGETHER: usize = 64;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Args {
    pub(crate) settings: Settings,
    /// What is done before anything else
    pub(crate) first: Option<Order>,
}

pub(crate) fn parse(words: impl IntoIterator<Item = String>, seed: u64) -> Result<Args, String> {
    let mut words = words.into_iter();
    let address = words.next().unwrap_or_default();
    let address = address.parse().map_err(|_| format!("`{address}` is no address"))?;
    let mut settings = Settings {
        address,
        connections: 1_000,
        first: 0,
        together: TOGETHER,
        back: None,
        within: None,
        seed,
        raw: false,
    };
    let (mut echo, mut times) = (None, 1);
    options(words, |word, value| {
        match word {
            "--connections" => settings.connections = number(word, value, 1..=1_000_000)?,
            "--first" => settings.first = number(word, value, 0..=10_000_000)?,
            "--together" => settings.together = number(word, value, 1..=1_000_000)?,
            "--seed" => settings.seed = number(word, value, 0..=u64::MAX)?,
            "--within" => settings.within = Some(milliseconds(word, value)?),
            "--back" => settings.back = Some(milliseconds(word, value)?),
            "--raw" if value == "yes" => settings.raw = true,
            "--echo" => echo = Some(number(word, value, 1..=order::MOST)?),
            "--times" => times = number(word, value, 1..=u64::MAX)?,
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    let first = echo.map(|bytes| Order::Echo { bytes, until: Until::Times(times) });
    Ok(Args { settings, first })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn parse_line(line: &str) -> Result<Args, String> {
        parse(line.split_whitespace().map(String::from), 7)
    }

    #[test]
    fn a_line_says_how_many_and_what_they_say() {
        let args = parse_line("127.0.0.1:9 --connections 7").unwrap();
        assert_eq!((args.settings.connections, args.settings.seed, args.first), (7, 7, None));
        let args = parse_line("127.0.0.1:9 --echo 64 --times 3").unwrap();
        assert_eq!(args.first, Some(Order::Echo { bytes: 64, until: Until::Times(3) }));
        let args = parse_line("127.0.0.1:9 --back 1000 --within 1100 --first 9 --raw yes").unwrap();
        let Settings { back, within, first, raw, .. } = args.settings;
        assert_eq!(back, Some(Duration::from_secs(1)));
        assert_eq!((within, first, raw), (Some(Duration::from_millis(1_100)), 9, true));
    }

    #[test]
    fn what_cannot_be_is_named() {
        for (line, named) in [
            ("", "address"),
            ("nowhere", "nowhere"),
            ("127.0.0.1:9 --connections", "--connections"),
            ("127.0.0.1:9 --connections 0", "--connections"),
            ("127.0.0.1:9 --back 0", "--back"),
            ("127.0.0.1:9 --raw no", "--raw no"),
            ("127.0.0.1:9 --loud yes", "--loud"),
        ] {
            let problem = parse_line(line).unwrap_err();
            assert!(problem.contains(named), "{problem}");
        }
    }
}
