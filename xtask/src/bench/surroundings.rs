//! What a reader needs to know of a run: the machine, versions, how quiet it was.

use std::fs;

use serde_json::{Value, json};

use super::Wanted;
use super::contestants::{RAW_EPOLL, RAW_TCP};
use super::figures::Figures;
use super::stage::Theatre;
use crate::shell::{Shell, cargo};

/// What there was around it
pub(super) fn of(
    shell: &Shell,
    theatre: &Theatre<'_>,
    wanted: &Wanted,
    figures: &Figures,
    commit: &str,
) -> Value {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let said = |program: &str, words: &[&str]| {
        let said = shell.read(shell.program(program).args(words)).unwrap_or_default();
        said.trim().to_owned()
    };
    json!({
        "commit": commit,
        "date": said("date", &["-u", "+%F"]),
        "versions": figures.versions,
        "processor": value(&read("/proc/cpuinfo"), "model name"),
        "processors": theatre.processors,
        "memory": value(&read("/proc/meminfo"), "MemTotal"),
        "kernel": read("/proc/sys/kernel/osrelease").trim(),
        "rustc": said("rustc", &["--version"]),
        "cargo": said(&cargo(), &["--version"]),
        "rounds": wanted.rounds,
        "small": wanted.small,
        "faults": theatre.faults,
        "worst_lateness_ms": theatre.late().as_secs_f64() * 1e3,
        "taken_by_others": theatre.taken(),
        "load_average": read("/proc/loadavg").trim(),
        "spread_of_the_floors": spread(figures),
    })
}

/// What stands behind this name in a file of lines with colons
fn value(text: &str, name: &str) -> String {
    let lines = text.lines().filter_map(|line| line.split_once(':'));
    let mut found = lines.filter(|(known, _)| known.trim() == name);
    found.next().map(|(_, value)| value.trim().to_owned()).unwrap_or_default()
}

/// By how much the floors differ from round to round, in parts of their median: the noise of the run
fn spread(figures: &Figures) -> f64 {
    let floors = figures.all.iter().filter(|figure| {
        [RAW_TCP, RAW_EPOLL].contains(&&*figure.peer) && figure.what.ends_with("CPU")
    });
    let spreads = floors.filter_map(|figure| {
        let mut values = figure.values.clone();
        values.sort_by(f64::total_cmp);
        let middle = values.get(values.len() / 2)?;
        Some((values.last()? - values.first()?) / middle)
    });
    spreads.fold(0.0, f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_found_by_its_name() {
        let text = "processor\t: 0\nmodel name\t: A B\nmodel name\t: C\n";
        assert_eq!(value(text, "model name"), "A B");
        assert_eq!(value(text, "none"), "");
    }

    #[test]
    fn the_noisiest_floor_is_the_noise() {
        let mut figures = Figures::default();
        for (peer, values) in [(RAW_TCP, [10.0, 11.0, 10.0]), ("ours", [1.0, 9.0, 5.0])] {
            values.iter().for_each(|value| figures.add("echo: CPU", "us", peer, *value));
        }
        [1.0, 9.0].iter().for_each(|value| figures.add("echo: p99", "us", RAW_TCP, *value));
        assert!((spread(&figures) - 0.1).abs() < 1e-9);
    }
}
