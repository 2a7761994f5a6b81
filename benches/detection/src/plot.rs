//! One scenario as a drawing: how long a death takes to be noticed, against how often one is that
//! was none. Who was never wrong has a lane of his own below, for on a logarithmic scale there is no
//! place for never.

mod axis;
mod labels;

use everbeat_drawing::Drawing;

use self::axis::Axis;
use crate::goals::upper_a_day;
use crate::parameters::How;
use crate::study::{Cell, Measured};

const WIDTH: f64 = 860.0;
const LEFT: f64 = 66.0;
/// Where names begin
const NAMES: f64 = 600.0;
const TOP: f64 = 66.0;
/// How high a decade of false alarms is, and the whole scale for each who is on it, at least
const DECADE: f64 = 56.0;
const EACH: f64 = 24.0;
/// Between two marks and two names at least: who is as often wrong as another is drawn beside him
const APART: (f64, f64) = (8.0, 18.0);
const LANE: f64 = 24.0;
/// Between the scale and the lanes
const GAP: f64 = 34.0;

/// The drawing, whole
pub(crate) fn svg(measured: &Measured) -> String {
    let Measured { scenario, cells } = measured;
    let (mut wrong, mut right): (Vec<_>, Vec<_>) =
        cells.iter().partition(|cell| cell.alarms_a_day().is_some_and(|alarms| alarms > 0.0));
    wrong.sort_by(|a, b| {
        b.alarms_a_day().partial_cmp(&a.alarms_a_day()).unwrap_or(std::cmp::Ordering::Equal)
    });
    right.sort_by(|a, b| by_time(a).total_cmp(&by_time(b)));

    let times = cells.iter().flat_map(|cell| [cell.decided(0.5), cell.decided(0.99)]).flatten();
    let x = Axis::times(times, LEFT, NAMES - 24.0);
    let room = EACH * wrong.len() as f64;
    let y = Axis::rates(wrong.iter().filter_map(|cell| cell.alarms_a_day()), TOP, DECADE, room);
    let lanes = y.as_ref().map_or(TOP, |y| y.end() + GAP);
    let floor = lanes + LANE * right.len() as f64;
    let height = floor + 50.0;

    let mut svg = Drawing::begin((WIDTH, height), &scenario.title);
    svg.text("title", (LEFT - 52.0, 28.0), "start", &scenario.title);
    for (value, at) in x.ticks() {
        svg.line("grid", (at, TOP - 8.0), (at, floor + 4.0));
        svg.text("small", (at, floor + 20.0), "middle", seconds(value));
    }
    let survivors = scenario.trials.how == How::AliveAfterSleep;
    let what = if survivors {
        "seconds until the peer is known to live"
    } else {
        "seconds until a death is noticed: half of them by the dot, 99 of 100 by the bar"
    };
    svg.text("small", (LEFT, floor + 40.0), "start", what);

    if let Some(y) = &y {
        svg.text("small", (LEFT - 52.0, TOP - 16.0), "start", "false alarms a day");
        for (value, at) in y.ticks() {
            svg.line("grid", (LEFT, at), (NAMES - 24.0, at));
            svg.text("small", (LEFT - 8.0, at + 4.0), "end", value);
        }
        let places: Vec<_> =
            wrong.iter().map(|cell| y.at(cell.alarms_a_day().unwrap_or_default())).collect();
        let marks = labels::spread(&places, APART.0, TOP, y.end());
        let names = labels::spread(&places, APART.1, TOP, y.end());
        for ((cell, mark), name) in wrong.iter().zip(marks).zip(names) {
            let a_day = cell.alarms_a_day().unwrap_or_default();
            draw(&mut svg, cell, &x, mark, name, &format!("{a_day:.2}"));
        }
    }
    let head = match (&y, cells.iter().any(|cell| cell.alarms_a_day().is_some())) {
        (Some(_), _) => "a day",
        (None, true) => "false alarms a day",
        (None, false) if survivors => "gave up",
        (None, false) => "",
    };
    svg.text("small", (WIDTH - 8.0, TOP - 16.0), "end", head);
    if y.is_some() && !right.is_empty() {
        svg.text("small", (LEFT - 52.0, lanes - 4.0), "start", "no false alarm");
    }
    for (place, cell) in right.iter().enumerate() {
        let at = lanes + LANE * (place as f64 + 0.5);
        let note = match (cell.alarms_a_day(), cell.tally.killed) {
            (Some(_), _) => format!("≤ {:.3}", upper_a_day(cell)),
            (None, _) if !survivors => String::new(),
            (None, killed) => format!("{killed} of {}", cell.tally.trials),
        };
        draw(&mut svg, cell, &x, at, at, &note);
    }
    svg.end()
}

