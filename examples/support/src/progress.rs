//! How far the study is, on standard error: a bar where there is a terminal, else a line now and
//! then.

use std::io::{IsTerminal, Write, stderr};
use std::time::{Duration, Instant};

const WIDTH: usize = 32;

/// How far a study is
#[derive(Debug)]
pub struct Progress {
    start: Instant,
    shown: Instant,
    terminal: bool,
    unit: &'static str,
    done: f64,
    total: f64,
}

#[expect(clippy::disallowed_methods, reason = "it tells real time; the simulations have their own")]
impl Progress {
    /// Nothing is done of so much, in this unit
    #[must_use]
    pub fn new(total: f64, unit: &'static str) -> Self {
        let now = Instant::now();
        Self { start: now, shown: now, terminal: stderr().is_terminal(), unit, done: 0.0, total }
    }

    /// So much more is done, and it is called so
    pub fn done(&mut self, weight: f64, name: &str) {
        self.done += weight;
        let every = Duration::from_millis(if self.terminal { 100 } else { 15_000 });
        if self.shown.elapsed() < every {
            return;
        }
        self.shown = Instant::now();
        let share = (self.done / self.total).min(1.0);
        let line = line(share, self.start.elapsed(), name);
        let line = if self.terminal { format!("\r{line}\x1b[K") } else { format!("{line}\n") };
        // Whoever does not read it any more has the result.
        _ = stderr().write_all(line.as_bytes());
    }

    /// All is done: says how fast it was
    pub fn finish(&self) {
        let took = self.start.elapsed().as_secs_f64();
        let clear = if self.terminal { "\r\x1b[K" } else { "" };
        let (done, speed) = (self.done, self.done / took.max(0.001));
        let unit = self.unit;
        let line = format!("{clear}{done:.0} {unit} in {took:.0} s, {speed:.0} a second\n");
        _ = stderr().write_all(line.as_bytes());
    }
}

fn line(share: f64, elapsed: Duration, what: &str) -> String {
    let full = (share * WIDTH as f64).round() as usize;
    let bar = format!("{}{}", "█".repeat(full), "░".repeat(WIDTH.saturating_sub(full)));
    let left = elapsed.as_secs_f64() * (1.0 - share) / share.max(0.001);
    let (minutes, seconds) = ((left / 60.0) as u64, left as u64 % 60);
    format!("{bar} {:>3.0} %  {minutes}:{seconds:02} left  {what}", share * 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_how_far_it_is_and_how_long_it_takes() {
        let line = line(0.25, Duration::from_secs(60), "roam");
        assert_eq!(line.matches('█').count(), WIDTH / 4);
        assert!(line.ends_with(" 25 %  3:00 left  roam"), "{line}");
    }
}
