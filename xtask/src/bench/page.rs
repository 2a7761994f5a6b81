//! The page of a run, and the drawings on it. Pure.

use std::fmt::Write;

use everbeat_drawing::page::STYLE;
use everbeat_drawing::{Dot, Dots, told};
use serde_json::Value;

use super::contestants::is_ours;
use super::criterion::{self, PLOTS};
use super::figures::Figures;
use super::goals::GOALS;
use super::held::Verdict;
use super::interval::Interval;
use crate::instructions;
use crate::report::Report;

/// The page, whole
pub(super) fn html(figures: &Figures, surroundings: &Value, report: &Report) -> String {
    let of = |name: &str| escaped(surroundings[name].as_str().unwrap_or("unknown"));
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n\
         <title>What everbeat costs</title>\n<style>{STYLE}</style>\n\
         <h1>What everbeat costs</h1>\n<p>Every server is a process of its own on one processor, \
         the load another on the other; rounds are interleaved. A dot is a median, a line its \
         interval, of 95 % where there were six rounds or more.</p>\n<p>Commit {}, {}.</p>\n",
        of("commit"),
        of("date")
    );
    if !report.is_valid() {
        page.push_str(
            "<p class=\"bad\">INVALID: the machine stalled, or something was lost.</p>\n",
        );
    }
    goals(&mut page, figures);
    counts(&mut page, report);
    machines(&mut page, report);
    for (what, _) in figures.subjects() {
        // Writing to a string cannot fail.
        _ = writeln!(page, "{}", svg(figures, what));
    }
    page.push_str("<h2>Around it</h2>\n<table>\n");
    for (name, value) in surroundings.as_object().into_iter().flatten() {
        _ = writeln!(page, "<tr><td>{}<td>{}</tr>", name.replace('_', " "), escaped(&shown(value)));
    }
    for (peer, why) in &figures.missing {
        _ = writeln!(page, "<tr><td>{}<td>{}</tr>", escaped(peer), escaped(why));
    }
    page.push_str("</table>\n</html>\n");
    page
}

/// A value in words
fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Object(all) => {
            let all = all.iter().map(|(name, value)| format!("{name} {}", shown(value)));
            all.collect::<Vec<_>>().join("; ")
        }
        other => other.to_string(),
    }
}

fn goals(page: &mut String, figures: &Figures) {
    page.push_str("<table>\n<tr><th>goal<th>measured<th>at most<th></tr>\n");
    for held in figures.held() {
        let (class, verdict) = match held.verdict() {
            Verdict::Met => ("good", "met".into()),
            Verdict::Missed => ("bad", "missed".into()),
            Verdict::Open | Verdict::Unmeasured => ("", held.why().unwrap_or_default()),
        };
        let hard = if held.goal.hard { ", hard" } else { "" };
        _ = writeln!(
            page,
            "<tr><td>{}<td>{} {}<td>{}{hard}<td class=\"{class}\">{}</tr>",
            escaped(&held.name()),
            held.told(),
            held.unit,
            held.goal.most,
            escaped(&verdict)
        );
    }
    page.push_str("</table>\n");
}

/// What was counted, where it was
fn counts(page: &mut String, report: &Report) {
    let rows = report.of_part(instructions::PART).collect::<Vec<_>>();
    if rows.is_empty() {
        return;
    }
    page.push_str(
        "<h2>Instructions</h2>\n<p>By callgrind, against the committed baseline.</p>\n\
         <table>\n<tr><th>of what<th>counted<th>at most<th></tr>\n",
    );
    for row in rows {
        let (class, verdict) = match row["met"].as_bool() {
            Some(true) => ("good", "met"),
            Some(false) => ("bad", "missed"),
            None => ("", ""),
        };
        let text = |name: &str| row[name].as_str().unwrap_or_default();
        let number = |name: &str| row[name].as_f64().map_or_else(String::new, told);
        let why = [verdict, text("why")].into_iter().filter(|word| !word.is_empty());
        _ = writeln!(
            page,
            "<tr><td>{}<td>{}<td>{}<td class=\"{class}\">{}</tr>",
            escaped(text("name")),
            number("value"),
            number("goal"),
            escaped(&why.collect::<Vec<_>>().join(": "))
        );
    }
    page.push_str("</table>\n");
}

