//! What is to happen when: sleeps and arrivals, in the order of time, and of entry within an
//! instant.

use std::collections::BTreeMap;

use everbeat_core::time::Instant;

use crate::machine::HostId;
use crate::net::Side;
use crate::sleeps::SleepId;

/// Everything that is to happen; the simulation's time jumps from one entry to the next
#[derive(Debug, Default)]
pub(crate) struct Agenda {
    entries: BTreeMap<Key, Due>,
    entered: u64,
}

/// An entry's place: its instant, then the order of entry, so that nothing depends on chance
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key {
    pub(crate) at: Instant,
    order: u64,
}

/// What is due
#[derive(Debug)]
pub(crate) enum Due {
    /// A sleep is to be looked at
    Sleep(SleepId),
    /// Something reaches one side of a wire
    Arrival { wire: u64, toward: Side },
    /// The timer of the sender toward a side fires
    Timeout { wire: u64, toward: Side },
    /// A host's stall may be over
    Thaw(HostId),
}

impl Agenda {
    pub(crate) fn enter(&mut self, at: Instant, due: Due) -> Key {
        self.entered += 1;
        let key = Key { at, order: self.entered };
        self.entries.insert(key, due);
        key
    }

    pub(crate) fn cancel(&mut self, key: Key) -> Option<Due> {
        self.entries.remove(&key)
    }

    /// When the next entry is due; one that never is does not count
    pub(crate) fn next(&self) -> Option<Instant> {
        let (key, _) = self.entries.first_key_value()?;
        (key.at != Instant::NEVER).then_some(key.at)
    }

    /// Takes the next entry if it is due by `now`
    pub(crate) fn pop_due(&mut self, now: Instant) -> Option<Due> {
        let entry = self.entries.first_entry().filter(|entry| entry.key().at <= now)?;
        Some(entry.remove())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn within_an_instant_the_order_of_entry_holds() {
        let mut agenda = Agenda::default();
        let later = Instant::ORIGIN + Duration::from_secs(1);
        for (at, wire) in [(later, 3), (Instant::ORIGIN, 1), (later, 4), (Instant::ORIGIN, 2)] {
            agenda.enter(at, Due::Arrival { wire, toward: Side::Client });
        }
        let mut order = Vec::new();
        while let Some(Due::Arrival { wire, .. }) = agenda.pop_due(later) {
            order.push(wire);
        }
        assert_eq!(order, [1, 2, 3, 4]);
    }
}
