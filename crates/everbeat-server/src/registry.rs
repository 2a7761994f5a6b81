//! Who is connected: the [`Registry`] of live connections, sharded so that connections that come
//! and go do not wait for each other. What a handle does is its own file's.

mod aside;
mod attention;
mod broadcast;
mod handle;
mod here;
mod lent;
mod listed;
mod mailbox;
pub(crate) mod marks;
mod order;
mod percentiles;
mod record;
mod stats;
mod tags;
mod vitals;
mod waiting;

use std::collections::HashSet;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use everbeat_core::Message;
use everbeat_core::cause::CloseFrame;
use everbeat_core::time::Instant;
use everbeat_core::transport::Hatch;
use futures_util::task::AtomicWaker;

use broadcast::Batch;
use listed::Listed;
use record::Stranger;
use tags::Tags;

pub(crate) use attention::Told;
pub(crate) use mailbox::Rules;
pub(crate) use order::Order;
#[cfg(test)]
pub(crate) use record::Ruled;
pub(crate) use record::{AnyRecord, Record};

pub use broadcast::{Broadcast, LeftOut};
pub use handle::ConnectionHandle;
pub use mailbox::MailboxError;
pub use percentiles::{Percentiles, Spread};
pub use stats::Stats;
pub use tags::TagError;

/// A server's live connections, seen from anywhere
///
/// A clone is a handle to the same registry. A connection is in it from the end of its upgrade
/// until its handler has returned. `X` is what the acceptor knows of a peer.
///
/// Connections do not touch the registry while they live: their own messages take no lock of it.
///
/// ```
/// use everbeat_server::Registry;
///
/// fn announce<X>(registry: &Registry<X>) {
///     match registry.send_tagged("sports", "goal") {
///         Ok(left) => left.slow.iter().for_each(|slow| slow.evict()), // they do not keep up
///         Err(error) => eprintln!("not sent to anybody: {error}"),
///     }
/// }
/// ```
pub struct Registry<X> {
    inner: Arc<Inner<X>>,
}

struct Inner<X> {
    shards: [Mutex<HashSet<Listed<X>>>; SHARDS],
    tags: Tags<X>,
    rules: Rules,
    /// How many connections there were so far: the newest one's id
    joined: AtomicU64,
    /// Woken when the last connection leaves
    emptied: AtomicWaker,
}

/// Locks that are taken when a connection comes or goes, and while all are counted out: with 16 of
/// them a storm of reconnects waits for a full walk one sixteenth at a time
const SHARDS: usize = 16;

impl<X> Registry<X> {
    pub(crate) fn new(rules: Rules) -> Self {
        Self {
            inner: Arc::new(Inner {
                shards: std::array::from_fn(|_| Mutex::default()),
                tags: Tags::new(),
                rules,
                joined: AtomicU64::new(0),
                emptied: AtomicWaker::new(),
            }),
        }
    }

    /// Adds a connection, until it is said to [leave](Self::leave)
    pub(crate) fn join(&self, facts: X, now: Instant, hatch: Option<Hatch>) -> ConnectionHandle<X> {
        let id = self.inner.joined.fetch_add(1, Ordering::Relaxed) + 1;
        let handle = ConnectionHandle::new(id, facts, self.clone(), now, hatch);
        // Counted before it can be seen, or a shutdown would see it and wait for nobody
        self.inner.rules.live.fetch_add(1, Ordering::SeqCst);
        self.shard(id).insert(Listed(handle.clone()));
        handle
    }

    /// A record for a connection that never joins
    pub(crate) fn stranger(&self, now: Instant) -> Arc<Record<Stranger<X>>> {
        Arc::new(Record::new(0, now, None, Stranger(self.clone())))
    }

