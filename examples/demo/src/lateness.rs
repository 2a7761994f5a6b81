//! How late this process itself is: a task that sleeps 10 ms and remembers by how much the worst
//! sleep was overslept. Bounds on real time are the promise plus this.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use crate::note::Note;

const STEP: Duration = Duration::from_millis(10);

/// The worst lateness so far, of this process or of all that report to it
#[derive(Clone, Debug, Default)]
pub(crate) struct Lateness(Arc<AtomicU64>);

impl Lateness {
    /// Starts to measure this process
    pub(crate) fn measure() -> Self {
        let lateness = Self::default();
        let worst = lateness.clone();
        tokio::spawn(async move {
            loop {
                let due = Instant::now() + STEP;
                sleep_until(due).await;
                worst.note(due.elapsed());
            }
        });
        lateness
    }

    pub(crate) fn note(&self, late: Duration) {
        let millis = u64::try_from(late.as_millis()).unwrap_or(u64::MAX);
        self.0.fetch_max(millis, Ordering::Relaxed);
    }

    pub(crate) fn worst(&self) -> Duration {
        Duration::from_millis(self.0.load(Ordering::Relaxed))
    }

    /// Tells the parent whenever it has grown
    pub(crate) fn report(self) {
        tokio::spawn(async move {
            let mut told = 0;
            loop {
                tokio::time::sleep(STEP * 10).await;
                let millis = self.0.load(Ordering::Relaxed);
                if millis > told {
                    told = millis;
                    if (Note::Late { millis }).write().is_err() {
                        return; // the parent is gone, and so will we be
                    }
                }
            }
        });
    }
}
