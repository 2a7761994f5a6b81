//! How late this process itself is: a task that sleeps 50 ms and remembers by how much the worst
//! sleep was overslept. Bounds on real time are the promise plus this, and a trial during which the
//! machine stalled is performed once more.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use everbeat_core::time::Timer;
use everbeat_support::{STEP, overslept};
use everbeat_tokio::transport::TokioTimer;

use crate::note::Note;

/// The worst lateness of the present trial, of this process and of all that report to it
#[derive(Clone, Debug, Default)]
pub(crate) struct Lateness {
    /// Milliseconds
    present: Arc<AtomicU64>,
    before: Duration,
}

impl Lateness {
    /// Starts to measure this process
    pub(crate) fn measure() -> Self {
        let lateness = Self::default();
        let worst = lateness.clone();
        tokio::spawn(async move {
            let timer = TokioTimer::new();
            loop {
                worst.note(overslept(&timer).await);
            }
        });
        lateness
    }

    pub(crate) fn note(&self, late: Duration) {
        let millis = u64::try_from(late.as_millis()).unwrap_or(u64::MAX);
        self.present.fetch_max(millis, Ordering::Relaxed);
    }

    /// A trial begins
    pub(crate) fn begin(&mut self) {
        self.before = Duration::from_millis(self.present.swap(0, Ordering::Relaxed));
    }

    /// The worst of the present trial
    pub(crate) fn worst(&self) -> Duration {
        Duration::from_millis(self.present.load(Ordering::Relaxed))
    }

    /// The worst of the present trial and of the one before, for what has lasted longer than one
    pub(crate) fn recent(&self) -> Duration {
        self.worst().max(self.before)
    }
}

/// Tells the parent how late this process was, whenever it was more than a step, until there is no
/// parent any more
pub(crate) async fn report(timer: impl Timer) {
    loop {
        let mut late = Duration::ZERO;
        for _ in 0..10 {
            late = late.max(overslept(&timer).await);
        }
        let millis = u64::try_from(late.as_millis()).unwrap_or(u64::MAX);
        if late > STEP && (Note::Late { millis }).write().is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MILLI: Duration = Duration::from_millis(1);

    #[test]
    fn what_was_measured_belongs_to_its_trial_and_is_remembered_for_the_next() {
        let mut lateness = Lateness::default();
        lateness.note(MILLI * 900);
        lateness.note(MILLI);
        assert_eq!(lateness.worst(), MILLI * 900);
        lateness.begin();
        lateness.note(MILLI * 30);
        assert_eq!((lateness.worst(), lateness.recent()), (MILLI * 30, MILLI * 900));
        lateness.begin();
        assert_eq!((lateness.worst(), lateness.recent()), (Duration::ZERO, MILLI * 30));
    }
}
