//! A feed of hints from anywhere to any number of clients. A client that hears nothing pays one look
//! at a flag for it; what it has not heard yet is bounded, for hints of one kind are one.

use std::collections::VecDeque;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Waker};
use std::vec::Vec;

use super::Hint;

/// How many hints wait for one client at most: one of each kind, and addresses that are gone; of
/// more the oldest is forgotten, for a connection has only one address
const LIMIT: usize = 32;

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
        let mut inboxes = lock(&self.inboxes);
        inboxes.retain(|inbox| inbox.upgrade().is_some_and(|inbox| inbox.put(hint)));
    }

    /// How many clients listen
    #[must_use]
    pub fn listeners(&self) -> usize {
        lock(&self.inboxes).iter().filter(|inbox| inbox.strong_count() > 0).count()
    }

    pub(crate) fn subscribe(&self) -> Feed {
        let inbox = Arc::new(Inbox::default());
        lock(&self.inboxes).push(Arc::downgrade(&inbox));
        Feed { inbox: Some(inbox), waker: None }
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
    /// Always true: whoever can be told is there
    fn put(&self, hint: Hint) -> bool {
        let mut state = lock(&self.state);
        state.hints.retain(|earlier| *earlier != hint);
        if state.hints.len() >= LIMIT {
            state.hints.pop_front();
        }
        state.hints.push_back(hint);
        self.waiting.store(true, Ordering::Release);
        let waker = state.waker.clone();
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
        true
    }

    fn take(&self) -> Option<Hint> {
        let mut state = lock(&self.state);
        let hint = state.hints.pop_front();
        self.waiting.store(!state.hints.is_empty(), Ordering::Release);
        hint
    }
}

/// A client's end of a feed
pub(crate) struct Feed {
    inbox: Option<Arc<Inbox>>,
    /// The one that the inbox wakes
    waker: Option<Waker>,
}

impl Feed {
    /// One that hears nothing
    pub(crate) const fn deaf() -> Self {
        Self { inbox: None, waker: None }
    }

    /// The next hint, if one waits; the task is woken for those that come later
    #[inline]
    pub(crate) fn poll(&mut self, cx: &Context<'_>) -> Option<Hint> {
        let inbox = self.inbox.as_ref()?;
        if !self.waker.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
            self.waker = Some(cx.waker().clone());
            lock(&inbox.state).waker.clone_from(&self.waker);
        }
        // After the waker is in place: what is told from now on wakes.
        if inbox.waiting.load(Ordering::Acquire) { inbox.take() } else { None }
    }
}

impl fmt::Debug for Feed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Feed").field("listens", &self.inbox.is_some()).finish()
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
    fn what_nobody_hears_does_not_pile_up_and_the_newest_counts() {
        let hints = Hints::new();
        let mut feed = hints.subscribe();
        for last in 0..=255 {
            hints.tell(Hint::Offline);
            hints.tell(Hint::AddressGone(Ipv4Addr::new(192, 0, 2, last).into()));
            hints.tell(Hint::Online);
        }
        let cx = Context::from_waker(Waker::noop());
        let heard = std::iter::from_fn(|| feed.poll(&cx)).collect::<Vec<_>>();
        assert_eq!(heard.len(), LIMIT);
        assert_eq!(heard.last(), Some(&Hint::Online));
        assert_eq!(heard.iter().filter(|hint| **hint == Hint::Offline).count(), 1);
        assert!(heard.contains(&Hint::AddressGone(Ipv4Addr::new(192, 0, 2, 255).into())));
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
