//! What all tasks of a run write into: each client's seat, and counts over all.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use everbeat_support::account::{Account, Received};
use everbeat_support::rows::millis;

use crate::args::Broken;
use crate::ends::Kept;

/// The books of one run
#[derive(Debug)]
pub(crate) struct Books {
    pub(crate) broken: Option<Broken>,
    seats: Vec<Seat>,
    up: AtomicUsize,
    /// Connections that were made, as the clients count them
    connected: AtomicU64,
    /// Connections that were handed to handlers
    joined: AtomicU64,
    accepted: AtomicU64,
    /// Milliseconds
    late: AtomicU64,
    /// Roads on which something is wrong
    faulty: AtomicUsize,
    /// Clients that have ended
    closed: AtomicUsize,
}

/// One client's place
#[derive(Debug, Default)]
struct Seat {
    up: AtomicBool,
    /// What its servers received of it
    received: Mutex<Kept<Received>>,
    /// Once it has ended
    account: Mutex<Option<Kept<Account>>>,
}

impl Books {
    pub(crate) fn new(clients: usize, broken: Option<Broken>) -> Self {
        Self {
            broken,
            seats: (0..clients).map(|_| Seat::default()).collect(),
            up: AtomicUsize::new(0),
            connected: AtomicU64::new(0),
            joined: AtomicU64::new(0),
            accepted: AtomicU64::new(0),
            late: AtomicU64::new(0),
            faulty: AtomicUsize::new(0),
            closed: AtomicUsize::new(0),
        }
    }

    pub(crate) fn clients(&self) -> usize {
        self.seats.len()
    }

    /// A client is connected, or is not any more
    pub(crate) fn set_up(&self, client: usize, up: bool) {
        let Some(seat) = self.seats.get(client) else { return };
        if seat.up.swap(up, Ordering::SeqCst) != up {
            match up {
                true => self.up.fetch_add(1, Ordering::SeqCst),
                false => self.up.fetch_sub(1, Ordering::SeqCst),
            };
        }
        self.connected.fetch_add(u64::from(up), Ordering::Relaxed);
    }

    pub(crate) fn is_up(&self, client: usize) -> bool {
        self.seats.get(client).is_some_and(|seat| seat.up.load(Ordering::SeqCst))
    }

    pub(crate) fn up(&self) -> usize {
        self.up.load(Ordering::SeqCst)
    }

    pub(crate) fn connected(&self) -> u64 {
        self.connected.load(Ordering::Relaxed)
    }

    /// A handler begins; its number, from 1
    pub(crate) fn join(&self) -> u64 {
        self.joined.fetch_add(1, Ordering::Relaxed) + 1
    }

    pub(crate) fn joined(&self) -> u64 {
        self.joined.load(Ordering::Relaxed)
    }

    pub(crate) fn accept(&self) {
        self.accepted.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn accepted(&self) -> u64 {
        self.accepted.load(Ordering::Relaxed)
    }

    pub(crate) fn note_late(&self, late: Duration) {
        self.late.fetch_max(millis(late), Ordering::Relaxed);
    }

    pub(crate) fn late(&self) -> Duration {
        Duration::from_millis(self.late.load(Ordering::Relaxed))
    }

    pub(crate) fn faulty(&self) -> &AtomicUsize {
        &self.faulty
    }

    /// What the servers received of a client; `None` if nobody has this number
    pub(crate) fn received(&self, client: usize) -> Option<MutexGuard<'_, Kept<Received>>> {
        self.seats.get(client).map(|seat| lock(&seat.received))
    }

    /// A client has ended
    pub(crate) fn close(&self, client: usize, account: Kept<Account>) {
        if let Some(seat) = self.seats.get(client) {
            *lock(&seat.account) = Some(account);
            self.closed.fetch_add(1, Ordering::SeqCst);
        }
    }

    pub(crate) fn closed(&self) -> usize {
        self.closed.load(Ordering::SeqCst)
    }

    /// Takes both accounts of a client; a client that did not end has left none
    pub(crate) fn take(&self, client: usize) -> (Option<Kept<Account>>, Kept<Received>) {
        self.seats.get(client).map_or_else(Default::default, |seat| {
            (lock(&seat.account).take(), std::mem::take(&mut *lock(&seat.received)))
        })
    }
}

/// Whole between any two statements, so that a panic elsewhere has broken nothing
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
