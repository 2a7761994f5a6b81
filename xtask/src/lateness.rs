//! How late this machine is: short sleeps, and by how much they were overslept. Bounds on real time
//! are the promise plus this, and a trial during which the machine stalled is performed once more.

use std::sync::{Arc, Mutex, PoisonError, Weak, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::processors;

const STEP: Duration = Duration::from_millis(50);

/// Everything over a step, and when it was over
type Notes = Mutex<Vec<(Instant, Duration)>>;
type Noted = Arc<Notes>;

/// What was measured here, and by programs that we started
#[derive(Debug, Clone, Default)]
pub(crate) struct Lateness {
    noted: Noted,
    /// The machine's, where `noted` is a trial's own
    machine: Noted,
}

impl Lateness {
    /// Starts to measure the machine, until the last clone is gone
    pub(crate) fn measure() -> Self {
        let lateness = Self::default();
        let noted = Arc::downgrade(&lateness.noted);
        thread::spawn(move || sleep(&noted));
        lateness
    }

    /// Measures these processors as well, each by itself: a sleeper who may wake on any of them does
    /// not see that one was taken away
    pub(crate) fn on_each(self, processors: &[usize]) -> Result<Self> {
        for &processor in processors {
            let noted = Arc::downgrade(&self.noted);
            let (kept, is_kept) = mpsc::sync_channel(1);
            thread::spawn(move || {
                let told = processors::keep_to(processor);
                let sleeps = told.is_ok();
                if kept.send(told).is_ok() && sleeps {
                    sleep(&noted);
                }
            });
            is_kept.recv()??;
        }
        Ok(self)
    }

    /// The machine's, and what a trial's own programs tell of themselves
    pub(crate) fn of_trial(&self) -> Self {
        Self { noted: Noted::default(), machine: self.noted.clone() }
    }

    pub(crate) fn note(&self, at: Instant, late: Duration) {
        note(&self.noted, at, late);
    }

    /// The worst since then
    pub(crate) fn worst_since(&self, then: Instant) -> Duration {
        worst_since(&self.noted, then).max(worst_since(&self.machine, then))
    }
}

/// One short sleep after the other, until nobody asks any more
fn sleep(noted: &Weak<Notes>) {
    while let Some(noted) = noted.upgrade() {
        let due = Instant::now() + STEP;
        thread::sleep(STEP);
        note(&noted, Instant::now(), due.elapsed());
    }
}

fn note(noted: &Noted, at: Instant, late: Duration) {
    if late > STEP {
        noted.lock().unwrap_or_else(PoisonError::into_inner).push((at, late));
    }
}

fn worst_since(noted: &Noted, then: Instant) -> Duration {
    let noted = noted.lock().unwrap_or_else(PoisonError::into_inner);
    let since = noted.iter().rev().take_while(|(at, _)| *at >= then);
    since.map(|(_, late)| *late).max().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_since_then_counts_and_trifles_do_not() {
        let (lateness, then) = (Lateness::default(), Instant::now());
        let at = |step: u32| then + STEP * step;
        lateness.note(at(1), STEP * 9);
        lateness.note(at(2), STEP * 4);
        lateness.note(at(3), STEP * 2);
        lateness.note(at(4), STEP / 2);
        assert_eq!(lateness.worst_since(then), STEP * 9);
        assert_eq!(lateness.worst_since(at(2)), STEP * 4);
        assert_eq!(lateness.worst_since(at(4)), Duration::ZERO);
    }

    #[test]
    fn a_trial_knows_the_machines_and_its_own_and_no_other_trials() {
        let (machine, then) = (Lateness::default(), Instant::now());
        let (one, other) = (machine.of_trial(), machine.of_trial());
        one.note(then, STEP * 9);
        machine.note(then, STEP * 4);
        assert_eq!(one.worst_since(then), STEP * 9);
        assert_eq!(other.worst_since(then), STEP * 4);
    }
}
