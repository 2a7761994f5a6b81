//! The tasks and who of them is ready: one thread, first woken first polled. Decides the order of
//! polls and nothing else; time is the simulation's.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Wake, Waker};

use crate::machine::HostId;

type Job = Pin<Box<dyn Future<Output = ()>>>;

/// The number of the future that `block_on` drives
pub(crate) const ROOT: u64 = 0;

/// All tasks but the root, which is its caller's
pub(crate) struct Executor {
    spawner: Spawner,
    tasks: Tasks,
    /// Tasks that are ready on hosts that stand still, in the order of their wakes
    parked: BTreeMap<HostId, Vec<u64>>,
}

/// The tasks that are not over, by their numbers, which only grow
#[derive(Default)]
struct Tasks {
    entries: VecDeque<Option<Entry>>,
    /// The number of the first entry
    first: u64,
    count: usize,
}

/// A task that is not over
struct Entry {
    ticket: Arc<Ticket>,
    job: Job,
}

/// Starts tasks; the executor takes them in before it looks for the next one that is ready
#[derive(Clone)]
pub(crate) struct Spawner {
    ready: Arc<Ready>,
    started: Rc<RefCell<Vec<Entry>>>,
    count: Rc<Cell<u64>>,
    /// Hosts whose tasks are to be dropped, up to which number
    killed: Rc<RefCell<Vec<(HostId, u64)>>>,
}

/// Who was woken, in order
#[derive(Debug, Default)]
struct Ready(Mutex<VecDeque<u64>>);

/// One task's waker, and what is known of it from outside
#[derive(Debug)]
pub(crate) struct Ticket {
    id: u64,
    host: HostId,
    ready: Arc<Ready>,
    queued: AtomicBool,
    aborted: AtomicBool,
    polls: AtomicU64,
}

impl Executor {
    pub(crate) fn new() -> Self {
        let spawner = Spawner {
            ready: Arc::default(),
            started: Rc::default(),
            count: Rc::new(Cell::new(ROOT)),
            killed: Rc::default(),
        };
        Self { spawner, tasks: Tasks::default(), parked: BTreeMap::new() }
    }

    pub(crate) const fn spawner(&self) -> &Spawner {
        &self.spawner
    }

    /// A ticket for a future that the executor does not own
    pub(crate) fn root(&self) -> Arc<Ticket> {
        let ticket = Arc::new(Ticket::new(ROOT, HostId::NOWHERE, self.spawner.ready.clone()));
        ticket.wake_by_ref();
        ticket
    }

    /// The number of the task that is to be polled next
    pub(crate) fn next_ready(&mut self) -> Option<u64> {
        for entry in self.spawner.started.take() {
            self.tasks.insert(entry);
        }
        for (host, last) in self.spawner.killed.take() {
            self.tasks.remove_all(host, last);
        }
        self.spawner.ready.take()
    }

    /// Where a task runs; one that is aborted runs nowhere, for its end waits for no host
    pub(crate) fn host(&self, id: u64) -> HostId {
        let ticket = self.tasks.get(id).map(|entry| &entry.ticket);
        let living = ticket.filter(|ticket| !ticket.aborted.load(Ordering::Relaxed));
        living.map_or(HostId::NOWHERE, |ticket| ticket.host)
    }

    /// Lets a ready task wait until its host goes on
    pub(crate) fn park(&mut self, host: HostId, id: u64) {
        self.parked.entry(host).or_default().push(id);
    }

    /// A host goes on: its tasks are ready in the order in which they were woken
    pub(crate) fn thaw(&mut self, host: HostId) {
        for id in self.parked.remove(&host).unwrap_or_default() {
            self.spawner.ready.push(id);
        }
    }

