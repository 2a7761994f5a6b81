//! Criterion's part: all of it or what the words select; its plots are told about.
//!
//! The medians are read from criterion's own files, so that no output is parsed.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::Result;
use serde_json::Value;

use crate::report::Report;
use crate::shell::Shell;

/// Measures what `words` select, and reports the medians
pub(crate) fn measure(shell: &Shell, quick: bool, words: &[String]) -> Result<Report> {
    let start = SystemTime::now();

    // By name, because the libraries' own test harness does not know criterion's words.
    let mut command = shell.cargo("bench --package everbeat-benches --bench * --");
    if quick {
        command.args(["--warm-up-time", "0.3", "--measurement-time", "0.6", "--sample-size", "10"]);
    }
    command.args(words);
    shell.run(&mut command)?;

    let results = shell.target("criterion");
    let plots = results.join("report/index.html");
    if plots.exists() {
        let plots = plots.strip_prefix(shell.root()).unwrap_or(&plots);
        eprintln!("plots: {}", plots.display());
    }
    let mut report = Report::new("bench");
    for (name, nanoseconds) in medians(&results, start)? {
        report.row(name, nanoseconds, "ns", None::<f64>, true);
    }
    Ok(report)
}

/// The median of each benchmark that was measured after `start`, by name
fn medians(results: &Path, start: SystemTime) -> Result<Vec<(String, f64)>> {
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
    found.sort_by(|(a, _), (b, _)| a.cmp(b));
    Ok(found)
}

fn median(results: &Path, new: &Path, start: SystemTime) -> Result<Option<(String, f64)>> {
    let estimates: PathBuf = new.join("estimates.json");
    if !estimates.exists() || fs::metadata(&estimates)?.modified()? < start {
        return Ok(None);
    }
    let parsed: Value = serde_json::from_str(&fs::read_to_string(&estimates)?)?;
    let name = new.parent().and_then(|folder| folder.strip_prefix(results).ok());
    let name = name.unwrap_or(new).to_string_lossy().replace('\\', "/");
    Ok(parsed["median"]["point_estimate"].as_f64().map(|value| (name, value)))
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
        let estimates = r#"{ "median": { "point_estimate": 12.5 } }"#;
        fs::write(new.join("estimates.json"), estimates).unwrap();

        let hour = Duration::from_secs(3_600);
        let before = medians(&results, SystemTime::now() - hour).unwrap();
        let after = medians(&results, SystemTime::now() + hour).unwrap();
        fs::remove_dir_all(&results).unwrap();
        assert_eq!(before, [("wheel/turn/1000".to_owned(), 12.5)]);
        assert_eq!(after, []);
    }
}
