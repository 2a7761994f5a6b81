//! What a connection's task is told over its handler's head: that it is to end, or to drop the
//! handler, or only to look again.

use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Waker};

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
/// Something was told, and with that the waker is used up
const WOKEN: u8 = 4;

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
}

impl Attention {
    pub(crate) fn ordered(&self) {
        self.tell(ORDERED);
    }

    pub(crate) fn cut(&self) {
        self.tell(CUT);
    }

    /// Has the task look at what may have changed
    pub(crate) fn look(&self) {
        self.tell(0);
    }

    fn tell(&self, flag: u8) {
        self.flags.fetch_or(flag | WOKEN, Ordering::SeqCst);
        self.waker.wake();
    }

    /// What was told, for good; the task is woken when there is more
    ///
    /// `seen` is the waker that was left last: it is left anew only when it changes or is used up.
    pub(crate) fn poll(&self, seen: &mut Option<Waker>, cx: &Context<'_>) -> Told {
        let known = seen.as_ref().is_some_and(|seen| seen.will_wake(cx.waker()));
        if !known || self.flags.load(Ordering::SeqCst) & WOKEN != 0 {
            // Before the waker is left: what is told in between is read below
            self.flags.fetch_and(!WOKEN, Ordering::SeqCst);
            self.waker.register(cx.waker());
            *seen = Some(cx.waker().clone());
        }
        Told(self.flags.load(Ordering::SeqCst))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::AtomicUsize;
    use std::task::Wake;

    use super::*;

    #[derive(Default)]
    struct Calls(AtomicUsize);

    impl Wake for Calls {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    #[test]
    fn the_latest_waker_is_called_each_time_that_something_is_told() {
        let attention = Attention::default();
        let (old, new) = (Arc::<Calls>::default(), Arc::<Calls>::default());
        let wakers = [Waker::from(old.clone()), Waker::from(new.clone())];
        let cx = wakers.each_ref().map(Context::from_waker);
        let mut seen = None;
        assert!(!attention.poll(&mut seen, &cx[0]).ordered());
        assert!(!attention.poll(&mut seen, &cx[1]).ordered());
        for told in 1..=3 {
            attention.look();
            assert_eq!(new.0.load(Ordering::SeqCst), told);
            assert!(!attention.poll(&mut seen, &cx[1]).cut());
        }
        attention.ordered();
        let told = attention.poll(&mut seen, &cx[1]);
        assert!(told.ordered() && !told.cut());
        attention.cut();
        assert!(attention.poll(&mut seen, &cx[1]).cut());
        assert_eq!((old.0.load(Ordering::SeqCst), new.0.load(Ordering::SeqCst)), (0, 5));
    }
}
