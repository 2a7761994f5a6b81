//! The processors that are ours, and a program on one of them.

use std::fs;
use std::process::Command;

use anyhow::{Context, Result};

use crate::shell::Shell;

/// Their numbers
pub(crate) fn ours() -> Result<Vec<usize>> {
    let status = fs::read_to_string("/proc/self/status")?;
    allowed(&status).context("another kind of /proc")
}

/// A program that runs on this processor only; by `taskset`, which becomes it
pub(crate) fn on(shell: &Shell, processor: usize, line: &[String]) -> Command {
    let mut command = shell.program("taskset");
    command.args(["-c", &processor.to_string()]).args(line);
    command
}

/// Keeps the thread that calls to this processor, where the system lets it
#[cfg(target_os = "linux")]
pub(crate) fn keep_to(processor: usize) -> Result<()> {
    use rustix::thread::{CpuSet, sched_setaffinity};
    let mut set = CpuSet::new();
    set.set(processor);
    let kept = sched_setaffinity(None, &set);
    kept.with_context(|| format!("processor {processor}"))
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn keep_to(processor: usize) -> Result<()> {
    anyhow::bail!("processor {processor}: this system lets no thread choose")
}

fn allowed(status: &str) -> Option<Vec<usize>> {
    let list = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:"))?.trim();
    let ranges = list.split(',').map(|range| {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        Some(first.parse().ok()?..=last.parse().ok()?)
    });
    Some(ranges.collect::<Option<Vec<_>>>()?.into_iter().flatten().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_processors_of_a_list() {
        let of = |list: &str| allowed(&format!("Name:\tx\nCpus_allowed_list:\t{list}\n"));
        assert_eq!(of("0-1"), Some(vec![0, 1]));
        assert_eq!(of("2,4-6"), Some(vec![2, 4, 5, 6]));
        assert_eq!(of(""), None);
        assert_eq!(allowed("Name:\tx\n"), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_thread_is_kept_where_it_is_told() {
        let all = ours().unwrap();
        for &one in &all {
            let status = std::thread::spawn(move || {
                keep_to(one).unwrap();
                fs::read_to_string("/proc/thread-self/status").unwrap()
            });
            assert_eq!(allowed(&status.join().unwrap()), Some(vec![one]));
        }
        assert_eq!(ours().unwrap(), all, "and no other thread with it");
    }
}
