//! A feed of hints from anywhere to any number of clients. A client that hears nothing pays one look
//! at a flag for it; what it has not heard yet is bounded, for hints of one kind are one.

use std::collections::VecDeque;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Waker};
use std::vec::Vec;

use super::Hint;

/// How many addresses that are gone wait for one client at most; beyond them the oldest is forgotten,
/// and the connection is asked instead. Of the other hints there is one of each kind.
const ADDRESSES: usize = 64;

/// Tells clients what happened outside of them, from any thread
///
/// Clones feed the same clients, which subscribe by
/// [`ClientBuilder::hints`](crate::client::ClientBuilder::hints). A client that is gone is forgotten.
///
/// ```
/// use everbeat_core::client::{Hint, Hints};
///
/// let hints = Hints::new();
/// // Client::builder(url).hints(&hints) ..
/// hints.tell(Hint::Foreground); // from wherever the application learns of it
/// ```
#[derive(Clone, Default)]
pub struct Hints {
    inboxes: Arc<Mutex<Vec<Weak<Inbox>>>>,
}

impl Hints {
    /// A feed that nobody listens to yet
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Tells everybody who listens now; a client acts on it when it is next driven, and is woken to be
    pub fn tell(&self, hint: Hint) {
        let mut wakers = Vec::new();
        lock(&self.inboxes).retain(|inbox| {
            let inbox = inbox.upgrade();
            wakers.extend(inbox.as_ref().and_then(|inbox| inbox.put(hint)));
            inbox.is_some()
        });
        // Called after the lock, for its code is not ours.
        wakers.into_iter().for_each(Waker::wake);
    }

    /// How many clients listen
    #[must_use]
    pub fn listeners(&self) -> usize {
        lock(&self.inboxes).iter().filter(|inbox| inbox.strong_count() > 0).count()
    }

    pub(crate) fn subscribe(&self) -> Feed {
        let inbox = Arc::new(Inbox::default());
        let mut inboxes = lock(&self.inboxes);
        if inboxes.len() == inboxes.capacity() {
            // Nobody may ever be told anything, and clients come and go.
            inboxes.retain(|inbox| inbox.strong_count() > 0);
        }
        inboxes.push(Arc::downgrade(&inbox));
        drop(inboxes);
        Feed { inbox, waker: None }
    }
}

impl fmt::Debug for Hints {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hints").field("listeners", &self.listeners()).finish()
    }
}

/// What one client has not heard yet
#[derive(Default)]
struct Inbox {
    waiting: AtomicBool,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    hints: VecDeque<Hint>,
    waker: Option<Waker>,
}

impl Inbox {
    /// Whom to wake for it
    fn put(&self, hint: Hint) -> Option<Waker> {
        let mut state = lock(&self.state);
        state.hints.retain(|earlier| *earlier != hint);
        state.hints.push_back(hint);
        if state.hints.iter().filter(|hint| is_gone(**hint)).count() > ADDRESSES {
            state.hints.retain(|earlier| *earlier != Hint::NetworkChanged);
            if let Some(oldest) = state.hints.iter_mut().find(|hint| is_gone(**hint)) {
                *oldest = Hint::NetworkChanged;
            }
        }
        self.waiting.store(true, Ordering::Release);
        state.waker.clone()
    }

    fn take(&self) -> Option<Hint> {
        let mut state = lock(&self.state);
        let hint = state.hints.pop_front();
        self.waiting.store(!state.hints.is_empty(), Ordering::Release);
        hint
    }
}

const fn is_gone(hint: Hint) -> bool {
    matches!(hint, Hint::AddressGone(_))
}

/// A client's end of a feed
pub(crate) struct Feed {
    inbox: Arc<Inbox>,
    /// The one that the inbox wakes
    waker: Option<Waker>,
}

