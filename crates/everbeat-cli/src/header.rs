//! Headers of the request: from the command line, where everybody on the machine can read them while we
//! run, or from a file or stdin, where nobody can.

use std::fs::File;
use std::io::{self, Read};
use std::path::PathBuf;

use crate::exit::Failure;

/// The most that is read of a file of headers, in bytes: no server takes as many
const MOST: usize = 64 << 10;

/// What one `-H` asks for
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    Header(String, String),
    /// All that are in it
    File(PathBuf),
    /// All that are said there
    Stdin,
}

/// What stdin is for in a subcommand
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stdin {
    Unused,
    /// It is what is sent
    Messages,
}

/// `Name: value`, or `@FILE`: no name begins with an `@` (RFC 9110, section 5.6.2)
pub(crate) fn parse(text: &str) -> Result<Asked, String> {
    match text.strip_prefix('@') {
        Some("") => Err("write a file behind the `@`, or `-` for stdin".into()),
        Some("-") => Ok(Asked::Stdin),
        Some(file) => Ok(Asked::File(file.into())),
        None => {
            let (name, value) = header(text).ok_or("write it as `Name: value`, or `@FILE`")?;
            Ok(Asked::Header(name, value))
        }
    }
}

/// All headers that were asked for, in the order that they were
pub(crate) fn read(asked: &[Asked], stdin: Stdin) -> Result<Vec<(String, String)>, Failure> {
    let mut all = Vec::new();
    for asked in asked {
        match asked {
            Asked::Header(name, value) => all.push((name.clone(), value.clone())),
            Asked::File(file) => {
                let from = format!("-H @{}", file.display());
                let opened = File::open(file);
                let opened = opened.map_err(|error| Failure::Usage(format!("{from}: {error}")))?;
                all.extend(lines(&from, opened)?);
            }
            Asked::Stdin if stdin == Stdin::Messages => {
                let why = "-H @-: stdin is what is sent here; put the headers into a file";
                return Err(Failure::Usage(why.into()));
            }
            Asked::Stdin => all.extend(lines("-H @-", io::stdin().lock())?),
        }
    }
    Ok(all)
}

/// A header a line; empty lines are passed over. What is wrong is told without what is written there
fn lines(from: &str, source: impl Read) -> Result<Vec<(String, String)>, Failure> {
    let about = |why: String| Failure::Usage(format!("{from}: {why}"));
    let mut text = String::new();
    let read = source.take(MOST as u64 + 1).read_to_string(&mut text);
    read.map_err(|error| about(error.to_string()))?;
    if text.len() > MOST {
        return Err(about(format!("is longer than {MOST} bytes")));
    }
    let mut all = Vec::new();
    for (index, line) in text.lines().enumerate() {
        if !line.trim().is_empty() {
            let wrong = || about(format!("line {} is no `Name: value`", index + 1));
            all.push(header(line).ok_or_else(wrong)?);
        }
    }
    match all.is_empty() {
        true => Err(about("has no header in it".into())),
        false => Ok(all),
    }
}

fn header(line: &str) -> Option<(String, String)> {
    let (name, value) = line.split_once(':')?;
    Some((name.trim().to_owned(), value.trim().to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(name: &str, value: &str) -> (String, String) {
        (name.to_owned(), value.to_owned())
    }

    #[test]
    fn an_at_is_a_file_and_a_minus_is_stdin() {
        assert_eq!(parse("@/run/secret"), Ok(Asked::File("/run/secret".into())));
        assert_eq!(parse("@-"), Ok(Asked::Stdin));
        assert_eq!(parse("A: @b"), Ok(Asked::Header("A".into(), "@b".into())));
        assert!(parse("@").is_err() && parse("no colon").is_err());
    }

    #[test]
    fn a_header_is_a_line_and_only_its_end_is_left_out() {
        let text = "Authorization: Bearer a:b\r\n\n \nX-Two:  2 \nX-None:";
        let all = [pair("Authorization", "Bearer a:b"), pair("X-Two", "2"), pair("X-None", "")];
        assert_eq!(lines("x", text.as_bytes()).unwrap(), all);
    }

    #[test]
    fn what_is_wrong_is_told_by_its_line_and_never_by_what_is_in_it() {
        let why = |text: &[u8]| lines("-H @f", text).unwrap_err().to_string();
        assert_eq!(why(b"A: 1\n\nBearer s3cret\n"), "-H @f: line 3 is no `Name: value`");
        assert_eq!(why(b"\n"), "-H @f: has no header in it");
        assert!(why(b"A: \xff").contains("UTF-8"));
        let longest = format!("A: {}", "x".repeat(MOST - 3));
        assert_eq!(lines("f", longest.as_bytes()).unwrap().len(), 1);
        assert_eq!(why(format!("{longest}x").as_bytes()), "-H @f: is longer than 65536 bytes");
    }

    #[test]
    fn stdin_is_not_read_where_it_is_what_is_sent() {
        let refused = read(&[Asked::Stdin], Stdin::Messages).unwrap_err();
        assert!(refused.to_string().contains("into a file"), "{refused}");
    }
}
