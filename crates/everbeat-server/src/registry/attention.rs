//! What a connection's task is told over its handler's head: that it is to end, or to drop the
//! handler, or only to look again.

use std::sync::atomic::{AtomicU8, Ordering};
use std::task::Context;

use futures_util::task::AtomicWaker;

/// Flags for a task, and its waker
#[derive(Default)]
pub(crate) struct Attention {
    flags: AtomicU8,
    waker: AtomicWaker,
}

/// An order was given that the connection has `close_timeout` to obey
const ORDERED: u8 = 1;
/// The server's last word: the task drops its handler
const CUT: u8 = 2;
/// An order was given that the server itself sees to, at the end of its shutdown
const LEAVING: u8 = 4;

/// What the task was told so far
#[derive(Clone, Copy)]
pub(crate) struct Told(u8);

impl Told {
    pub(crate) const fn ordered(self) -> bool {
        self.0 & ORDERED != 0
    }

    pub(crate) const fn cut(self) -> bool {
        self.0 & CUT != 0
    }

    pub(crate) const fn leaving(self) -> bool {
        self.0 & LEAVING != 0
    }
}

impl Attention {
    pub(crate) fn ordered(&self) {
        self.tell(ORDERED);
    }

    pub(crate) fn cut(&self) {
        self.tell(CUT);
    }

    pub(crate) fn leaving(&self) {
        self.tell(LEAVING);
    }

    pub(crate) fn is_cut(&self) -> bool {
        Told(self.flags.load(Ordering::SeqCst)).cut()
    }

    /// Has the task look at what may have changed
    pub(crate) fn look(&self) {
        self.tell(0);
    }

    fn tell(&self, flag: u8) {
        self.flags.fetch_or(flag, Ordering::SeqCst);
        self.waker.wake();
    }

    /// What was told, for good; the task is woken when there is more
    ///
    /// The waker is left at each poll, for nobody but the one who takes it knows when it was taken:
    /// two steps on a word of the task's own, and no lock.
    pub(crate) fn poll(&self, cx: &Context<'_>) -> Told {
        self.waker.register(cx.waker());
        Told(self.flags.load(Ordering::SeqCst))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::AtomicUsize;
    use std::task::Waker;

    use super::*;
    use crate::testing::Calls;

    #[test]
    fn the_latest_waker_is_called_each_time_that_something_is_told() {
        let attention = Attention::default();
        let (old, new) = (Arc::<Calls>::default(), Arc::<Calls>::default());
        let wakers = [Waker::from(old.clone()), Waker::from(new.clone())];
        let cx = wakers.each_ref().map(Context::from_waker);
        assert!(!attention.poll(&cx[0]).ordered());
        assert!(!attention.poll(&cx[1]).ordered());
        for told in 1..=3 {
            attention.look();
            assert_eq!(new.0.load(Ordering::SeqCst), told);
            assert!(!attention.poll(&cx[1]).cut());
        }
        attention.ordered();
        let told = attention.poll(&cx[1]);
        assert!(told.ordered() && !told.cut());
        attention.cut();
        assert!(attention.poll(&cx[1]).cut());
        assert_eq!((old.0.load(Ordering::SeqCst), new.0.load(Ordering::SeqCst)), (0, 5));
    }

    /// A task that is polled for other reasons while somebody tells it something
    #[test]
    fn nothing_is_lost_after_a_poll_in_the_middle_of_a_telling() {
        for round in 0..20_000 {
            let attention = Attention::default();
            let calls = Arc::<Calls>::default();
            let waker = Waker::from(calls.clone());
            let cx = Context::from_waker(&waker);
            attention.poll(&cx);
            let step = AtomicUsize::new(0);
            std::thread::scope(|scope| {
                scope.spawn(|| {
                    step.store(1, Ordering::SeqCst);
                    attention.look();
                    step.store(2, Ordering::SeqCst);
                });
                while step.load(Ordering::SeqCst) != 2 {
                    attention.poll(&cx);
                }
            });
            // What the executor owes for the wake-ups so far
            attention.poll(&cx);
            let before = calls.0.load(Ordering::SeqCst);
            attention.cut();
            assert!(calls.0.load(Ordering::SeqCst) > before, "asleep for good, round {round}");
        }
    }
}