impl Feed {
    /// The next hint, if one waits; the task is woken for those that come later
    #[inline]
    pub(crate) fn poll(&mut self, cx: &Context<'_>) -> Option<Hint> {
        let inbox = &self.inbox;
        if !self.waker.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
            self.waker = Some(cx.waker().clone());
            lock(&inbox.state).waker.clone_from(&self.waker);
        }
        // After the waker is in place: what is told from now on wakes.
        if inbox.waiting.load(Ordering::Acquire) { inbox.take() } else { None }
    }
}

/// No step leaves what is locked half-changed, so a panic of another thread is no reason to stop
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;
    use std::sync::atomic::AtomicUsize;
    use std::task::Wake;

    use super::*;

    #[derive(Default)]
    struct Woken(AtomicUsize);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn everybody_hears_in_order_what_was_told_since_he_listens() {
        let hints = Hints::new();
        hints.tell(Hint::Offline);
        let (woken, mut feeds) =
            (Arc::new(Woken::default()), [hints.subscribe(), hints.subscribe()]);
        let waker = Waker::from(woken.clone());
        let cx = Context::from_waker(&waker);
        for feed in &mut feeds {
            assert_eq!(feed.poll(&cx), None);
        }
        hints.clone().tell(Hint::Foreground);
        hints.tell(Hint::NetworkChanged);
        assert_eq!(woken.0.load(Ordering::Relaxed), 4);
        for feed in &mut feeds {
            let heard = [feed.poll(&cx), feed.poll(&cx), feed.poll(&cx)];
            assert_eq!(heard, [Some(Hint::Foreground), Some(Hint::NetworkChanged), None]);
        }
    }

    #[test]
    fn what_nobody_hears_does_not_pile_up_and_no_kind_is_forgotten() {
        let hints = Hints::new();
        let mut feed = hints.subscribe();
        hints.tell(Hint::Foreground);
        for last in 0..=255 {
            hints.tell(Hint::Offline);
            hints.tell(Hint::AddressGone(Ipv4Addr::new(192, 0, 2, last).into()));
            hints.tell(Hint::Online);
        }
        let cx = Context::from_waker(Waker::noop());
        let heard = std::iter::from_fn(|| feed.poll(&cx)).collect::<Vec<_>>();
        // The addresses that were forgotten have the connection asked.
        assert_eq!(heard.len(), ADDRESSES + 4);
        assert_eq!(heard[..2], [Hint::Foreground, Hint::NetworkChanged]);
        assert_eq!(heard.last(), Some(&Hint::Online));
        assert_eq!(heard.iter().filter(|hint| **hint == Hint::Offline).count(), 1);
        assert!(heard.contains(&Hint::AddressGone(Ipv4Addr::new(192, 0, 2, 255).into())));
    }

    #[test]
    fn clients_that_come_and_go_leave_nothing_although_nobody_is_told_anything() {
        let hints = Hints::new();
        let stays = hints.subscribe();
        for _ in 0..10_000 {
            drop(hints.subscribe());
        }
        assert!(lock(&hints.inboxes).len() < 100, "{}", lock(&hints.inboxes).len());
        assert_eq!(hints.listeners(), 1);
        drop(stays);
    }

    #[test]
    fn who_is_woken_may_subscribe() {
        struct Curious(Hints);
        impl Wake for Curious {
            fn wake(self: Arc<Self>) {
                drop(self.0.subscribe());
            }
        }
        let hints = Hints::new();
        let mut feed = hints.subscribe();
        let waker = Waker::from(Arc::new(Curious(hints.clone())));
        assert_eq!(feed.poll(&Context::from_waker(&waker)), None);
        hints.tell(Hint::Online);
        assert_eq!(feed.poll(&Context::from_waker(&waker)), Some(Hint::Online));
    }

    #[test]
    fn who_is_gone_is_forgotten() {
        let hints = Hints::new();
        let feeds = [hints.subscribe(), hints.subscribe()];
        assert_eq!(hints.listeners(), 2);
        drop(feeds);
        hints.tell(Hint::Online);
        assert_eq!((hints.listeners(), lock(&hints.inboxes).len()), (0, 0));
    }
}
