//! The requests that wait for the server, in the order in which they came: as many as may, and each as
//! long as its client does.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

/// The queue, for those who come
pub(crate) struct Queue<T>(Arc<Mutex<State<T>>>);

/// Its other end; with it the queue ends
pub(crate) struct Taker<T>(Queue<T>);

struct State<T> {
    most: usize,
    /// The newest one's number
    newest: u64,
    waiting: BTreeMap<u64, T>,
    taker: Option<Waker>,
    over: bool,
}

/// Why nobody more may wait
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Unwanted {
    /// As many as may wait already
    Full,
    /// Nobody takes them any more
    Over,
}

/// A place in the queue, which is another's once this is dropped
#[must_use = "who has no place waits no longer"]
pub(crate) struct Place<T> {
    queue: Queue<T>,
    number: u64,
}

/// A queue for so many, and who takes them out of it
pub(crate) fn queue<T>(most: usize) -> (Queue<T>, Taker<T>) {
    let state = State { most, newest: 0, waiting: BTreeMap::new(), taker: None, over: false };
    let queue = Queue(Arc::new(Mutex::new(state)));
    (queue.clone(), Taker(queue))
}

impl<T> Queue<T> {
    /// Waits behind those who do
    pub(crate) fn wait(&self, one: T) -> Result<Place<T>, Unwanted> {
        let mut state = self.lock();
        let unwanted = match &*state {
            state if state.over => Some(Unwanted::Over),
            state if state.waiting.len() >= state.most => Some(Unwanted::Full),
            _ => None,
        };
        if let Some(unwanted) = unwanted {
            // What is dropped with it is not ours
            drop(state);
            return Err(unwanted);
        }
        state.newest += 1;
        let number = state.newest;
        state.waiting.insert(number, one);
        let taker = state.taker.take();
        drop(state);
        if let Some(taker) = taker {
            taker.wake();
        }
        Ok(Place { queue: self.clone(), number })
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Taker<T> {
    /// Who has waited longest
    pub(crate) fn poll_take(&self, cx: &Context<'_>) -> Poll<T> {
        let waker = cx.waker().clone();
        let mut state = self.0.lock();
        if let Some((_, one)) = state.waiting.pop_first() {
            return Poll::Ready(one);
        }
        let old = state.taker.replace(waker);
        drop(state);
        drop(old);
        Poll::Pending
    }
}

impl<T> Clone for Queue<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T> Drop for Place<T> {
    fn drop(&mut self) {
        let left = self.queue.lock().waiting.remove(&self.number);
        drop(left);
    }
}

impl<T> Drop for Taker<T> {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.over = true;
        let left = (std::mem::take(&mut state.waiting), state.taker.take());
        drop(state);
        drop(left);
    }
}

#[cfg(test)]
mod tests;
