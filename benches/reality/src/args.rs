//! The command line.

use anyhow::{Context, Result};
use serde_json::Value;

pub(crate) const USAGE: &str = "\
Holds the simulator against reality, row by row.

    everbeat-reality [tcp|rules] [--peer JSON].. [--verbose] [--json]

    tcp            its TCP against this machine's kernel; wants Linux, root and `ss`
    rules          its rules against the programs that have them
    --peer JSON    such a program: {\"name\": .., \"start\": [..]}, or {\"name\": .., \"missing\": why}
    --verbose      when the kernel sent what again
    --json         one object as the last line of stdout";

/// What a command line asks for
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    Check(Options),
    Help,
}

/// How a check is run
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Options {
    /// Those that are wanted; all, if none is named
    parts: Vec<String>,
    pub(crate) peers: Vec<Peer>,
    pub(crate) verbose: bool,
    pub(crate) json: bool,
}

/// A real program, as interop/README.md has it
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Peer {
    pub(crate) name: String,
    /// The command line to which role and options are added, or why there is none
    pub(crate) start: Result<Vec<String>, String>,
}

impl Options {
    pub(crate) fn wants(&self, part: &str) -> bool {
        self.parts.is_empty() || self.parts.iter().any(|wanted| wanted == part)
    }
}

pub(crate) fn parse(words: impl IntoIterator<Item = String>) -> Result<Wanted, String> {
    let mut options = Options::default();
    let mut words = words.into_iter();
    while let Some(word) = words.next() {
        match &*word {
            "tcp" | "rules" => options.parts.push(word),
            "--peer" => {
                let text = words.next().ok_or("--peer wants an object")?;
                let peer = peer(&text).map_err(|error| format!("--peer {text}: {error:#}"))?;
                options.peers.push(peer);
            }
            "--verbose" => options.verbose = true,
            "--json" => options.json = true,
            "--help" | "-h" => return Ok(Wanted::Help),
            other => return Err(format!("`{other}` is nothing that can be asked for")),
        }
    }
    Ok(Wanted::Check(options))
}

fn peer(text: &str) -> Result<Peer> {
    let object: Value = serde_json::from_str(text)?;
    let word = |value: &Value| value.as_str().map(String::from);
    let name = word(&object["name"]).context("a peer has a name")?;
    let start = match word(&object["missing"]) {
        Some(why) => Err(why),
        None => {
            let words = object["start"].as_array().context("a peer has a command line")?;
            let words = words.iter().map(word).collect::<Option<Vec<_>>>();
            Ok(words.filter(|words| !words.is_empty()).context("a command line has words")?)
        }
    };
    Ok(Peer { name, start })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(line: &[&str]) -> Result<Wanted, String> {
        parse(line.iter().map(ToString::to_string))
    }

    #[test]
    fn parts_and_peers_are_named() {
        let peer = r#"{"name":"ws","start":["node","peer.js"]}"#;
        let gone = r#"{"name":"websockets","missing":"no python"}"#;
        let Ok(Wanted::Check(options)) = of(&["rules", "--peer", peer, "--peer", gone]) else {
            panic!("not understood");
        };
        assert!(options.wants("rules") && !options.wants("tcp"));
        let starts = options.peers.into_iter().map(|peer| peer.start).collect::<Vec<_>>();
        assert_eq!(starts, [Ok(vec!["node".into(), "peer.js".into()]), Err("no python".into())]);
    }

    #[test]
    fn without_a_part_all_are_wanted() {
        let Ok(Wanted::Check(options)) = of(&["--json"]) else { panic!("not understood") };
        assert!(options.wants("rules") && options.wants("tcp") && options.json);
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for line in [
            &["udp"][..],
            &["--peer"],
            &["--peer", "{"],
            &["--peer", "{}"],
            &["--peer", r#"{"name":"ws"}"#],
            &["--peer", r#"{"name":"ws","start":[]}"#],
            &["--peer", r#"{"name":"ws","start":[1]}"#],
        ] {
            assert!(of(line).is_err(), "{line:?}");
        }
    }
}
