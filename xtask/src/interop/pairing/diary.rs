//! What became of each pair, for people and for programs, and what went over its wire.

use std::fmt::Write as _;
use std::time::Duration;

use anyhow::Result;
use serde_json::{Value, json};

use super::super::peer::Role;
use super::super::wire::{CLOSE, Frame, PING, PONG, Seen, Wire};
use super::{CLIENT, How, Pair};
use crate::document;
use crate::shell::{GREEN, RED, Shell, YELLOW, paint};

const DOCUMENT: &str = "docs/peers.md";
const MARKS: [&str; 2] = [
    "<!-- written by `cargo xtask interop --pairing --keep` -->",
    "<!-- end of what is written -->",
];

#[derive(Debug)]
pub(super) struct Entry {
    pair: Pair,
    verdict: &'static str,
    detail: String,
    frames: Vec<Wire>,
    stalled: bool,
}

impl Entry {
    /// What was seen, or what was wrong
    pub(super) fn new(
        pair: Pair,
        outcome: Result<String>,
        frames: Vec<Wire>,
        stalled: bool,
    ) -> Self {
        let (verdict, detail) = match outcome {
            Ok(seen) => ("pass", seen),
            Err(error) => ("fail", format!("{error:#}")),
        };
        Self { pair, verdict, detail, frames, stalled }
    }

    pub(super) fn skipped(pair: Pair, why: String) -> Self {
        Self { pair, verdict: "skipped", detail: why, frames: Vec::new(), stalled: false }
    }

    pub(super) fn met(&self) -> bool {
        self.verdict != "fail"
    }

    pub(super) fn says_something(&self) -> bool {
        !self.stalled && self.verdict != "skipped"
    }

    const fn scenario(&self) -> &'static str {
        match self.pair.how {
            How::Answers => "pairing",
            How::BothPing => "pairing-both-ping",
            How::NoPong => "pairing-no-pong",
        }
    }

    pub(super) fn object(&self) -> Value {
        json!({
            "peer": CLIENT, "role": Role::Client.name(), "runtime": self.pair.server, "tls": false,
            "scenario": self.scenario(), "verdict": self.verdict, "detail": self.detail,
            "valid": !self.stalled,
        })
    }

    pub(super) fn line(&self) -> String {
        let (colour, verdict) = match (self.stalled, self.verdict) {
            (true, _) => (YELLOW, "stalled"),
            (false, "pass") => (GREEN, "pass"),
            (false, "fail") => (RED, "FAIL"),
            (false, other) => (YELLOW, other),
        };
        let verdict = paint(colour, &format!("{verdict:<8}"));
        let (server, scenario) = (self.pair.server, self.scenario());
        format!("{verdict} {CLIENT} with {server:<9} {scenario:<17} {}", self.detail)
    }
}

/// Writes what went over the wire of each
pub(super) fn keep(shell: &Shell, entries: &[Entry]) -> Result<()> {
    document::put(shell, DOCUMENT, MARKS, &page(entries))
}

fn page(entries: &[Entry]) -> String {
    let mut page = String::new();
    for entry in entries {
        let (server, scenario, detail) = (entry.pair.server, entry.scenario(), &entry.detail);
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
