//! Figures of many, one under the other: a dot for what was seen, a line for between what it is.

use crate::Drawing;

const WIDTH: f64 = 940.0;
/// Where names end, and where lanes begin and end
const LEFT: f64 = 262.0;
const RIGHT: f64 = 760.0;
const TOP: f64 = 58.0;
const LANE: f64 = 24.0;
/// Figures that are so many times each other are drawn by their size's order
const WIDE: f64 = 15.0;

/// One figure
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::exhaustive_structs, reason = "whoever draws fills it in")]
pub struct Dot {
    /// Whose it is
    pub name: String,
    /// What is between
    pub low: f64,
    /// What was seen
    pub middle: f64,
    /// And what
    pub high: f64,
    /// It is everbeat's
    pub ours: bool,
}

/// Figures that are compared
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::exhaustive_structs, reason = "whoever draws fills it in")]
pub struct Dots<'a> {
    /// What they are of
    pub title: &'a str,
    /// In what
    pub unit: &'a str,
    /// From the top to the bottom
    pub dots: &'a [Dot],
    /// A line that they are held against
    pub goal: Option<f64>,
}

impl Dots<'_> {
    /// The drawing, whole
    #[must_use]
    pub fn svg(&self) -> String {
        let floor = TOP + LANE * self.dots.len() as f64;
        let mut svg = Drawing::begin((WIDTH, floor + 34.0), self.title);
        svg.text("title", (14.0, 28.0), "start", self.title);
        svg.text("small", (WIDTH - 12.0, 28.0), "end", self.unit);
        let scale = self.scale();
        for tick in scale.ticks() {
            let x = scale.place(tick);
            svg.line("grid", (x, TOP - 8.0), (x, floor));
            svg.text("small", (x, floor + 18.0), "middle", label(tick));
        }
        if let Some(goal) = self.goal.filter(|goal| scale.shows(*goal)) {
            let x = scale.place(goal);
            svg.line("mark", (x, TOP - 8.0), (x, floor));
        }
        for (place, dot) in self.dots.iter().enumerate() {
            let y = TOP + LANE * (place as f64 + 0.5);
            let ours = if dot.ours { " ours" } else { "" };
            svg.text(&format!("name{ours}"), (14.0, y + 4.0), "start", escaped(&dot.name));
            svg.line(&format!("span{ours}"), (scale.place(dot.low), y), (scale.place(dot.high), y));
            let x = scale.place(dot.middle);
            svg.add(format_args!(
                "<circle class=\"dot{ours}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"4.5\"/>"
            ));
            svg.text(&format!("name{ours}"), (WIDTH - 12.0, y + 4.0), "end", told(dot.middle));
        }
        svg.end()
    }

    fn scale(&self) -> Scale {
        let most = self.dots.iter().map(|dot| dot.high).fold(0.0, f64::max).max(1e-9);
        let least = self.dots.iter().map(|dot| dot.low).fold(f64::INFINITY, f64::min);
        if least > 0.0 && least.is_finite() && most / least > WIDE {
            let decade = |value: f64, round: fn(f64) -> f64| 10_f64.powf(round(value.log10()));
            Scale { from: decade(least, f64::floor), to: decade(most, f64::ceil), orders: true }
        } else {
            Scale { from: 0.0, to: most * 1.06, orders: false }
        }
    }
}

/// Where on the lane a figure is
struct Scale {
    from: f64,
    to: f64,
    /// By the figure's order
    orders: bool,
}

impl Scale {
    fn place(&self, value: f64) -> f64 {
        let share = if self.orders {
            (value.max(self.from) / self.from).log10() / (self.to / self.from).log10()
        } else {
            value / self.to
        };
        LEFT + (RIGHT - LEFT) * share.clamp(0.0, 1.0)
    }

    fn shows(&self, value: f64) -> bool {
        (self.from..=self.to).contains(&value)
    }

