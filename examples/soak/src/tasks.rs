//! A spawner that counts: how many tasks of a runtime have been started, and have not ended.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use everbeat_core::Spawn;

/// A task of any kind; the box is the counter's price, not the library's
pub(crate) type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

/// How many tasks are alive
#[derive(Clone, Debug, Default)]
pub(crate) struct Tasks(Arc<AtomicUsize>);

impl Tasks {
    pub(crate) fn alive(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }

    /// The same future, counted until it is dropped, whether it has ended or not
    pub(crate) fn counted<F>(&self, future: F) -> Task
    where
        F: Future + Send + 'static,
    {
        self.0.fetch_add(1, Ordering::SeqCst);
        let leaving = Leaving(self.clone());
        Box::pin(async move {
            let _leaving = leaving;
            drop(future.await);
        })
    }
}

struct Leaving(Tasks);

impl Drop for Leaving {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// A runtime's spawner, and the count of its tasks
#[derive(Clone, Debug)]
pub(crate) struct Counting<R> {
    runtime: R,
    pub(crate) tasks: Tasks,
}

impl<R: Default> Counting<R> {
    pub(crate) fn new(tasks: Tasks) -> Self {
        Self { runtime: R::default(), tasks }
    }
}

impl<R, F> Spawn<F> for Counting<R>
where
    R: Spawn<Task>,
    F: Future + Send + 'static,
{
    fn spawn(&self, future: F) {
        self.runtime.spawn(self.tasks.counted(future));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_counts_until_it_is_dropped() {
        let tasks = Tasks::default();
        let (first, second) = (tasks.counted(async {}), tasks.counted(async {}));
        assert_eq!(tasks.alive(), 2);
        drop(first);
        assert_eq!(tasks.alive(), 1);
        smol::block_on(second);
        assert_eq!(tasks.alive(), 0);
    }
}