    pub(crate) fn leave(&self, handle: &ConnectionHandle<X>) {
        self.inner.tags.leave(handle);
        // Dropped after the lock: the last handle drops the peer's facts, which are not ours.
        let mut shard = self.shard(handle.id());
        let left = shard.take(&handle.id());
        // A crowd that has left leaves no room behind; half of it, so that nobody waits often
        if shard.len() < shard.capacity() / 8 {
            let room = shard.len() * 2;
            shard.shrink_to(room);
        }
        drop(shard);
        if left.is_some() && self.inner.rules.live.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.inner.emptied.wake();
        }
    }

    /// Ready when no connection is left; one task at a time may ask
    pub(crate) fn poll_emptied(&self, cx: &Context<'_>) -> Poll<()> {
        self.inner.emptied.register(cx.waker());
        if self.is_empty() { Poll::Ready(()) } else { Poll::Pending }
    }

    /// How many connections there were so far, those that ended included
    #[must_use]
    pub fn served(&self) -> u64 {
        self.inner.joined.load(Ordering::Relaxed)
    }

    /// How many connections are live
    #[must_use]
    pub fn len(&self) -> usize {
        self.inner.rules.live.load(Ordering::SeqCst)
    }

    /// Whether none is
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The connection with this [id](ConnectionHandle::id), if it is live
    #[must_use]
    pub fn get(&self, id: u64) -> Option<ConnectionHandle<X>> {
        self.shard(id).get(&id).map(|one| one.0.clone())
    }

    /// All live connections, in no order: a snapshot, for they come and go meanwhile
    #[must_use]
    pub fn handles(&self) -> Vec<ConnectionHandle<X>> {
        let mut handles = Vec::with_capacity(self.len());
        (0..SHARDS).for_each(|shard| handles.extend(self.handles_of(shard)));
        handles
    }

    fn handles_of(&self, shard: usize) -> Vec<ConnectionHandle<X>> {
        self.shard(shard as u64).iter().map(|one| one.0.clone()).collect()
    }

    /// The live connections with this [tag](ConnectionHandle::tag), in no order: a snapshot
    #[must_use]
    pub fn tagged(&self, tag: &str) -> Vec<ConnectionHandle<X>> {
        self.inner.tags.get(tag)
    }

    /// Sends a message to every live connection; returns those that did not take it
    ///
    /// A connection that waits, and for which nothing else does, is written to at once, where its
    /// transport knows [how](everbeat_core::transport::Transport::hatch): the first 256 of them, which
    /// takes this thread 2 ms or so. The others are left the message, as by a handle. All share the
    /// payload, whose frame in front of it is a few bytes each: a peer that is slow holds no copy, and
    /// for [so long](crate::Limits::queued) only. Whoever is left the message is woken when some hundred
    /// others have been left it too, and under no lock. One that just ended is not reported; one that
    /// just came may be left out.
    ///
    /// It takes its thread for as long as it takes: with a crowd, in a task of the server's own thread,
    /// [`broadcast`](Self::broadcast) lets others run meanwhile.
    ///
    /// # Errors
    ///
    /// The message is larger than any mailbox; nobody was sent it.
    pub fn send_all(&self, message: impl Into<Message>) -> Result<LeftOut<X>, MailboxError> {
        self.send_where(|_| true, message)
    }

    /// [`send_all`](Self::send_all) as a future, which lets others run after half a millisecond
    ///
    /// It writes to all who wait, 64 at a time, and not to 256 only: that is the least work, and that of
    /// one task. Where many threads have nothing else to do, the last of a large crowd may hear it
    /// sooner by `send_all`.
    ///
    /// # Errors
    ///
    /// The message is larger than any mailbox; nobody was sent it.
    pub fn broadcast(&self, message: impl Into<Message>) -> Broadcast<X> {
        Broadcast::new(self.clone(), message.into())
    }

    /// Sends a message to every live connection with this tag, as [`send_all`](Self::send_all)
    ///
    /// # Errors
    ///
    /// The message is larger than any mailbox; nobody was sent it.
    pub fn send_tagged(
        &self,
        tag: &str,
        message: impl Into<Message>,
    ) -> Result<LeftOut<X>, MailboxError> {
        Batch::new(self, message.into(), self.tagged(tag)).finish()
    }

    /// Sends a message to every live connection that `whom` picks, as [`send_all`](Self::send_all)
    ///
    /// # Errors
    ///
    /// The message is larger than any mailbox; nobody was sent it.
    pub fn send_where(
        &self,
        mut whom: impl FnMut(&ConnectionHandle<X>) -> bool,
        message: impl Into<Message>,
    ) -> Result<LeftOut<X>, MailboxError> {
        let mut broadcast = self.broadcast(message);
        loop {
            if let Poll::Ready(sent) = broadcast.step(&mut whom) {
                return sent;
            }
        }
    }

    /// Asks every live connection to close politely, as [`ConnectionHandle::close`] does; the server
    /// goes on
    pub fn close_all(&self, frame: &CloseFrame) {
        for handle in self.handles() {
            handle.close(frame.clone());
        }
    }

    /// How the live connections are, as percentiles; walks over all of them
    ///
    /// `now` is what the server's [`wheel`](crate::Server::wheel) says.
    #[must_use]
    pub fn percentiles(&self, now: Instant) -> Percentiles {
        Percentiles::of(self.handles().iter().map(|handle| handle.stats(now)).collect())
    }

    /// No step leaves a shard half-changed, so a panic of another thread is no reason to stop
    fn shard(&self, id: u64) -> MutexGuard<'_, HashSet<Listed<X>>> {
        let shard = &self.inner.shards[id as usize % SHARDS];
        shard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<X> Clone for Registry<X> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone() }
    }
}

impl<X> fmt::Debug for Registry<X> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registry")
            .field("len", &self.len())
            .field("served", &self.served())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::rules;

    #[test]
    fn a_crowd_that_has_left_leaves_no_room_behind() {
        let registry = Registry::new(rules(1, 1));
        let room =
            || -> usize { (0..SHARDS as u64).map(|shard| registry.shard(shard).capacity()).sum() };
        let crowd: Vec<_> = (0..10_000).map(|_| registry.join((), Instant::ORIGIN, None)).collect();
        assert!(room() >= 10_000 && room() < 23_000, "{}", room());
        let (stay, go) = crowd.split_at(100);
        go.iter().for_each(|one| registry.leave(one));
        assert!(room() < 1_000, "{}", room());
        assert!(stay.iter().all(|one| registry.get(one.id()).is_some()));
    }
}
