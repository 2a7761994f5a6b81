//! The page: what was tried, what came of it, all drawings.

use std::fmt::Write;

use everbeat_drawing::page::STYLE;
use serde_json::Value;

use crate::goals::goal_rows;
use crate::outcome::A_SECOND;
use crate::plot;
use crate::study::{Cell, Role, Scenario};

const ABOUT: &str = "\
A server stops, and all of its clients come back: to the same one, 5 s after a crash, or to a \
successor that listens already. An upgrade is so much work, one after the other; whoever waits to be \
taken waits in the kernel's backlog, and whoever finds that full sends his SYN again after 1, 3 and 7 \
s; each client gives up an attempt after 10 s, and the server does the upgrade of the gone all the \
same. To tell somebody to come back takes 0.1 ms. The rules of everbeat's client and of its server are \
the ones that run in them; the others are as their sources have them.";

/// The page, whole
pub(crate) fn html(scenarios: &[Scenario], words: &str) -> String {
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n\
         <title>How a crowd comes back</title>\n<style>{STYLE}</style>\n\
         <h1>How a crowd comes back</h1>\n<p>{ABOUT}</p>\n<p>{words}</p>\n"
    );
    goals(&mut page, scenarios);
    for scenario in scenarios {
        section(&mut page, scenario);
    }
    page.push_str("</html>\n");
    page
}

fn goals(page: &mut String, scenarios: &[Scenario]) {
    page.push_str("<table>\n<tr><th>goal<th>measured<th>at most<th></tr>\n");
    for row in goal_rows(scenarios) {
        let text = |field: &str| row[field].as_str().unwrap_or_default().to_owned();
        let value = if row["value"].is_null() { "never".into() } else { row["value"].to_string() };
        let (class, verdict, goal) = match (&row["goal"], row["met"] == true) {
            (Value::Null, _) => ("", "", String::new()),
            (goal, true) => ("good", "met", goal.to_string()),
            (goal, false) => ("bad", "missed", goal.to_string()),
        };
        // Writing to a string cannot fail.
        _ = writeln!(
            page,
            "<tr><td>{}<td>{value} {}<td>{goal}<td class=\"{class}\">{verdict}</tr>",
            text("name"),
            text("unit"),
        );
    }
    page.push_str("</table>\n");
}

fn section(page: &mut String, scenario: &Scenario) {
    _ = write!(
        page,
        "<h2 id=\"{}\">{}</h2>\n<p>99 of 100 could be back after {:.1} s.</p>\n{}\
         <table>\n<tr><th><th>peak a second<th>peak of a tenth<th>attempts<th>SYNs<th>99 % back\
         <th>away, p50<th>away, p99<th>upgrades for nobody</tr>\n",
        scenario.name(),
        scenario.title(),
        scenario.ideal(),
        plot::svg(scenario),
    );
    scenario.cells.iter().for_each(|cell| row(page, cell));
    page.push_str("</table>\n");
}

fn row(page: &mut String, cell: &Cell) {
    let class = if cell.role == Role::Ours { " class=\"ours\"" } else { "" };
    let one = &cell.outcome;
    let seconds =
        |time: Option<f64>| time.map_or_else(|| "never".into(), |time| format!("{time:.1} s"));
    _ = writeln!(
        page,
        "<tr{class}><td>{}<td>{:.0}<td>{:.0}<td>{:.2}<td>{:.2}<td>{}<td>{}<td>{}<td>{}</tr>",
        cell.name,
        one.peak(A_SECOND),
        one.peak(1),
        one.attempts_each(),
        one.syns_each(),
        seconds(one.back(0.99)),
        seconds(one.away(0.5)),
        seconds(one.away(0.99)),
        one.for_nobody,
    );
}
