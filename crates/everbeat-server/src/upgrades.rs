//! How many upgrades go on at one time, and their common end when the server stops.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard};
use std::task::{Context, Poll, Waker};

/// The upgrades that go on
pub(crate) struct Upgrades {
    limit: usize,
    /// How many may be told at one time that the server is busy
    refusals: usize,
    /// Read by who becomes a connection, so that none of them waits for another
    closed: RwLock<bool>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The newest permit's number
    newest: u64,
    /// How many of those that run only tell somebody that the server is busy
    refusals: usize,
    /// A permit's number, and the waker of its task once it was polled
    running: HashMap<u64, Option<Waker>>,
    /// The accept loop, while there is no room
    waiting: Option<Waker>,
}

impl Upgrades {
    /// A server that tells a crowd when to come back does so to as many at one time as it upgrades;
    /// an eighth is enough to tell it to the few who are one too many
    pub(crate) fn new(limit: usize, tells_a_crowd: bool) -> Self {
        let refusals = if tells_a_crowd { limit } else { limit.div_ceil(8) };
        Self { limit, refusals, closed: RwLock::new(false), state: Mutex::default() }
    }

    /// Ready while another upgrade may begin, and somebody may be told that the server is busy if
    /// that is what comes next; the accept loop's one task asks
    pub(crate) fn poll_room(&self, cx: &Context<'_>, busy: bool) -> Poll<()> {
        let waker = cx.waker().clone();
        let mut state = self.lock();
        let upgrades = state.running.len() - state.refusals;
        if upgrades < self.limit && !(busy && state.refusals >= self.refusals) {
            return Poll::Ready(());
        }
        let old = state.waiting.replace(waker);
        drop(state);
        drop(old);
        Poll::Pending
    }

    /// Begins an upgrade, which ends when the permit is dropped
    pub(crate) fn begin(self: &Arc<Self>) -> Permit {
        self.permit(self.lock(), false)
    }

    /// Begins to tell somebody that the server is busy, beside the upgrades and without holding them
    /// up; `None` if as many as may be are being told already, and then a socket that is dropped has
    /// to say it
    pub(crate) fn begin_refusal(self: &Arc<Self>) -> Option<Permit> {
        let state = self.lock();
        (state.refusals < self.refusals).then(|| self.permit(state, true))
    }

    fn permit(self: &Arc<Self>, mut state: MutexGuard<'_, State>, refusal: bool) -> Permit {
        state.newest += 1;
        state.refusals += usize::from(refusal);
        let number = state.newest;
        state.running.insert(number, None);
        drop(state);
        Permit { upgrades: self.clone(), number, refusal, seen: None }
    }

    /// Ends all upgrades: nobody is there any more to serve their connections
    pub(crate) fn close(&self) {
        *self.closed.write().unwrap_or_else(PoisonError::into_inner) = true;
        let mut state = self.lock();
        let wakers: Vec<_> = state.running.values_mut().filter_map(Option::take).collect();
        drop(state);
        wakers.into_iter().for_each(Waker::wake);
    }

    /// Does what makes a connection of an upgrade, unless all were ended: whoever ends them finds it
    /// either done or left undone for good
    pub(crate) fn unless_closed<R>(&self, done: impl FnOnce() -> R) -> Option<R> {
        let closed = self.closed();
        if *closed {
            // What is dropped with `done` is not ours
            drop(closed);
            return None;
        }
        Some(done())
    }

    pub(crate) fn is_closed(&self) -> bool {
        *self.closed()
    }

    fn closed(&self) -> RwLockReadGuard<'_, bool> {
        self.closed.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One upgrade's place among the others
pub(crate) struct Permit {
    upgrades: Arc<Upgrades>,
    number: u64,
    refusal: bool,
    /// The waker that was left for the common end
    seen: Option<Waker>,
}

impl Permit {
    /// Whether the upgrade is to be given up; the task is woken when it is
    pub(crate) fn poll_closed(&mut self, cx: &Context<'_>) -> bool {
        if !self.seen.as_ref().is_some_and(|seen| seen.will_wake(cx.waker())) {
            let waker = cx.waker().clone();
            self.seen = Some(waker.clone());
            let mut state = self.upgrades.lock();
            let place = state.running.get_mut(&self.number);
            let old = place.and_then(|place| place.replace(waker));
            drop(state);
            drop(old);
        }
        self.upgrades.is_closed()
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut state = self.upgrades.lock();
        let own = state.running.remove(&self.number);
        state.refusals -= usize::from(self.refusal);
        let waiting = state.waiting.take();
        drop(state);
        drop(own);
        if let Some(waiting) = waiting {
            waiting.wake();
        }
    }
}

#[cfg(test)]
mod tests {

    use std::sync::atomic::Ordering;
    use std::sync::mpsc;
    use std::thread;

    use super::*;
    use crate::testing::Calls;

    #[test]
    fn room_comes_back_with_a_permit_and_the_end_reaches_the_latest_waker() {
        let upgrades = Arc::new(Upgrades::new(2, false));
        let (acceptor, old, new) = <(Arc<Calls>, Arc<Calls>, Arc<Calls>)>::default();
        let wakers = [&acceptor, &old, &new].map(|calls| Waker::from(calls.clone()));
        let [accepting, first, second] = wakers.each_ref().map(Context::from_waker);
        let mut kept = upgrades.begin();
        assert!(upgrades.poll_room(&accepting, false).is_ready());
        let permit = upgrades.begin();
        assert!(upgrades.poll_room(&accepting, false).is_pending());
        drop(permit);
        assert_eq!(acceptor.0.load(Ordering::SeqCst), 1);
        assert!(upgrades.poll_room(&accepting, false).is_ready());

        assert!(!kept.poll_closed(&first) && !kept.poll_closed(&second));
        upgrades.close();
        assert_eq!(old.0.load(Ordering::SeqCst), 0);
        assert_eq!(new.0.load(Ordering::SeqCst), 1);
        assert!(kept.poll_closed(&second));
    }

    #[test]
    fn who_ends_all_waits_for_one_that_is_becoming_a_connection() {
        let upgrades = Arc::new(Upgrades::new(1, false));
        let ending = upgrades.unless_closed(|| {
            let (begun, beginning) = mpsc::channel();
            let ending = upgrades.clone();
            let ending = thread::spawn(move || {
                begun.send(()).unwrap();
                ending.close();
            });
            beginning.recv().unwrap();
            for _ in 0..1_000 {
                thread::yield_now();
                assert!(!ending.is_finished());
            }
            ending
        });
        ending.unwrap().join().unwrap();
        assert!(upgrades.is_closed() && upgrades.unless_closed(|| ()).is_none());
    }

    #[test]
    fn a_crowd_that_is_told_to_come_back_waits_for_who_is_being_told() {
        let waker = Waker::noop();
        let cx = Context::from_waker(waker);
        for (crowd, most) in [(false, 1), (true, 8)] {
            let upgrades = Arc::new(Upgrades::new(8, crowd));
            let mut told: Vec<_> = (0..most).map(|_| upgrades.begin_refusal().unwrap()).collect();
            assert!(upgrades.begin_refusal().is_none());
            assert!(upgrades.poll_room(&cx, false).is_ready(), "they hold up no upgrade");
            assert!(upgrades.poll_room(&cx, true).is_pending());
            told.pop();
            assert!(upgrades.poll_room(&cx, true).is_ready());
        }
    }
}
