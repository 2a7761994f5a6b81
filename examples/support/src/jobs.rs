//! Many simulations at once, on as many threads as there are processors, with a bar that says how far
//! they are.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::Progress;

/// How much of a study one job is, and what it is called on the way
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "two facts, for one call")]
pub struct Share<'a> {
    /// In the unit of the progress
    pub weight: f64,
    /// Shown while it runs
    pub name: &'a str,
}

/// Runs all jobs, so many at once; what each came to, in their order
///
/// # Errors
///
/// That of a job that failed; those behind it were not begun.
pub fn run_all<J: Sync, T: Send, E: Send>(
    jobs: &[J],
    threads: usize,
    unit: &'static str,
    share: impl Fn(&J) -> Share<'_> + Sync,
    run: impl Fn(&J) -> Result<T, E> + Sync,
) -> Result<Vec<T>, E> {
    let total = jobs.iter().map(|job| share(job).weight).sum();
    let progress = Mutex::new(Progress::new(total, unit));
    let next = AtomicUsize::new(0);
    let done: Vec<Mutex<Option<Result<T, E>>>> = jobs.iter().map(|_| Mutex::new(None)).collect();
    let work = || {
        loop {
            let place = next.fetch_add(1, Ordering::Relaxed);
            let (Some(job), Some(result)) = (jobs.get(place), done.get(place)) else {
                return;
            };
            let ran = run(job);
            if ran.is_err() {
                // Nobody begins another one
                next.store(jobs.len(), Ordering::Relaxed);
            }
            *lock(result) = Some(ran);
            let Share { weight, name } = share(job);
            lock(&progress).done(weight, name);
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..threads.min(jobs.len()) {
            scope.spawn(work);
        }
    });
    lock(&progress).finish();
    // What is missing is missing because of a failure, which is what is returned
    done.into_iter()
        .filter_map(|result| result.into_inner().unwrap_or_else(PoisonError::into_inner))
        .collect()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(jobs: &[u32], threads: usize) -> Result<Vec<u32>, u32> {
        run_all(
            jobs,
            threads,
            "jobs",
            |_| Share { weight: 1.0, name: "" },
            |job| if *job == 7 { Err(7) } else { Ok(job * 2) },
        )
    }

    #[test]
    fn results_are_in_the_order_of_the_jobs_and_a_failure_is_the_result() {
        for threads in [1, 3] {
            assert_eq!(run(&[1, 2, 3, 4, 5], threads), Ok(vec![2, 4, 6, 8, 10]));
            assert_eq!(run(&[1, 7, 3, 4, 5], threads), Err(7));
        }
        assert_eq!(run(&[], 1), Ok(vec![]));
    }
}
