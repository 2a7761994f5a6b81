//! How late this machine is: a bound on real time is what is promised and the lateness of the run
//! itself. A run on a machine that stalls says nothing and is repeated.

use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::Poll;
use std::thread;
use std::time::Duration;

use everbeat_core::time::Timer;
use everbeat_ws::Runtime;

use crate::peer::pause;

/// What a machine may be late and its run still count
const MOST: Duration = Duration::from_millis(500);
/// A machine that is late each time is the wrong one
const RUNS: usize = 3;
const STEP: Duration = Duration::from_millis(5);

/// The worst lateness since it is measured, by a thread that sleeps in short steps
#[derive(Clone)]
pub(super) struct Lateness(Arc<Worst>);

#[derive(Default)]
struct Worst {
    nanos: AtomicU64,
    over: AtomicBool,
}

impl Lateness {
    fn measure(timer: impl Timer + Send + 'static) -> Self {
        let worst = Arc::<Worst>::default();
        let noted = worst.clone();
        thread::spawn(move || {
            while !noted.over.load(Ordering::Relaxed) {
                let before = timer.now();
                pause(STEP);
                let late = timer.now().saturating_duration_since(before).saturating_sub(STEP);
                noted.nanos.fetch_max(late.as_nanos() as u64, Ordering::Relaxed);
            }
        });
        Self(worst)
    }

    pub(super) fn worst(&self) -> Duration {
        Duration::from_nanos(self.0.nanos.load(Ordering::Relaxed))
    }

    /// That something was over in time
    pub(super) fn within(&self, what: &str, took: Duration, bound: Duration) {
        let late = self.worst();
        assert!(took <= bound + late, "{what} took {took:?}, not {bound:?} and {late:?} of ours");
    }
}

/// Runs a check with its lateness measured; one that ran late is repeated, for it proves nothing
pub(super) async fn measured<R: Runtime, F: Future<Output = ()>>(check: impl Fn(Lateness) -> F) {
    for _ in 0..RUNS {
        let late = Lateness::measure(R::default().timer());
        let mut run = pin!(check(late.clone()));
        let outcome =
            poll_fn(|cx| match catch_unwind(AssertUnwindSafe(|| run.as_mut().poll(cx))) {
                Ok(Poll::Pending) => Poll::Pending,
                Ok(Poll::Ready(())) => Poll::Ready(Ok(())),
                Err(panic) => Poll::Ready(Err(panic)),
            })
            .await;
        late.0.over.store(true, Ordering::Relaxed);
        match outcome {
            Ok(()) => return,
            Err(panic) if late.worst() <= MOST => resume_unwind(panic),
            Err(_) => {}
        }
    }
    panic!("INVALID: this machine was late by more than {MOST:?} in each of {RUNS} runs");
}
