//! Rows: what was real, what was simulated, how far they may be apart and why; and what all rows
//! come to.

use std::fmt;
use std::io::{Write, stderr, stdout};
use std::process::ExitCode;
use std::time::Duration;

use everbeat_support::rows::{commit, millis};
use serde_json::{Value, json};

/// What a row is measured in
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    Millis,
    Bytes,
    /// 1 or 0
    Yes,
}

/// How far reality and simulation may be apart
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Tolerance {
    /// Of the simulated value
    pub(crate) part: f64,
    /// And so much besides, in the row's unit
    pub(crate) besides: f64,
    pub(crate) why: &'static str,
}

/// One thing that was compared, or could not be
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) found: Found,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Found {
    Both {
        /// Of each run
        real: Vec<f64>,
        /// Of each seed
        simulated: Vec<f64>,
        unit: Unit,
        /// What of either is compared
        by: Centre,
        tolerance: Tolerance,
    },
    /// And why
    Skipped(String),
}

/// What many values come to
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Centre {
    Median,
    Mean,
}

impl Unit {
    const fn name(self) -> &'static str {
        match self {
            Self::Millis => "ms",
            Self::Bytes => "bytes",
            Self::Yes => "yes",
        }
    }
}

/// What a row of both comes to
struct Compared {
    real: f64,
    simulated: f64,
    allowed: f64,
}

impl Row {
    fn compared(&self, late: Duration) -> Option<Compared> {
        let Found::Both { real, simulated, unit, by, tolerance } = &self.found else {
            return None;
        };
        let (real, simulated) = (by.of(real), by.of(simulated));
        // What is real may be as late as the machine was.
        let late = if *unit == Unit::Millis { late.as_secs_f64() * 1e3 } else { 0.0 };
        let allowed = tolerance.part * simulated.abs() + tolerance.besides + late;
        Some(Compared { real, simulated, allowed })
    }

    fn verdict(&self, late: Duration) -> Verdict {
        match self.compared(late) {
            None => Verdict::Skipped,
            // Not `>` turned round: what is no number is no pass.
            Some(it) if (it.real - it.simulated).abs() <= it.allowed => Verdict::Pass,
            Some(_) => Verdict::Fail,
        }
    }

    fn object(&self, late: Duration) -> Value {
        let verdict = self.verdict(late);
        let mut object = json!({
            "name": self.name, "value": null, "unit": null, "goal": null,
            "met": verdict == Verdict::Pass, "verdict": verdict.name(),
        });
        match (&self.found, self.compared(late)) {
            (Found::Both { real, unit, tolerance, .. }, Some(compared)) => {
                object["value"] = tenth(compared.real).into();
                object["unit"] = unit.name().into();
                object["goal"] = tenth(compared.simulated).into();
                object["tolerance"] = tenth(compared.allowed).into();
                object["why"] = tolerance.why.into();
                object["spread"] = json!(spread(real).map(tenth));
                object["runs"] = real.len().into();
            }
            (Found::Skipped(why), _) => object["why"] = why.as_str().into(),
            (Found::Both { .. }, None) => {}
        }
        object
    }

    fn line(&self, late: Duration) -> String {
        let (name, verdict) = (&self.name, self.verdict(late).name());
        match (&self.found, self.compared(late)) {
            (Found::Both { real, unit, .. }, Some(compared)) => {
                let [low, high] = spread(real);
                let Compared { real, simulated, allowed } = compared;
                format!(
                    "{verdict:<8} {name:<66} {real:>6.0} ({low:.0} to {high:.0}), simulated \
                     {simulated:.0} +- {allowed:.0} {}",
                    unit.name(),
                )
            }
            (Found::Skipped(why), _) => format!("{verdict:<8} {name}: {why}"),
            (Found::Both { .. }, None) => String::new(),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Pass,
    Fail,
    Skipped,
}

impl Verdict {
    const fn name(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::Skipped => "skipped",
        }
    }
}

/// All rows of a run
#[derive(Debug, Default)]
pub(crate) struct Report {
    rows: Vec<(Row, Duration)>,
    stalled: bool,
    late: Duration,
}

impl Report {
    /// Adds a part's rows, with how late the machine was meanwhile
    pub(crate) fn add(&mut self, rows: Vec<Row>, late: Duration, counts: bool) {
        self.rows.extend(rows.into_iter().map(|row| (row, late)));
        self.stalled |= !counts;
        self.late = self.late.max(late);
    }

    /// What failed while the machine kept up stands; but that all is well only a run says that has
    /// tried all of it
    fn code(&self) -> u8 {
        let any = |verdict| self.rows.iter().any(|(row, late)| row.verdict(*late) == verdict);
        match (self.stalled, any(Verdict::Fail)) {
            (true, _) => 2,
            (false, true) => 1,
            (false, false) if self.rows.is_empty() || any(Verdict::Skipped) => 2,
            (false, false) => 0,
        }
    }

