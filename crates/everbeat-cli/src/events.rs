//! The events of `--json`, which scripts rest on as they do on the exit codes: all that is written there
//! goes through [`is_known`] in builds with assertions, so that none comes that the page has not.

use serde_json::Value;

/// A subcommand's event, and every field that it may have beside `event`
type Event = (&'static str, &'static str, &'static [&'static str]);

/// All of them, as docs/command.md has them
const ALL: &[Event] = &[
    ("ping", "open", &["url", "peer", "took_ms", "at_ms"]),
    ("ping", "beat", &["beat", "round_trip_ms", "skipped", "at_ms"]),
    ("ping", "unsolicited", &["at_ms"]),
    ("ping", "pinged", &["at_ms"]),
    ("ping", "message", &["bytes", "at_ms"]),
    ("ping", "suspect", &["silent_ms", "evidence", "at_ms"]),
    ("ping", "alive", &["at_ms"]),
    ("ping", "end", &["cause", "verdict", "at_ms"]),
    ("ping", "summary", SUMMARY),
    ("doctor", "diagnosis", DIAGNOSIS),
    ("connect", "connected", &["attempt", "took_s"]),
    ("connect", "message", &["text", "binary"]),
    ("connect", "suspect", &["silent_s"]),
    ("connect", "alive", &[]),
    ("connect", "stalled", &["stalled_s", "slept_s"]),
    ("connect", "disconnected", LOST),
    ("connect", "refused", &["why"]),
    ("connect", "end", LOST),
    ("serve", "listening", &["url", "metrics"]),
    ("serve", "came", &["id", "peer"]),
    ("serve", "went", &["id", "how"]),
    ("serve", "refused", &["id", "why"]),
    ("serve", "expired", &["id", "rule"]),
    ("serve", "figures", FIGURES),
    ("serve", "served", &["how", "unheard"]),
    ("proxy", "listening", &["address", "seed", "control"]),
    ("proxy", "fault", &["at_s", "fault"]),
    // What its commands are answered with, on stdout and on its control socket
    ("proxy", "done", &["done", "connection"]),
    ("proxy", "accepted", &["accepted", "open"]),
    ("proxy", "help", &["help"]),
    ("proxy", "error", &["error"]),
];

const SUMMARY: &[&str] = &[
    "sent",
    "answered",
    "lost",
    "loss_percent",
    "min_ms",
    "avg_ms",
    "max_ms",
    "stddev_ms",
    "p50_ms",
    "p90_ms",
    "p99_ms",
    "histogram",
    "at_ms",
];

const DIAGNOSIS: &[&str] =
    &["url", "exit", "findings", "limit_s", "client", "server", "advice", "untried", "not_learned"];

const LOST: &[&str] = &["cause", "retry_in_s", "unsent", "unconfirmed", "unconfirmed_count"];

const FIGURES: &[&str] = &[
    "open",
    "served",
    "messages",
    "bytes",
    "left_out",
    "expired",
    "round_trip_p50_ms",
    "round_trip_p99_ms",
    "silent_max_s",
    "age_max_s",
    "queued_max_bytes",
];

/// Whether it is an event of the table, without a field that is not there
pub(crate) fn is_known(event: &Value) -> bool {
    let (Some(name), Some(said)) = (event["event"].as_str(), event.as_object()) else {
        return false;
    };
    let mut named = ALL.iter().filter(|(_, known, _)| *known == name);
    named.any(|(_, _, fields)| {
        said.keys().all(|field| field == "event" || fields.contains(&&**field))
    })
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use serde_json::json;

    use super::*;

    #[test]
    fn every_event_and_field_is_in_the_documentation() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/command.md");
        let page = fs::read_to_string(file).unwrap();
        // Other tables have the words of one row each, too; which row is whose is for readers.
        let rows: Vec<_> = page.lines().filter(|line| line.starts_with('|')).collect();
        for (command, event, fields) in ALL {
            let of = format!("`{event}`");
            let mut own = rows.iter().filter(|row| row.contains(&of) && row.contains(command));
            assert!(own.next().is_some(), "no row of {command} has {of}");
            for field in *fields {
                assert!(page.contains(&format!("`{field}`")), "{command} {event}: {field}");
            }
        }
    }

    /// The sources below a folder, but this file
    fn sources(folder: &Path, all: &mut String) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                sources(&path, all);
            } else if path.file_name().is_some_and(|name| name != "events.rs") {
                all.push_str(&fs::read_to_string(path).unwrap());
            }
        }
    }

    #[test]
    fn no_event_or_field_is_listed_that_nothing_writes() {
        let mut all = String::new();
        sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut all);
        for (_, event, fields) in ALL {
            for word in fields.iter().chain([event]) {
                assert!(all.contains(&format!("\"{word}\"")), "{event}: {word}");
            }
        }
    }

    #[test]
    fn what_has_no_event_or_one_field_more_is_not_known() {
        assert!(is_known(&json!({ "event": "beat", "beat": 1 })));
        assert!(is_known(&json!({ "event": "suspect", "silent_s": 1.0 })), "of either subcommand");
        for unknown in [
            json!({ "done": "reset" }),
            json!({ "event": "explosion" }),
            json!({ "event": "beat", "colour": "red" }),
            json!({ "event": "suspect", "silent_s": 1.0, "evidence": "of both" }),
            json!(["event"]),
        ] {
            assert!(!is_known(&unknown), "{unknown}");
        }
    }
}
