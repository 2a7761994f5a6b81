//! How late this machine is: short sleeps, and by how much they were overslept. Bounds on real time
//! are the promise plus this, and a trial during which the machine stalled is performed once more.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

const STEP: Duration = Duration::from_millis(50);

/// What was measured here, and by the programs that we started
#[derive(Debug, Clone, Default)]
pub(super) struct Lateness {
    /// Everything over a step, and when it was over
    noted: Arc<Mutex<Vec<(Instant, Duration)>>>,
}

impl Lateness {
    /// Starts to measure, until the last clone is gone
    pub(super) fn measure() -> Self {
        let lateness = Self::default();
        let noted = Arc::downgrade(&lateness.noted);
        thread::spawn(move || {
            while let Some(noted) = noted.upgrade() {
                let due = Instant::now() + STEP;
                thread::sleep(STEP);
                Self { noted }.note(Instant::now(), due.elapsed());
            }
        });
        lateness
    }

    pub(super) fn note(&self, at: Instant, late: Duration) {
        if late > STEP {
            self.noted.lock().unwrap_or_else(PoisonError::into_inner).push((at, late));
        }
    }

    /// The worst since then
    pub(super) fn worst_since(&self, then: Instant) -> Duration {
        let noted = self.noted.lock().unwrap_or_else(PoisonError::into_inner);
        let since = noted.iter().rev().take_while(|(at, _)| *at >= then);
        since.map(|(_, late)| *late).max().unwrap_or_default()
    }
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
}
