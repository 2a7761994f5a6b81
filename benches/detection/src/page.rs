//! The page: what was tried, what came of it, all drawings and all figures.

use std::fmt::Write;

use everbeat_drawing::page::STYLE;
use serde_json::Value;

use crate::goals::{goal_rows, upper_a_day};
use crate::parameters::Parameters;
use crate::plot;
use crate::study::{Cell, Measured};

/// The page, whole
pub(crate) fn html(parameters: &Parameters, measured: &[Measured], words: &str) -> String {
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n\
         <title>How death is noticed</title>\n<style>{STYLE}</style>\n\
         <h1>How death is noticed</h1>\n<p>{}</p>\n<p>{words}</p>\n",
        parameters.about
    );
    goals(&mut page, measured);
    for measured in measured {
        scenario(&mut page, parameters, measured);
    }
    page.push_str("</html>\n");
    page
}

fn goals(page: &mut String, measured: &[Measured]) {
    page.push_str("<table>\n<tr><th>goal<th>measured<th>at most<th></tr>\n");
    for row in goal_rows(measured) {
        let text = |field: &str| row[field].as_str().unwrap_or_default().to_owned();
        let (name, unit) = (text("name"), text("unit"));
        let value = if row["value"].is_null() { "never".into() } else { row["value"].to_string() };
        let (class, verdict) =
            if row["met"] == Value::Bool(true) { ("good", "met") } else { ("bad", "missed") };
        // Writing to a string cannot fail.
        _ = writeln!(
            page,
            "<tr><td>{name}<td>{value} {unit}<td>{}<td class=\"{class}\">{verdict}</tr>",
            row["goal"]
        );
    }
    page.push_str("</table>\n");
}

fn scenario(page: &mut String, parameters: &Parameters, measured: &Measured) {
    let Measured { scenario, cells } = measured;
    let road = parameters.road(scenario).map_or("", |road| road.about.as_str());
    _ = write!(
        page,
        "<h2 id=\"{}\">{}</h2>\n<p>{} <em>{road}</em></p>\n{}\
         <table>\n<tr><th><th>p50<th>p99<th>latest<th>false alarms a day<br>at most (95 %)\
         <th>road fine<th>short outage<th>long outage<th>days<th>Pings an hour</tr>\n",
        scenario.name,
        scenario.title,
        scenario.about,
        plot::svg(measured),
    );
    for cell in cells {
        row(page, cell);
    }
    page.push_str("</table>\n");
}

fn row(page: &mut String, cell: &Cell) {
    let class = if cell.everbeat { " class=\"ours\"" } else { "" };
    let seconds =
        |share| cell.decided(share).map_or_else(|| "never".into(), |time| format!("{time:.1} s"));
    _ = write!(
        page,
        "<tr{class}><td title=\"{}\">{}<td>{}<td>{}<td>{}",
        cell.about,
        cell.contender,
        seconds(0.5),
        seconds(0.99),
        seconds(1.0),
    );
    match cell.pings_an_hour() {
        Some(pings) => {
            let days = cell.tally.days;
            let rate = |count: u64| {
                let class = if count > 0 { "bad" } else { "" };
                format!("<td class=\"{class}\">{:.3}", count as f64 / days)
            };
            let alarms = cell.tally.alarms;
            _ = writeln!(
                page,
                "<td>{:.3}{}{}{}<td>{days:.0}<td>{pings:.0}</tr>",
                upper_a_day(cell),
                rate(alarms.fine),
                rate(alarms.short),
                rate(alarms.long),
            );
        }
        None if cell.tally.killed > 0 => {
            let (killed, trials) = (cell.tally.killed, cell.tally.trials);
            _ = writeln!(page, "<td colspan=\"6\" class=\"bad\">gave up {killed} of {trials}</tr>");
        }
        None => page.push_str("<td colspan=\"6\"></tr>\n"),
    }
}
