//! What went over the wire of each pair, as documents have it.

use std::fmt::Write as _;
use std::time::Duration;

use anyhow::{Result, ensure};

use super::super::matrix::{Row, Verdict};
use super::super::wire::{CLOSE, Frame, PING, PONG, Seen, Wire};
use crate::document;
use crate::shell::Shell;

const DOCUMENT: &str = "docs/peers.md";
const MARKS: [&str; 2] = [
    "<!-- written by `cargo xtask interop --pairing --keep` -->",
    "<!-- end of what is written -->",
];

#[derive(Debug)]
pub(super) struct Entry<'a> {
    /// The server's, or its runtime's
    pub(super) name: &'a str,
    pub(super) row: Row,
    pub(super) frames: Vec<Wire>,
}

/// Writes what went over the wire of each
pub(super) fn keep(shell: &Shell, entries: &[Entry<'_>]) -> Result<()> {
    let shown =
        entries.iter().all(|Entry { row, .. }| row.verdict() == Verdict::Pass && row.counts());
    ensure!(shown, "what did not pass, or was not tried, is not kept");
    document::put(shell, DOCUMENT, MARKS, &page(entries))
}

fn page(entries: &[Entry<'_>]) -> String {
    let mut page = String::new();
    for entry in entries {
        let [.., scenario] = entry.row.words();
        let (server, detail) = (entry.name, entry.row.detail());
        _ = writeln!(page, "\n`{scenario}` with {server}: {detail}.\n\n```text");
        let begun = entry.frames.first().map_or(0, |wire| wire.at);
        for wire in &entry.frames {
            let since = Duration::from_micros(wire.at.saturating_sub(begun));
            _ = writeln!(page, "{:>7.3} s  {}", since.as_secs_f64(), told(wire));
        }
        page += "```\n";
    }
    page + "\n"
}

/// One line, as a person would note it
fn told(wire: &Wire) -> String {
    let what = match &wire.seen {
        Seen::Head(line) => line.clone(),
        Seen::End => "nothing more".into(),
        Seen::Frame(Frame { code, payload, bytes, masked, .. }) => {
            let name = match *code {
                0 => "continuation",
                1 => "text",
                2 => "binary",
                CLOSE => "Close",
                PING => "Ping",
                PONG => "Pong",
                _ => "unknown",
            };
            let payload = match (payload.is_empty(), bytes) {
                (false, _) => format!("\"{}\"", payload.escape_ascii()),
                (true, 0) => "empty".into(),
                (true, bytes) => format!("{bytes} bytes"),
            };
            format!("{name}, {payload}{}", if *masked { ", masked" } else { "" })
        }
    };
    format!("{:<6}  {what}", wire.from.name())
}

#[cfg(test)]
mod tests {
    use super::super::super::peer::Role;
    use super::*;

    #[test]
    fn a_frame_is_noted_as_a_person_would() {
        let wire = |from, seen| Wire { at: 7, connection: 1, from, seen };
        let frame = |code, payload: &[u8], masked| {
            let (bytes, payload) = (payload.len() as u64, payload.to_vec());
            Seen::Frame(Frame { code, last: true, masked, bytes, payload })
        };
        assert_eq!(
            told(&wire(Role::Client, frame(PING, b"", true))),
            "client  Ping, empty, masked"
        );
        assert_eq!(told(&wire(Role::Server, frame(PONG, b"1", false))), "server  Pong, \"1\"");
        let head = Seen::Head("GET / HTTP/1.1".into());
        assert_eq!(told(&wire(Role::Client, head)), "client  GET / HTTP/1.1");
    }
}