fn by_time(cell: &Cell) -> f64 {
    cell.decided(0.5).unwrap_or(f64::MAX)
}

/// `0.5`, `30`
fn seconds(value: f64) -> String {
    format!("{value} s")
}

/// A contender: its times at one height, its name at another
fn draw(svg: &mut Drawing, cell: &Cell, x: &Axis, at: f64, label: f64, note: &str) {
    let ours = if cell.everbeat { " ours" } else { "" };
    let bad = if cell.tally.killed > 0 { " bad" } else { "" };
    match (cell.decided(0.5), cell.decided(0.99)) {
        (Some(half), late) => {
            let late = late.unwrap_or_else(|| x.last());
            let (from, to) = (x.at(half), x.at(late));
            let bend = NAMES - 16.0;
            svg.add(format_args!(
                "<path class=\"guide\" d=\"M{:.1} {at:.1}H{:.1}L{bend:.1} {label:.1}H{:.1}\"/>",
                to + 5.0,
                (to + 5.0).max(bend - 18.0),
                NAMES - 6.0,
            ));
            svg.line(&format!("span{ours}"), (from, at), (to, at));
            svg.line(&format!("span{ours}"), (to, at - 5.0), (to, at + 5.0));
            let size = if cell.everbeat { 6.0 } else { 5.0 };
            svg.add(format_args!(
                "<circle class=\"dot{ours}\" cx=\"{from:.1}\" cy=\"{at:.1}\" r=\"{size}\"/>"
            ));
        }
        (None, _) if cell.tally.killed == 0 => {
            svg.text("small bad", (NAMES - 24.0, at + 4.0), "end", "not noticed");
        }
        (None, _) => {}
    }
    svg.text(&format!("name{ours}"), (NAMES, label + 4.0), "start", cell.contender);
    svg.text(&format!("small{bad}"), (WIDTH - 8.0, label + 4.0), "end", note);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parameters::Parameters;
    use crate::tally::{Alarms, Tally};

    fn cell(contender: &'static str, seconds: f64, fine: u64) -> Cell {
        let alarms = Alarms { fine, ..Alarms::default() };
        let decided = vec![seconds];
        let tally = Tally { days: 10.0, alarms, trials: 1, decided, ..Tally::default() };
        Cell { contender, about: "", everbeat: false, tally }
    }

    fn measured(cells: Vec<Cell>) -> Measured {
        let scenario = Parameters::committed().unwrap().scenarios.swap_remove(3);
        Measured { scenario, cells }
    }

    #[test]
    fn everybody_is_in_it_once_and_who_was_never_wrong_has_a_lane() {
        let svg = svg(&measured(vec![cell("never", 22.0, 0), cell("often", 33.0, 100)]));
        assert_eq!(svg.matches(">never<").count(), 1);
        assert_eq!(svg.matches(">often<").count(), 1);
        assert_eq!(svg.matches("<circle").count(), 2);
        assert!(svg.contains("no false alarm"));
        assert!(svg.contains("≤ 0.300") && svg.contains(">10.00<"), "{svg}");
    }

    #[test]
    fn who_is_slower_is_further_to_the_right() {
        let svg = svg(&measured(vec![cell("quick", 10.0, 0), cell("slow", 100.0, 0)]));
        let across: Vec<f64> = svg
            .split("cx=\"")
            .skip(1)
            .map(|rest| rest.split('"').next().unwrap().parse().unwrap())
            .collect();
        assert!(across[0] + 100.0 < across[1], "{across:?}");
    }
}