    fn object(&self, commit: Option<&str>) -> Value {
        let rows = self.rows.iter().map(|(row, late)| row.object(*late)).collect::<Vec<_>>();
        json!({
            "command": "sim check", "commit": commit, "seed": null, "rows": rows,
            "late_ms": millis(self.late), "all_met": self.code() == 0, "valid": self.code() != 2,
        })
    }

    /// Tells all of it, and says how the process should end
    pub(crate) fn finish(self, json: bool) -> ExitCode {
        for (row, late) in &self.rows {
            say(row.line(*late));
        }
        let verdict = match self.code() {
            0 => "the simulator does what is real",
            1 => "the simulator is wrong, or its tolerances are",
            _ => "INVALID: the machine stalled, or something could not be tried here",
        };
        say(format_args!("{verdict}; the machine was {:.0?} late at worst", self.late));
        if json {
            let object = self.object(commit().as_deref());
            // A reader who has left has the exit code.
            _ = stdout().write_all(format!("{object}\n").as_bytes());
        }
        ExitCode::from(self.code())
    }
}

/// A line for people
pub(crate) fn say(line: impl fmt::Display) {
    // Who does not listen has the exit code.
    _ = stderr().write_all(format!("{line}\n").as_bytes());
}

impl Centre {
    /// No number of nothing
    fn of(self, values: &[f64]) -> f64 {
        match self {
            Self::Median => median(values),
            #[expect(clippy::cast_precision_loss, reason = "nobody has as many")]
            Self::Mean => values.iter().sum::<f64>() / values.len() as f64,
        }
    }
}

/// Of an even number the mean of the two in the middle
fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let last = sorted.len().saturating_sub(1);
    match (sorted.get(last / 2), sorted.get(last.div_ceil(2))) {
        (Some(low), Some(high)) => f64::midpoint(*low, *high),
        _ => f64::NAN,
    }
}

fn spread(values: &[f64]) -> [f64; 2] {
    let low = values.iter().copied().fold(f64::INFINITY, f64::min);
    let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    [low, high]
}

/// To a tenth: the rest is chance
fn tenth(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn row(real: &[f64], simulated: f64) -> Row {
        let tolerance = Tolerance { part: 0.1, besides: 5.0, why: "it may" };
        let (real, simulated) = (real.to_vec(), vec![simulated]);
        let (unit, by) = (Unit::Millis, Centre::Median);
        Row { name: "x".into(), found: Found::Both { real, simulated, unit, by, tolerance } }
    }

    fn skipped() -> Row {
        Row { name: "y".into(), found: Found::Skipped("no root".into()) }
    }

    fn report(rows: Vec<Row>, late: Duration, counts: bool) -> Report {
        let mut report = Report::default();
        report.add(rows, late, counts);
        report
    }

    #[test]
    fn the_median_is_within_the_tolerance_or_not() {
        assert_eq!(row(&[115.0, 900.0, 0.0], 100.0).verdict(Duration::ZERO), Verdict::Pass);
        assert_eq!(row(&[115.5], 100.0).verdict(Duration::ZERO), Verdict::Fail);
        assert_eq!(row(&[84.9], 100.0).verdict(Duration::ZERO), Verdict::Fail);
        assert_eq!(row(&[115.5], 100.0).verdict(MS), Verdict::Pass, "the machine was late");
        assert_eq!(row(&[], 100.0).verdict(MS), Verdict::Fail, "nothing is no number");
    }

    #[test]
    fn lateness_excuses_no_bytes() {
        let mut row = row(&[115.5], 100.0);
        if let Found::Both { unit, .. } = &mut row.found {
            *unit = Unit::Bytes;
        }
        assert_eq!(row.verdict(MS), Verdict::Fail);
    }

    #[test]
    fn a_failure_is_red_a_gap_is_invalid_and_so_is_a_stall() {
        let (good, bad) = (|| row(&[100.0], 100.0), || row(&[200.0], 100.0));
        assert_eq!(report(vec![good()], MS, true).code(), 0);
        assert_eq!(report(vec![good(), bad(), skipped()], MS, true).code(), 1);
        assert_eq!(report(vec![good(), skipped()], MS, true).code(), 2);
        assert_eq!(report(vec![], MS, true).code(), 2, "nothing was compared");
        assert_eq!(report(vec![good(), bad()], MS, false).code(), 2);
        let object = report(vec![good(), skipped()], MS, true).object(None);
        assert_eq!((&object["valid"], &object["all_met"]), (&json!(false), &json!(false)));
        assert_eq!(object["rows"][0]["verdict"], "pass");
        assert_eq!(object["rows"][1]["met"], false);
    }

    #[test]
    fn what_many_values_come_to() {
        let close = |a: f64, b: f64| (a - b).abs() < 1e-9;
        assert!(close(Centre::Median.of(&[30.0, 1.0, 2.0]), 2.0));
        assert!(close(Centre::Median.of(&[40.0, 1.0, 2.0, 3.0]), 2.5));
        assert!(close(Centre::Mean.of(&[30.0, 1.0, 2.0]), 11.0));
        assert!(Centre::Median.of(&[]).is_nan() && Centre::Mean.of(&[]).is_nan());
    }
}
