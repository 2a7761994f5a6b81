//! What documents have of a run: everybody's figures, in brief what is promised beside the best of
//! others, and where it was measured. Pure.

use std::fmt::Write;

use everbeat_drawing::told;
use serde_json::Value;

use super::contestants::{RAW_EPOLL, RAW_TCP, is_of_others, is_ours};
use super::figures::{Figure, Figures};
use super::goals::{AFTER_LARGE, BEATS, BROADCAST, GOALS, Goal, RESIDENT, TOKIO};
use super::interval::Interval;

const SMALL_ECHO: &str = "echo of 64 B, 64 at once: CPU";
const LARGE_ECHO: &str = "echo of 64 KiB, 64 at once: CPU";

/// What the table of everybody has
const COLUMNS: [(&str, &str); 5] = [
    (RESIDENT, "idle, bytes"),
    (AFTER_LARGE, "after 64 KiB, bytes"),
    (BEATS, "a million beats, s"),
    (SMALL_ECHO, "echo 64 B, µs"),
    (LARGE_ECHO, "echo 64 KiB, µs"),
];

/// What the table in brief has, what that is called there, and who cannot be undercut
const IN_BRIEF: [(&str, &str, &str); 6] = [
    (RESIDENT, "idle, bytes", RAW_EPOLL),
    (AFTER_LARGE, "after 64 KiB, bytes", RAW_EPOLL),
    (BEATS, "a million beats, s", RAW_EPOLL),
    (SMALL_ECHO, "echo 64 B, µs", RAW_TCP),
    (LARGE_ECHO, "echo 64 KiB, µs", RAW_TCP),
    (BROADCAST, "broadcast 1 KiB, µs", RAW_EPOLL),
];

/// Everybody in a line
pub(super) fn whole(figures: &Figures) -> String {
    let heads = COLUMNS.map(|(_, head)| head).join(" | ");
    let mut table = format!("| | {heads} |\n|---|{}\n", "--:|".repeat(COLUMNS.len()));
    let mut peers = Vec::new();
    for figure in &figures.all {
        if !peers.contains(&&figure.peer) {
            peers.push(&figure.peer);
        }
    }
    for peer in peers {
        let cells = COLUMNS.map(|(what, _)| cell(figures.of(what, peer)));
        if cells.iter().any(|cell| !cell.is_empty()) {
            let strong = if is_ours(peer) { "**" } else { "" };
            let name = named(figures, peer);
            // Writing to a string cannot fail.
            _ = writeln!(table, "| {strong}{name}{strong} | {} |", cells.join(" | "));
        }
    }
    table
}

/// A line for each figure that is promised: ours, the best of others, what cannot be undercut, and what
/// it may be, in bold where that is hard. Without spaces, for the page that has it counts its words.
pub(super) fn brief(figures: &Figures, surroundings: &Value) -> String {
    let of = |name: &str| surroundings[name].as_str().unwrap_or_default();
    let head = [of("date"), of("commit")].join(", ");
    let mut table =
        format!("|{head}|everbeat, tokio|best of others|floor|at most|\n|---|--:|---|--:|---|\n");
    for (what, name, floor) in IN_BRIEF {
        let ours = cell(figures.of(what, TOKIO));
        let others = best_of_others(figures, what);
        let others =
            others.map_or_else(String::new, |best| format!("{}: {}", cell(Some(best)), best.peer));
        let floor = cell(figures.of(what, floor));
        let goals = GOALS.iter().filter(|goal| goal.what == what && goal.peer == TOKIO);
        let most = goals.map(most).collect::<Vec<_>>().join(", ");
        _ = writeln!(table, "|{name}|{ours}|{others}|{floor}|{most}|");
    }
    table
}

fn best_of_others<'a>(figures: &'a Figures, what: &str) -> Option<&'a Figure> {
    let those = figures.all.iter().filter(|one| one.what == what && is_of_others(&one.peer));
    let those = those.filter_map(|one| Some((one, Interval::of(&one.values)?.median)));
    those.min_by(|(_, a), (_, b)| a.total_cmp(b)).map(|(one, _)| one)
}

/// What a goal allows
fn most(goal: &Goal) -> String {
    let most = match goal.against() {
        None => told(goal.most),
        Some(other) => format!("{} × {other}", goal.most),
    };
    if goal.hard { format!("**{most}**") } else { most }
}

/// Its median, and that it is of one round, if it is
fn cell(figure: Option<&Figure>) -> String {
    let values = figure.map_or(&[][..], |figure| &figure.values[..]);
    let weak = if values.len() == 1 { " (one round)" } else { "" };
    let interval = Interval::of(values);
    interval.map_or_else(String::new, |interval| format!("{}{weak}", told(interval.median)))
}

