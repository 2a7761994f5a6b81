//! A number on a command line.

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;

/// A number that may follow `option`
///
/// # Errors
///
/// It is none, or out of range; the words name the option, the range, and what was given.
pub fn number<N>(option: &str, value: &str, range: RangeInclusive<N>) -> Result<N, String>
where
    N: FromStr + PartialOrd + Display,
{
    value.parse().ok().filter(|number| range.contains(number)).ok_or_else(|| {
        let (first, last) = range.into_inner();
        format!("{option} takes a number from {first} to {last}, not `{value}`")
    })
}
