//! Lines of stdin, on a thread of their own: a read of a terminal cannot be given up.

use std::io::{self, BufRead, Read};
use std::thread;

use tokio::sync::mpsc;

/// The longest line that is taken, in bytes: as much as the queue behind it holds
const LONGEST: usize = 1 << 20;
/// How many lines are read ahead
const AHEAD: usize = 16;

/// What came of the input next
#[derive(Debug)]
pub(crate) enum Line {
    /// A line without its end
    Text(Vec<u8>),
    /// One over the limit; it was passed over
    TooLong,
    Failed(io::Error),
}

/// Reads stdin to its end
pub(crate) fn read() -> mpsc::Receiver<Line> {
    let (sender, receiver) = mpsc::channel(AHEAD);
    thread::spawn(move || {
        let mut input = io::stdin().lock();
        while let Some(line) = next(&mut input) {
            let over = matches!(line, Line::Failed(_));
            if sender.blocking_send(line).is_err() || over {
                return;
            }
        }
    });
    receiver
}

/// The lines that were read ahead and nobody has taken; no more are read
pub(crate) fn rest(lines: &mut mpsc::Receiver<Line>) -> Vec<Line> {
    lines.close();
    std::iter::from_fn(|| lines.try_recv().ok()).collect()
}

fn next(input: &mut impl BufRead) -> Option<Line> {
    let mut line = Vec::new();
    match input.by_ref().take(LONGEST as u64 + 1).read_until(b'\n', &mut line) {
        Ok(0) => return None,
        Ok(_) => {}
        Err(error) => return Some(Line::Failed(error)),
    }
    if line.last() == Some(&b'\n') {
        line.pop();
    } else if line.len() > LONGEST {
        return Some(match input.skip_until(b'\n') {
            Ok(_) => Line::TooLong,
            Err(error) => Line::Failed(error),
        });
    }
    Some(Line::Text(line))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(input: &[u8]) -> Vec<String> {
        let mut input = input;
        let lines = std::iter::from_fn(|| next(&mut input));
        lines
            .map(|line| match line {
                Line::Text(text) if text.len() > 9 => format!("{} bytes", text.len()),
                Line::Text(text) => String::from_utf8_lossy(&text).into_owned(),
                other => format!("{other:?}"),
            })
            .collect()
    }

    #[test]
    fn lines_are_taken_apart_and_the_last_needs_no_end() {
        assert_eq!(all(b"a\n\nb\r\nc"), ["a", "", "b\r", "c"]);
        assert_eq!(all(b""), [""; 0]);
    }

    #[test]
    fn the_longest_line_is_taken_and_a_longer_one_passed_over_whole() {
        let longest = vec![b'x'; LONGEST];
        let input = [&longest[..], b"\n", &longest, b"y and more\nz\n"].concat();
        assert_eq!(all(&input), ["1048576 bytes", "TooLong", "z"]);
    }

    #[tokio::test]
    async fn what_was_read_ahead_is_handed_over_and_nothing_comes_behind_it() {
        let (sender, mut lines) = mpsc::channel(AHEAD);
        for line in [Line::Text(b"a".to_vec()), Line::TooLong] {
            sender.send(line).await.unwrap();
        }
        assert!(matches!(&*rest(&mut lines), [Line::Text(_), Line::TooLong]));
        assert!(sender.send(Line::TooLong).await.is_err(), "the reader hears of it");
        assert!(rest(&mut lines).is_empty());
    }
}
