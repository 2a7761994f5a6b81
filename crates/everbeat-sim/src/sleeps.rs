//! Sleeps that wait: each belongs to a host, whose clock decides when it is over. The agenda says
//! when to look; a host that stalls or sleeps moves that on.

use std::task::{Poll, Waker};

use everbeat_core::time::Instant;

use crate::agenda::{Due, Key};
use crate::machine::HostId;
use crate::world::World;

/// A place in the table
#[derive(Clone, Copy, Debug)]
pub(crate) struct SleepId(usize);

/// All sleeps that were polled and are not dropped
#[derive(Debug, Default)]
pub(crate) struct Sleeps {
    slots: Vec<Slot>,
    free: Vec<usize>,
}

#[derive(Debug)]
struct Slot {
    host: HostId,
    /// On the host's clock
    deadline: Instant,
    key: Option<Key>,
    /// Until it has been woken
    waker: Option<Waker>,
}

impl Sleeps {
    fn enter(&mut self, slot: Slot) -> SleepId {
        match self.free.pop() {
            Some(free) => {
                self.slots[free] = slot;
                SleepId(free)
            }
            None => {
                self.slots.push(slot);
                SleepId(self.slots.len() - 1)
            }
        }
    }
}

impl World {
    /// Whether a sleep is over; else its waker is the one that will be woken
    pub(crate) fn poll_sleep(
        &mut self,
        place: &mut Option<SleepId>,
        host: HostId,
        deadline: Instant,
        waker: &Waker,
    ) -> Poll<()> {
        let Some(due) = self.machines.get(host).due(deadline, self.now) else {
            return Poll::Ready(());
        };
        match *place {
            None => {
                let slot = Slot { host, deadline, key: None, waker: Some(waker.clone()) };
                let id = self.sleeps.enter(slot);
                *place = Some(id);
                self.look_again(id, due);
            }
            Some(id) => {
                let slot = &mut self.sleeps.slots[id.0];
                match &mut slot.waker {
                    Some(old) => old.clone_from(waker),
                    None => slot.waker = Some(waker.clone()),
                }
                if slot.key.is_none() {
                    self.look_again(id, due);
                }
            }
        }
        Poll::Pending
    }

    /// Moves a sleep that waits; one that was woken waits for its next poll
    pub(crate) fn move_sleep(&mut self, id: SleepId, deadline: Instant) {
        let slot = &mut self.sleeps.slots[id.0];
        slot.deadline = deadline;
        if let Some(key) = slot.key.take() {
            self.agenda.cancel(key);
        }
        if slot.waker.is_some() {
            let due = self.machines.get(slot.host).due(deadline, self.now);
            self.look_again(id, due.unwrap_or(self.now));
        }
    }

    /// Forgets a sleep; its waker, which may be dropped only without the lock
    pub(crate) fn drop_sleep(&mut self, id: SleepId) -> Option<Waker> {
        let slot = &mut self.sleeps.slots[id.0];
        if let Some(key) = slot.key.take() {
            self.agenda.cancel(key);
        }
        self.sleeps.free.push(id.0);
        slot.waker.take()
    }

    /// The time has come to look at a sleep: it is over, or its host stands still, or has done so
    pub(crate) fn ring(&mut self, id: SleepId) {
        let slot = &mut self.sleeps.slots[id.0];
        slot.key = None;
        match self.machines.get(slot.host).due(slot.deadline, self.now) {
            Some(due) => self.look_again(id, due),
            None => {
                let waker = slot.waker.take();
                self.wake(waker);
            }
        }
    }

    fn look_again(&mut self, id: SleepId, due: Instant) {
        if due != Instant::NEVER {
            self.sleeps.slots[id.0].key = Some(self.agenda.enter(due, Due::Sleep(id)));
        }
    }
}