/// What it is called, with its library's version behind the library's name
fn named(figures: &Figures, peer: &str) -> String {
    let Some(version) = figures.versions.get(peer) else { return peer.to_owned() };
    match peer.split_once(',') {
        Some((library, how)) => format!("{library} {version},{how}"),
        None => format!("{peer} {version}"),
    }
}

/// When, of which commit and on what it was measured, and how quiet that was
pub(super) fn head(surroundings: &Value) -> String {
    let of = |name: &str| surroundings[name].as_str().unwrap_or_default();
    let number = |name: &str| surroundings[name].as_f64().unwrap_or_default();
    let processors = surroundings["processors"].as_array().map_or(0, Vec::len);
    let gibibytes = of("memory").trim_end_matches(" kB").parse().unwrap_or(0.0) / 1_048_576.0;
    let rustc = of("rustc").split(' ').take(2).collect::<Vec<_>>().join(" ");
    format!(
        "Measured on {}, commit {}, on {processors} processors of an {} with {gibibytes:.0} GiB, \
         Linux {}, {rustc}. The machine was late by {:.0} ms at most, and {:.1} % of the processors \
         went to others; what one floor cost differed by up to {:.0} % from round to round, which is \
         why ratios are formed within a round.\n",
        of("date"),
        of("commit"),
        of("processor"),
        of("kernel"),
        number("worst_lateness_ms"),
        number("taken_by_others") * 100.0,
        number("spread_of_the_floors") * 100.0,
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn figures() -> Figures {
        let mut figures = Figures::default();
        figures.add(RESIDENT, "bytes", RAW_EPOLL, 37.0);
        for value in [870.0, 878.0, 880.0] {
            figures.add(RESIDENT, "bytes", TOKIO, value);
        }
        figures.add(RESIDENT, "bytes", "axum, 4 KiB", 7_032.0);
        figures.add(RESIDENT, "bytes", "gorilla", 22_788.0);
        for (peer, value) in [(TOKIO, 23.2), ("fastwebsockets", 32.4), (RAW_TCP, 21.3)] {
            [value; 3].iter().for_each(|value| figures.add(LARGE_ECHO, "us", peer, *value));
        }
        figures.add("aside", "s", "nobody", 1.0);
        figures.versions.insert("axum, 4 KiB".into(), "0.8.9".into());
        figures.versions.insert("gorilla".into(), "v1.5.3".into());
        figures
    }

    #[test]
    fn the_table_has_everybody_who_was_measured_in_it_with_its_version() {
        let table = whole(&figures());
        for line in [
            "\n| raw epoll | 37.0 (one round) |  |  |  |  |\n",
            "\n| **everbeat tokio** | 878 |  |  |  | 23.2 |\n",
            "\n| axum 0.8.9, 4 KiB | 7,032 (one round) |",
            "\n| gorilla v1.5.3 | 22,788 (one round) |",
        ] {
            assert!(table.contains(line), "{line}: {table}");
        }
        assert!(!table.contains("nobody"));
    }

    #[test]
    fn in_brief_each_promise_stands_beside_the_best_of_others_and_the_floor() {
        let surroundings = json!({ "date": "2000-01-01", "commit": "abc" });
        let table = brief(&figures(), &surroundings);
        for line in [
            "|2000-01-01, abc|everbeat, tokio|best of others|floor|at most|\n",
            "\n|idle, bytes|878|7,032 (one round): axum, 4 KiB|37.0 (one round)|**1,000**|\n",
            "\n|echo 64 KiB, µs|23.2|32.4: fastwebsockets|21.3\
             |1.25 × raw tcp, **1 × fastwebsockets**|\n",
            "\n|broadcast 1 KiB, µs||||**1.15 × raw epoll**|\n",
        ] {
            assert!(table.contains(line), "{line}: {table}");
        }
        assert!(table.lines().count() <= 10, "it is for a page that has more to say");
    }

    #[test]
    fn every_hard_goal_of_a_run_of_all_is_in_brief() {
        let hard = GOALS.iter().filter(|goal| goal.hard && goal.part() != "million");
        for goal in hard {
            assert!(IN_BRIEF.iter().any(|(what, ..)| *what == goal.what), "{}", goal.what);
        }
    }

    #[test]
    fn where_it_was_measured_is_told_in_a_sentence() {
        let head = head(&json!({
            "date": "2000-01-01", "commit": "abc", "processors": [0, 1], "processor": "AMD EPYC",
            "memory": "24684084 kB", "kernel": "6.18", "rustc": "rustc 1.95.0 (x 2026-04-14)",
            "worst_lateness_ms": 93.4, "taken_by_others": 0.035, "spread_of_the_floors": 0.58,
        }));
        for part in [
            "on 2000-01-01, commit abc, on 2 processors of an AMD EPYC with 24 GiB, Linux 6.18, ",
            ", rustc 1.95.0. The machine was late by 93 ms at most, and 3.5 % of",
            "by up to 58 % from",
        ] {
            assert!(head.contains(part), "{part}: {head}");
        }
    }
}