/// What criterion measured, where it did, and the way to its own page
fn machines(page: &mut String, report: &Report) {
    let rows = report.of_part(criterion::PART).collect::<Vec<_>>();
    if rows.is_empty() {
        return;
    }
    _ = writeln!(
        page,
        "<h2>The machines</h2>\n<p>Medians with their intervals of 95 %, by criterion; \
         <a href=\"../criterion/{PLOTS}\">its own page</a> draws each.</p>\n\
         <table>\n<tr><th>of what<th>median, ns<th>from<th>to</tr>"
    );
    for row in rows {
        let number = |name: &str| row[name].as_f64().map_or_else(String::new, told);
        _ = writeln!(
            page,
            "<tr><td>{}<td>{}<td>{}<td>{}</tr>",
            escaped(row["name"].as_str().unwrap_or_default()),
            number("value"),
            number("low"),
            number("high")
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
        let ours = is_ours(&figure.peer);
        Some(Dot { name: figure.peer.clone(), low, middle: median, high, ours })
    });
    let mut dots = dots.collect::<Vec<_>>();
    dots.sort_by(|a, b| a.middle.total_cmp(&b.middle));
    // A ratio's goal is no place on this scale.
    let goal = GOALS.iter().find(|goal| goal.what == what && goal.is_number());
    Dots { title: what, unit, dots: &dots, goal: goal.map(|goal| goal.most) }.svg()
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::contestants::{RAW_EPOLL, ours};
    use super::super::goals::RESIDENT;
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
    fn the_page_has_goals_drawings_surroundings_and_who_is_missing() {
        let surroundings = json!({
            "kernel": "6 < 7", "commit": "abc-dirty", "date": "2000-01-01",
            "versions": { "axum": "0.8.9", "npm ws": "8.1" },
        });
        let mut report = Report::new("bench");
        let valid = html(&figures(), &surroundings, &report);
        report.invalidate();
        let page = html(&figures(), &surroundings, &report);
        for part in [
            "INVALID",
            "hard<td class=\"good\">met",
            "not measured",
            "no part of this run: `cargo xtask bench million`",
            "<svg",
            "no `go`",
            "6 &lt; 7",
            "Commit abc-dirty, 2000-01-01.",
            "axum 0.8.9; npm ws 8.1",
        ] {
            assert!(page.contains(part), "{part}");
        }
        assert!(!valid.contains("INVALID"));
    }

    #[test]
    fn counts_and_medians_are_there_where_they_were_taken() {
        let page = |report: &Report| html(&figures(), &json!({}), report);
        let mut report = Report::new("bench");
        let without = page(&report);
        assert!(!without.contains("Instructions") && !without.contains("The machines"));
        let part = instructions::PART;
        report.cell(
            json!({ "part": part, "name": "a < b", "value": 9_000, "goal": 1, "met": false,
            "why": "over" }),
            false,
        );
        report.cell(json!({ "part": part, "name": part, "met": null, "why": "no valgrind" }), true);
        report.cell(
            json!({ "part": criterion::PART, "name": "wheel/hot", "value": 12.5,
            "low": 12.0, "high": 13.0 }),
            true,
        );
        let page = page(&report);
        for part in [
            "<tr><td>a &lt; b<td>9,000<td>1.00<td class=\"bad\">missed: over</tr>",
            "<td class=\"\">no valgrind</tr>",
            "<tr><td>wheel/hot<td>12.5<td>12.0<td>13.0</tr>",
            "href=\"../criterion/report/index.html\"",
        ] {
            assert!(page.contains(part), "{part}");
        }
    }
}
