//! One restart as a drawing: a lane for each policy, in which attempts a second rise and fall, on a
//! logarithmic scale, and the share of clients that are back.

use std::fmt::Write;

use everbeat_drawing::Drawing;

use crate::outcome::A_SECOND;
use crate::study::{Cell, Role, Scenario};

const WIDTH: f64 = 940.0;
/// Where names end and lanes begin and end
const LEFT: f64 = 244.0;
const RIGHT: f64 = 664.0;
/// The right edges of the columns of figures
const COLUMNS: [f64; 3] = [756.0, 836.0, 928.0];
const TOP: f64 = 76.0;
const LANE: f64 = 50.0;
const GAP: f64 = 12.0;
/// As many ticks as are read, about
const TICKS: f64 = 8.0;

/// The drawing, whole
pub(crate) fn svg(scenario: &Scenario) -> String {
    let cells = &scenario.cells;
    let floor = TOP + (LANE + GAP) * cells.len() as f64;
    let title = scenario.title();
    let mut svg = Drawing::begin((WIDTH, floor + 50.0), &title);
    svg.text("title", (14.0, 28.0), "start", &title);
    svg.text(
        "small",
        (LEFT, 54.0),
        "start",
        "attempts a second, each line ten times the one below",
    );
    for (at, head) in COLUMNS.into_iter().zip(["peak a second", "attempts", "99 % back"]) {
        svg.text("small", (at, 54.0), "end", head);
    }

    let seconds = shown(scenario);
    let most = cells.iter().map(peak).fold(f64::from(scenario.capacity), f64::max);
    let decades = most.max(10.0).log10().ceil();
    let x = |second: f64| LEFT + (RIGHT - LEFT) * (second / seconds).min(1.0);
    let height = |rate: f64| LANE * rate.max(1.0).log10() / decades;
    for tick in ticks(seconds) {
        svg.line("grid", (x(tick), TOP - 6.0), (x(tick), floor));
        svg.text("small", (x(tick), floor + 16.0), "middle", format_args!("{tick} s"));
    }
    let words =
        "seconds from the restart; blue: how many are back; dashed: what the server can take";
    svg.text("small", (LEFT, floor + 38.0), "start", words);

    for (place, cell) in cells.iter().enumerate() {
        let floor = TOP + (LANE + GAP) * place as f64 + LANE;
        for decade in 0..=decades as i32 {
            let at = floor - height(10_f64.powi(decade));
            svg.line("grid", (LEFT, at), (RIGHT, at));
        }
        let ours = if cell.role == Role::Ours { " ours" } else { "" };
        let area = area(cell, seconds, &x, &|rate| floor - height(rate), floor);
        svg.add(format_args!("<path class=\"area{ours}\" d=\"{area}\"/>"));
        let limit = floor - height(f64::from(scenario.capacity));
        svg.line("mark", (LEFT, limit), (RIGHT, limit));
        let share = share(cell, seconds, &x, floor);
        svg.add(format_args!("<polyline class=\"share\" points=\"{share}\"/>"));
        figures(&mut svg, cell, floor - LANE / 2.0 + 4.0, ours);
    }
    svg.end()
}

fn peak(cell: &Cell) -> f64 {
    cell.outcome.peak(A_SECOND)
}

/// How much of the time is shown: until whoever is judged is back, and something of what others do
fn shown(scenario: &Scenario) -> f64 {
    let opens = |cell: &Cell| cell.setup.opens.as_secs_f64();
    let back = |cell: &Cell| cell.outcome.back(0.99).map(|back| back + opens(cell));
    let ours = scenario.ours().filter_map(back).fold(scenario.ideal(), f64::max);
    (ours * 1.6).max(8.0)
}

/// Round numbers up to the last second
fn ticks(last: f64) -> impl Iterator<Item = f64> {
    let rough = last / TICKS;
    let decade = 10_f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].map(|factor| factor * decade);
    let step = step.into_iter().find(|step| *step >= rough).unwrap_or(rough);
    (0..).map(move |tick| f64::from(tick) * step).take_while(move |tick| *tick <= last)
}

/// The rate of attempts, in steps of a second
fn area(
    cell: &Cell,
    seconds: f64,
    x: &impl Fn(f64) -> f64,
    y: &impl Fn(f64) -> f64,
    floor: f64,
) -> String {
    let mut path = format!("M{:.1} {floor:.1}", x(0.0));
    let rates = cell.outcome.a_second();
    for (second, rate) in rates.into_iter().enumerate().take(seconds.ceil() as usize) {
        // Writing to a string cannot fail.
        _ = write!(path, "V{:.1}H{:.1}", y(rate), x(second as f64 + 1.0));
    }
    _ = write!(path, "V{floor:.1}Z");
    path
}

/// The share of clients that are back
fn share(cell: &Cell, seconds: f64, x: &impl Fn(f64) -> f64, floor: f64) -> String {
    let opens = cell.setup.opens.as_secs_f64();
    let point = |step: u32| {
        let second = seconds * f64::from(step) / 200.0;
        let back = if second < opens { 0.0 } else { cell.outcome.back_by(second - opens) };
        format!("{:.1},{:.1}", x(second), floor - LANE * back)
    };
    (0..=200).map(point).collect::<Vec<_>>().join(" ")
}

fn figures(svg: &mut Drawing, cell: &Cell, at: f64, ours: &str) {
    svg.text(&format!("name{ours}"), (14.0, at), "start", &cell.name);
    let attempts = cell.outcome.attempts_each();
    let back = cell.outcome.back(0.99);
    let lost = 1.0 - cell.outcome.share_back();
    let class = |bad: bool| if bad { "small bad".into() } else { format!("small name{ours}") };
    let [peaks, tries, backs] = COLUMNS;
    svg.text(&class(false), (peaks, at), "end", format_args!("{:.0}", peak(cell)));
    svg.text(&class(false), (tries, at), "end", format_args!("{attempts:.1}"));
    let words = match back {
        Some(back) => format!("{back:.1} s"),
        None => format!("{:.0} % never", lost * 100.0),
    };
    svg.text(&class(back.is_none()), (backs, at), "end", words);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::Options;

    #[test]
    fn everybody_has_a_lane_and_who_never_comes_back_is_told() {
        let options = Options::small(300, 100);
        let mut scenarios = crate::study::study(&options).unwrap();
        let crash = scenarios.remove(0);
        let svg = svg(&crash);
        assert_eq!(svg.matches("class=\"area").count(), crash.cells.len());
        assert_eq!(svg.matches("class=\"area ours\"").count(), 1);
        assert_eq!(svg.matches(" never<").count(), 0, "{svg}");
        let mut lost = crash;
        lost.cells.truncate(1);
        lost.cells[0].outcome = crate::outcome::Outcome::new(300);
        assert!(super::svg(&lost).contains(">100 % never<"));
    }

    #[test]
    fn ticks_are_round_and_not_too_many() {
        assert_eq!(ticks(20.0).collect::<Vec<_>>(), [0.0, 5.0, 10.0, 15.0, 20.0]);
        assert_eq!(ticks(920.0).last(), Some(800.0));
    }
}