    /// Polls a task; one that is over, or was aborted, is dropped
    pub(crate) fn poll(&mut self, id: u64) {
        // It is taken out meanwhile: dropping it may run anything.
        let Some(mut entry) = self.tasks.remove(id) else {
            return;
        };
        if !entry.ticket.aborted.load(Ordering::Relaxed) {
            let waker = entry.ticket.begin_poll();
            if entry.job.as_mut().poll(&mut Context::from_waker(&waker)).is_pending() {
                return self.tasks.insert(entry);
            }
        }
        drop(entry);
        self.tasks.forget();
    }

    /// How many tasks are not over
    pub(crate) fn len(&self) -> usize {
        self.tasks.count + self.spawner.started.borrow().len()
    }
}

impl Tasks {
    fn place(&self, id: u64) -> Option<usize> {
        usize::try_from(id.checked_sub(self.first)?).ok()
    }

    fn get(&self, id: u64) -> Option<&Entry> {
        self.entries.get(self.place(id)?)?.as_ref()
    }

    fn insert(&mut self, entry: Entry) {
        let Some(place) = self.place(entry.ticket.id) else {
            return;
        };
        while self.entries.len() <= place {
            self.entries.push_back(None);
        }
        self.entries[place] = Some(entry);
        self.count += 1;
    }

    fn remove(&mut self, id: u64) -> Option<Entry> {
        let place = self.place(id)?;
        let entry = self.entries.get_mut(place)?.take()?;
        self.count -= 1;
        Some(entry)
    }

    /// A task is over: so may be those that were started before it
    fn forget(&mut self) {
        while let Some(None) = self.entries.front() {
            self.entries.pop_front();
            self.first += 1;
        }
    }

    /// Drops all tasks of a host up to this number
    fn remove_all(&mut self, host: HostId, last: u64) {
        for id in self.first..=last {
            if self.get(id).is_some_and(|entry| entry.ticket.host == host) {
                drop(self.remove(id));
            }
        }
        self.forget();
    }
}

impl Spawner {
    pub(crate) fn spawn(
        &self,
        host: HostId,
        future: impl Future<Output = ()> + 'static,
    ) -> Arc<Ticket> {
        let id = self.count.get() + 1;
        self.count.set(id);
        let ticket = Arc::new(Ticket::new(id, host, self.ready.clone()));
        self.started.borrow_mut().push(Entry { ticket: ticket.clone(), job: Box::pin(future) });
        ticket.wake_by_ref();
        ticket
    }

    /// Has all tasks of a host dropped before another task is polled
    pub(crate) fn kill(&self, host: HostId) {
        self.killed.borrow_mut().push((host, self.count.get()));
    }
}

impl Ready {
    fn push(&self, id: u64) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push_back(id);
    }

    fn take(&self) -> Option<u64> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).pop_front()
    }
}

impl Ticket {
    const fn new(id: u64, host: HostId, ready: Arc<Ready>) -> Self {
        Self {
            id,
            host,
            ready,
            queued: AtomicBool::new(false),
            aborted: AtomicBool::new(false),
            polls: AtomicU64::new(0),
        }
    }

    /// Counts a poll that begins; wakes from now on queue the task again
    pub(crate) fn begin_poll(self: &Arc<Self>) -> Waker {
        self.queued.store(false, Ordering::Release);
        self.polls.fetch_add(1, Ordering::Relaxed);
        Waker::from(self.clone())
    }

    /// How often it was polled
    pub(crate) fn polls(&self) -> u64 {
        self.polls.load(Ordering::Relaxed)
    }

    /// Has it dropped when its turn comes, unpolled
    pub(crate) fn abort(self: &Arc<Self>) {
        self.aborted.store(true, Ordering::Relaxed);
        // Also if it is queued already: it may be parked.
        self.queued.store(true, Ordering::Release);
        self.ready.push(self.id);
    }
}

impl Wake for Ticket {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !self.queued.swap(true, Ordering::AcqRel) {
            self.ready.push(self.id);
        }
    }
}

impl fmt::Debug for Executor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Executor").field("tasks", &self.len()).finish_non_exhaustive()
    }
}

impl fmt::Debug for Spawner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Spawner").finish_non_exhaustive()
    }
}
