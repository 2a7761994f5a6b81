//! What libFuzzer says of itself, read line by line: shown every few seconds, and whole only where
//! something broke.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// How many of its last lines tell why it broke: a panic, where, and the input
const TOLD: usize = 60;
const EVERY: Duration = Duration::from_secs(5);

/// What was read so far
#[derive(Debug)]
pub(super) struct Progress {
    target: String,
    start: Instant,
    shown: Instant,
    last: VecDeque<String>,
    pub(super) inputs: u64,
    pub(super) edges: u64,
    /// Where the input lies that broke it
    pub(super) broken: Option<String>,
}

impl Progress {
    pub(super) fn new(target: &str) -> Self {
        let now = Instant::now();
        Self {
            target: target.to_owned(),
            start: now,
            shown: now,
            last: VecDeque::new(),
            inputs: 0,
            edges: 0,
            broken: None,
        }
    }

    pub(super) fn read(&mut self, line: &str) {
        if let Some((_, path)) = line.split_once("Test unit written to ") {
            self.broken = Some(path.to_owned());
        }
        let Some((inputs, edges)) = pulse(line) else {
            if self.last.len() == TOLD {
                self.last.pop_front();
            }
            self.last.push_back(line.to_owned());
            return;
        };
        self.inputs = inputs;
        self.edges = edges;
        if self.shown.elapsed() >= EVERY {
            self.shown = Instant::now();
            let seconds = self.start.elapsed().as_secs();
            eprintln!(
                "  {:<14} {seconds:>5} s  {inputs:>10} inputs  {edges:>5} edges",
                self.target
            );
        }
    }

    /// Shows what it said last
    pub(super) fn tell(&self) {
        for line in &self.last {
            eprintln!("  {line}");
        }
    }
}

/// Inputs tried and edges reached, of a line such as `#512 NEW cov: 88 ft: 90 corp: 3/9b ..`
fn pulse(line: &str) -> Option<(u64, u64)> {
    let mut words = line.strip_prefix('#')?.split_whitespace();
    let inputs = words.next()?.parse().ok()?;
    let edges = words.skip_while(|word| *word != "cov:").nth(1)?.parse().ok()?;
    Some((inputs, edges))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_progress_are_told_from_others() {
        let line = "#2097152\tpulse  cov: 1672 ft: 4127 corp: 854/109Kb lim: 210 exec/s: 8171";
        assert_eq!(pulse(line), Some((2_097_152, 1_672)));
        assert_eq!(pulse("###### Recommended dictionary. ######"), None);
        assert_eq!(pulse("thread '<unnamed>' panicked at src/url.rs:1:1:"), None);
    }

    #[test]
    fn what_broke_it_is_remembered_and_only_the_end_is_told() {
        let mut progress = Progress::new("url");
        (0..100).for_each(|number| progress.read(&format!("   {number}: a frame")));
        progress.read("artifact_prefix='x/'; Test unit written to x/crash-1");
        assert_eq!(progress.broken.as_deref(), Some("x/crash-1"));
        assert_eq!(progress.last.len(), TOLD);
    }
}
