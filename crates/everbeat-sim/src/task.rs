//! What `spawn` returns: a handle to wait for a task, to abort it, and to count its polls.

use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

use crate::executor::{Spawner, Ticket};
use crate::machine::HostId;

/// A spawned task
///
/// Awaiting it yields its output, or `None` if it was aborted. Dropping it detaches the task, which
/// then runs on.
///
/// ```
/// use std::time::Duration;
/// use everbeat_sim::Sim;
///
/// let mut sim = Sim::seed(7);
/// let task = sim.spawn(async { 6 * 7 });
/// assert_eq!(sim.block_on(task, Duration::ZERO)?, Some(42));
/// # Ok::<_, everbeat_sim::SimError>(())
/// ```
pub struct Task<T> {
    ticket: Arc<Ticket>,
    ending: Arc<Mutex<Ending<T>>>,
}

struct Ending<T> {
    over: bool,
    output: Option<T>,
    waiting: Option<Waker>,
}

impl<T: 'static> Task<T> {
    pub(crate) fn spawn(
        spawner: &Spawner,
        host: HostId,
        future: impl Future<Output = T> + 'static,
    ) -> Self {
        let ending = Arc::new(Mutex::new(Ending { over: false, output: None, waiting: None }));
        let announce = Announce(ending.clone());
        let ticket = spawner.spawn(host, async move {
            let announce = announce;
            let output = future.await;
            lock(&announce.0).output = Some(output);
        });
        Self { ticket, ending }
    }
}

impl<T> Task<T> {
    /// Ends the task at its next turn: what it owns is dropped, as if its process had been killed
    pub fn abort(&self) {
        self.ticket.abort();
    }

    /// Whether the task has ended, by itself or aborted
    #[must_use]
    pub fn is_finished(&self) -> bool {
        lock(&self.ending).over
    }

    /// How often the task was polled: once for its start, and once for each wake
    #[must_use]
    pub fn polls(&self) -> u64 {
        self.ticket.polls()
    }

    /// Takes the output, once the task has ended; `None` before, after, and if it was aborted
    #[must_use]
    pub fn take(&self) -> Option<T> {
        lock(&self.ending).output.take()
    }
}

/// # Cancel safety
///
/// Dropping the wait loses nothing: the output stays until it is taken.
impl<T> Future for Task<T> {
    type Output = Option<T>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        let mut ending = lock(&self.ending);
        if ending.over {
            return Poll::Ready(ending.output.take());
        }
        ending.waiting = Some(cx.waker().clone());
        Poll::Pending
    }
}

impl<T> fmt::Debug for Task<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Task").field("finished", &self.is_finished()).finish_non_exhaustive()
    }
}

/// Says that the task is over, also when it is dropped unfinished
struct Announce<T>(Arc<Mutex<Ending<T>>>);

impl<T> Drop for Announce<T> {
    fn drop(&mut self) {
        let waiting = {
            let mut ending = lock(&self.0);
            ending.over = true;
            ending.waiting.take()
        };
        if let Some(waker) = waiting {
            waker.wake();
        }
    }
}

fn lock<T>(ending: &Mutex<Ending<T>>) -> std::sync::MutexGuard<'_, Ending<T>> {
    ending.lock().unwrap_or_else(PoisonError::into_inner)
}