    fn ticks(&self) -> Vec<f64> {
        if self.orders {
            let decades = (self.to / self.from).log10().round() as i32;
            return (0..=decades).map(|decade| self.from * 10_f64.powi(decade)).collect();
        }
        let rough = self.to / 5.0;
        let order = 10_f64.powf(rough.log10().floor());
        let step = [1.0, 2.0, 5.0, 10.0].map(|step| step * order);
        let step = step.into_iter().find(|step| *step >= rough).unwrap_or(rough);
        (0..=5).map(|tick| f64::from(tick) * step).filter(|tick| *tick <= self.to).collect()
    }
}

/// A figure with as many digits as mean something
#[must_use]
pub fn told(value: f64) -> String {
    let thousands = |value: f64| {
        let digits = format!("{value:.0}");
        let mut told = String::new();
        for (place, digit) in digits.chars().enumerate() {
            if place > 0 && (digits.len() - place) % 3 == 0 && told != "-" {
                told.push(',');
            }
            told.push(digit);
        }
        told
    };
    match value.abs() {
        100.0.. => thousands(value),
        10.0.. => format!("{value:.1}"),
        0.0 => "0".into(),
        _ => format!("{value:.2}"),
    }
}

/// A tick's number, which is round: without digits that tell nothing
fn label(tick: f64) -> String {
    let told = told(tick);
    match told.contains('.') {
        true => told.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => told,
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dot(middle: f64) -> Dot {
        Dot { name: "a < b".into(), low: middle, middle, high: middle, ours: true }
    }

    fn scale(values: &[f64]) -> Scale {
        let dots = values.iter().copied().map(dot).collect::<Vec<_>>();
        Dots { title: "", unit: "", dots: &dots, goal: None }.scale()
    }

    #[test]
    fn figures_of_one_order_are_drawn_from_nought_and_others_by_their_order() {
        let near = scale(&[10.0, 20.0]);
        assert!(!near.orders);
        assert!((near.place(0.0) - LEFT).abs() < 1e-9 && near.place(20.0) < RIGHT);
        let far = scale(&[30.0, 137_000.0]);
        assert_eq!((far.from, far.to), (10.0, 1_000_000.0));
        assert!((far.place(10.0) - LEFT).abs() < 1e-9);
        assert!((far.place(3_162.277_66) - (LEFT + RIGHT) / 2.0).abs() < 0.01);
        assert_eq!(far.ticks().len(), 6);
    }

    #[test]
    fn ticks_are_round_and_within() {
        assert_eq!(scale(&[94.0]).ticks(), [0.0, 20.0, 40.0, 60.0, 80.0]);
        assert_eq!(scale(&[1.3]).ticks().len(), 3);
    }

    #[test]
    fn a_figure_is_told_with_few_digits() {
        let told = [0.0, 1.234, 12.34, 123.4, 1_234.0, 137_350.0].map(told);
        assert_eq!(told, ["0", "1.23", "12.3", "123", "1,234", "137,350"]);
    }

    #[test]
    fn a_tick_is_told_as_the_round_number_that_it_is() {
        let ticks = [0.0, 0.2, 1.0, 10.0, 20.0, 100.0, 1_000.0, 1e6].map(label);
        assert_eq!(ticks, ["0", "0.2", "1", "10", "20", "100", "1,000", "1,000,000"]);
        let dots = [dot(30.0), dot(9_000.0)];
        let svg = Dots { title: "t", unit: "u", dots: &dots, goal: None }.svg();
        assert!(svg.contains(">10</text>") && svg.contains(">30.0</text>"), "{svg}");
    }

    #[test]
    fn everybody_is_drawn_and_a_goal_beyond_all_is_not() {
        let dots = [dot(1.0), dot(2.0)];
        let draw = |goal| Dots { title: "t", unit: "u", dots: &dots, goal }.svg();
        let svg = draw(Some(1.5));
        assert_eq!(svg.matches("<circle").count(), 2);
        assert!(svg.contains("a &lt; b") && svg.contains("\"mark\""));
        assert!(!draw(Some(9.0)).contains("class=\"mark\""));
    }
}
