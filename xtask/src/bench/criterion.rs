//! Criterion's part: all of it or what the words select; its plots are told about.
//!
//! The medians are read from criterion's own files, so that no output is parsed.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::Result;
use serde_json::{Value, json};

use crate::report::Report;
use crate::shell::Shell;

/// The part of the report that its rows are
pub(super) const PART: &str = "criterion";

/// What it draws, in its folder
pub(super) const PLOTS: &str = "report/index.html";

/// Measures what `words` select, and reports the medians
pub(crate) fn measure(shell: &Shell, quick: bool, words: &[String]) -> Result<Report> {
    let start = SystemTime::now();

    // By name, because the libraries' own test harness does not know criterion's words.
    let mut command = shell.cargo("bench --package everbeat-benches --bench * --");
    if quick {
        // Without the last, drawing again and again from ten samples takes four times as long as to
        // measure does.
        command.args(["--warm-up-time", "0.3", "--measurement-time", "0.6", "--sample-size", "10"]);
        command.args(["--nresamples", "5000"]);
    }
    command.args(words);
    shell.run(&mut command)?;

    let results = shell.target("criterion");
    let plots = results.join(PLOTS);
    if plots.exists() {
        let plots = plots.strip_prefix(shell.root()).unwrap_or(&plots);
        eprintln!("plots: {}", plots.display());
    }
    let mut report = Report::new("bench");
    for median in medians(&results, start)? {
        report.cell(median.row(), true);
    }
    Ok(report)
}

/// The median of a benchmark, and between what it is, in nanoseconds
#[derive(Debug, PartialEq)]
struct Median {
    name: String,
    value: f64,
    low: f64,
    high: f64,
    confidence: f64,
}

impl Median {
    /// From criterion's own words; `None` if they are others
    fn parse(name: String, estimates: &Value) -> Option<Self> {
        let median = &estimates["median"];
        let interval = &median["confidence_interval"];
        Some(Self {
            name,
            value: median["point_estimate"].as_f64()?,
            low: interval["lower_bound"].as_f64()?,
            high: interval["upper_bound"].as_f64()?,
            confidence: interval["confidence_level"].as_f64()?,
        })
    }

    fn row(&self) -> Value {
        let Self { name, value, low, high, confidence } = self;
        json!({
            "part": PART, "name": name, "value": value, "low": low, "high": high,
            "confidence": confidence, "unit": "ns", "goal": null, "met": true,
        })
    }
}

/// The median of each benchmark that was measured after `start`, by name
fn medians(results: &Path, start: SystemTime) -> Result<Vec<Median>> {
    let mut found = Vec::new();
    let mut folders = vec![results.to_owned()];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = fs::read_dir(&folder) else {
            continue;
        };
        for entry in entries {
            let path = entry?.path();
            if path.ends_with("new") {
                found.extend(median(results, &path, start)?);
            } else if path.is_dir() {
                folders.push(path);
            }
        }
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(found)
}

fn median(results: &Path, new: &Path, start: SystemTime) -> Result<Option<Median>> {
    let estimates: PathBuf = new.join("estimates.json");
    if !estimates.exists() || fs::metadata(&estimates)?.modified()? < start {
        return Ok(None);
    }
    let parsed: Value = serde_json::from_str(&fs::read_to_string(&estimates)?)?;
    let name = new.parent().and_then(|folder| folder.strip_prefix(results).ok());
    let name = name.unwrap_or(new).to_string_lossy().replace('\\', "/");
    Ok(Median::parse(name, &parsed))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn only_what_was_measured_now_is_told() {
        let results = std::env::temp_dir().join(format!("everbeat-bench-{}", std::process::id()));
        let new = results.join("wheel/turn/1000/new");
        fs::create_dir_all(&new).unwrap();
        let interval =
            json!({ "confidence_level": 0.95, "lower_bound": 12.0, "upper_bound": 13.0 });
        let median = json!({ "point_estimate": 12.5, "confidence_interval": interval });
        let estimates = json!({ "median": median, "mean": {} }).to_string();
        fs::write(new.join("estimates.json"), estimates).unwrap();

        let hour = Duration::from_secs(3_600);
        let before = medians(&results, SystemTime::now() - hour).unwrap();
        let after = medians(&results, SystemTime::now() + hour).unwrap();
        fs::remove_dir_all(&results).unwrap();
        let name = "wheel/turn/1000".to_owned();
        let expected = Median { name, value: 12.5, low: 12.0, high: 13.0, confidence: 0.95 };
        assert_eq!(before, [expected]);
        assert_eq!(after, []);
        let row = before[0].row();
        assert_eq!(
            (&row["low"], &row["high"], &row["part"]),
            (&json!(12.0), &json!(13.0), &json!(PART))
        );
    }
}
