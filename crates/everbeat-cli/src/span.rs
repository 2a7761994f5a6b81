//! Durations as people write and read them: `250ms`, `5s`, `2m`, `1h`; a bare number is seconds.

use std::fmt;
use std::time::Duration;

/// The longest that can be asked for, as everbeat's own durations
pub(crate) const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// A duration of a command line
pub(crate) fn parse(text: &str) -> Result<Duration, String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = match &text[digits.len()..] {
        "ms" => 0.001,
        "" | "s" => 1.0,
        "m" | "min" => 60.0,
        "h" => 3_600.0,
        other => return Err(format!("`{other}` is no unit: write ms, s, m or h")),
    };
    let number: f64 = digits.parse().map_err(|_| format!("`{digits}` is no number"))?;
    match Duration::try_from_secs_f64(number * unit) {
        Ok(duration) if !duration.is_zero() && duration <= LONGEST => Ok(duration),
        _ => Err("must be more than nothing, and 24 hours at most".into()),
    }
}

/// A round trip, as `ping` says it: milliseconds with three decimals
#[derive(Clone, Copy, Debug)]
pub(crate) struct Millis(pub(crate) Duration);

impl Millis {
    pub(crate) fn number(self) -> f64 {
        // To the microsecond: what is finer is our own clock reading
        (self.0.as_nanos() as f64 / 1_000.0).round() / 1_000.0
    }
}

impl fmt::Display for Millis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = f.precision().unwrap_or(3);
        write!(f, "{:.digits$}", self.number())
    }
}

/// A longer time: `340 ms`, `2.3 s`, `25 s`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span(pub(crate) Duration);

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = self.0.as_millis();
        match millis {
            0..=999 => write!(f, "{millis} ms"),
            _ if millis % 1_000 < 50 || millis >= 100_000 => write!(f, "{} s", millis / 1_000),
            _ => write!(f, "{}.{} s", millis / 1_000, millis % 1_000 / 100),
        }
    }
}

/// Seconds for a machine, to the millisecond
pub(crate) fn seconds(duration: Duration) -> f64 {
    duration.as_millis() as f64 / 1_000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_unit_is_read_and_a_bare_number_is_seconds() {
        let cases = [
            ("250ms", 250),
            ("5s", 5_000),
            ("0.2", 200),
            ("1.5m", 90_000),
            ("2min", 120_000),
            ("24h", 86_400_000),
        ];
        for (text, millis) in cases {
            assert_eq!(parse(text), Ok(Duration::from_millis(millis)), "{text}");
        }
    }

    #[test]
    fn what_cannot_be_is_refused_with_its_reason() {
        let cases = [
            ("5d", "no unit"),
            ("x", "no unit"),
            ("-1", "more than"),
            ("0", "more"),
            ("", "number"),
        ];
        for (text, reason) in cases {
            let error = parse(text).unwrap_err();
            assert!(error.contains(reason), "{text}: {error}");
        }
        for text in ["25h", "inf", "nan", "1e300", "ms"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn is_said_as_short_as_it_can_be() {
        let said = |millis| Span(Duration::from_millis(millis)).to_string();
        assert_eq!(
            [said(40), said(2_340), said(25_000), said(59_960)],
            ["40 ms", "2.3 s", "25 s", "59.9 s"]
        );
        assert_eq!(Millis(Duration::from_nanos(142_499)).to_string(), "0.142");
        assert_eq!(format!("{:.1}", Millis(Duration::from_micros(12_340))), "12.3");
    }
}
