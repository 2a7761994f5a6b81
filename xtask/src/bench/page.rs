//! The page of a run, the drawings on it, and the table that documents have.

use std::fmt::Write;

use everbeat_drawing::page::STYLE;
use everbeat_drawing::{Dot, Dots, told};
use serde_json::Value;

use super::figures::{Figures, Verdict};
use super::goals::{AFTER_LARGE, BEATS, RESIDENT};
use super::interval::Interval;

/// What the table in the documents has of everybody
const COLUMNS: [(&str, &str); 5] = [
    (RESIDENT, "idle, bytes"),
    (AFTER_LARGE, "after 64 KiB, bytes"),
    (BEATS, "a million beats, s"),
    ("echo of 64 B, 64 at once: CPU", "echo 64 B, µs"),
    ("echo of 64 KiB, 64 at once: CPU", "echo 64 KiB, µs"),
];

/// The page, whole
pub(super) fn html(figures: &Figures, surroundings: &Value, valid: bool) -> String {
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n\
         <title>What everbeat costs</title>\n<style>{STYLE}</style>\n\
         <h1>What everbeat costs</h1>\n<p>Every server is a process of its own on one processor, \
         the load another on the other; rounds are interleaved. A dot is a median, a line its \
         interval, of 95 % where there were six rounds or more.</p>\n"
    );
    if !valid {
        page.push_str(
            "<p class=\"bad\">INVALID: the machine stalled, or something was lost.</p>\n",
        );
    }
    goals(&mut page, figures);
    for (what, _) in figures.subjects() {
        // Writing to a string cannot fail.
        _ = writeln!(page, "{}", svg(figures, what));
    }
    page.push_str("<h2>Around it</h2>\n<table>\n");
    for (name, value) in surroundings.as_object().into_iter().flatten() {
        let value = value.as_str().map_or_else(|| value.to_string(), String::from);
        _ = writeln!(page, "<tr><td>{}<td>{}</tr>", name.replace('_', " "), escaped(&value));
    }
    for (peer, why) in &figures.missing {
        _ = writeln!(page, "<tr><td>{}<td>{}</tr>", escaped(peer), escaped(why));
    }
    page.push_str("</table>\n</html>\n");
    page
}

fn goals(page: &mut String, figures: &Figures) {
    page.push_str("<table>\n<tr><th>goal<th>measured<th>at most<th></tr>\n");
    for held in figures.held() {
        let (class, verdict) = match held.verdict() {
            Verdict::Met => ("good", "met"),
            Verdict::Missed => ("bad", "missed"),
            Verdict::Open => ("", "not judged by a small run"),
        };
        let hard = if held.goal.hard { ", hard" } else { "" };
        _ = writeln!(
            page,
            "<tr><td>{}<td>{} {}<td>{}{hard}<td class=\"{class}\">{verdict}</tr>",
            escaped(&held.name()),
            held.told(),
            held.unit,
            held.goal.most
        );
    }
    page.push_str("</table>\n");
}

/// One subject, drawn
pub(super) fn svg(figures: &Figures, what: &str) -> String {
    let those = figures.all.iter().filter(|figure| figure.what == what);
    let unit = those.clone().next().map_or("", |figure| figure.unit);
    let dots = those.filter_map(|figure| {
        let Interval { low, median, high, .. } = Interval::of(&figure.values)?;
        let ours = figure.peer.starts_with("everbeat");
        Some(Dot { name: figure.peer.clone(), low, middle: median, high, ours })
    });
    let mut dots = dots.collect::<Vec<_>>();
    dots.sort_by(|a, b| a.middle.total_cmp(&b.middle));
    // A ratio's goal is no place on this scale.
    let held = figures.held();
    let goal = held.iter().find(|held| held.goal.what == what && held.unit == unit);
    Dots { title: what, unit, dots: &dots, goal: goal.map(|held| held.goal.most) }.svg()
}

/// Everybody in a line, for the documents
pub(super) fn table(figures: &Figures) -> String {
    let heads = COLUMNS.map(|(_, head)| head).join(" | ");
    let mut table = format!("| | {heads} |\n|---|{}\n", "--:|".repeat(COLUMNS.len()));
    let mut peers = Vec::new();
    for figure in &figures.all {
        if !peers.contains(&&figure.peer) {
            peers.push(&figure.peer);
        }
    }
    for peer in peers {
        let cells = COLUMNS.map(|(what, _)| {
            let values = figures.of(what, peer).map(|figure| Interval::of(&figure.values));
            values.flatten().map_or_else(String::new, |interval| told(interval.median))
        });
        if cells.iter().any(|cell| !cell.is_empty()) {
            let strong = if peer.starts_with("everbeat") { "**" } else { "" };
            _ = writeln!(table, "| {strong}{peer}{strong} | {} |", cells.join(" | "));
        }
    }
    table
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::contestants::{RAW_EPOLL, ours};
    use super::*;

    fn figures() -> Figures {
        let mut figures = Figures::default();
        figures.add(RESIDENT, "bytes", RAW_EPOLL, 37.0);
        figures.add(RESIDENT, "bytes", &ours("tokio"), 878.0);
        figures.add("aside", "s", "nobody", 1.0);
        figures.miss("gorilla", "there is no `go` on this machine");
        figures
    }

    #[test]
    fn the_page_has_goals_drawings_and_who_is_missing() {
        let page = html(&figures(), &json!({ "kernel": "6 < 7" }), false);
        for part in ["INVALID", "hard<td class=\"good\">met", "<svg", "no `go`", "6 &lt; 7"] {
            assert!(page.contains(part), "{part}");
        }
        assert!(!html(&figures(), &json!({}), true).contains("INVALID"));
    }

    #[test]
    fn the_table_has_everybody_who_was_measured_in_it() {
        let table = table(&figures());
        assert!(
            table.contains("| raw epoll | 37.0 |  |") && table.contains("**everbeat tokio** | 878")
        );
        assert!(!table.contains("nobody"));
    }
}
