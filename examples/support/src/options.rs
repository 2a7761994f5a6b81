//! A program's options: each a word and its value.

use std::time::Duration;

use crate::number;

/// Reads words two by two; `take` says whether it knows the option that it is given with its value
///
/// # Errors
///
/// An option has no value, is not known, or its value is not one; the words say which.
pub fn options(
    words: impl IntoIterator<Item = String>,
    mut take: impl FnMut(&str, &str) -> Result<bool, String>,
) -> Result<(), String> {
    let mut words = words.into_iter();
    while let Some(word) = words.next() {
        let value = words.next().ok_or_else(|| format!("`{word}` is followed by nothing"))?;
        if !take(&word, &value)? {
            return Err(format!("`{word} {value}` is not an option here"));
        }
    }
    Ok(())
}

/// A duration in milliseconds, of at most ten minutes
///
/// # Errors
///
/// It is none; the words say which option it was.
pub fn milliseconds(option: &str, value: &str) -> Result<Duration, String> {
    number(option, value, 1..=600_000).map(Duration::from_millis)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Vec<Duration>, String> {
        let mut found = Vec::new();
        options(line.split_whitespace().map(String::from), |word, value| {
            found.push(milliseconds(word, value)?);
            Ok(word == "--beat")
        })?;
        Ok(found)
    }

    #[test]
    fn options_come_with_values_and_what_is_none_is_named() {
        let times = [7, 600_000].map(Duration::from_millis);
        assert_eq!(read("--beat 7 --beat 600000").unwrap(), times);
        for (line, named) in [
            ("--beat", "`--beat` is followed"),
            ("--beat 0", "--beat takes"),
            ("--beat 600001", "--beat takes"),
            ("--loud 1", "`--loud 1`"),
        ] {
            assert!(read(line).unwrap_err().contains(named), "{line}");
        }
    }
}
