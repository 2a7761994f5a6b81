//! Whom the server takes on: so many connections in all, so many from one address.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use everbeat_core::transport::Busy;

use crate::Limits;

/// Who was taken on, and may be
pub(crate) struct Admission {
    connections: usize,
    per_address: Option<u32>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    admitted: usize,
    by_address: HashMap<Origin, u32>,
}

/// What counts as one address: an IPv4 address, or the 64 bits of an IPv6 address that one
/// subscriber has
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Origin {
    V4(Ipv4Addr),
    V6([u16; 4]),
}

impl From<IpAddr> for Origin {
    fn from(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Self::V4(address),
            IpAddr::V6(address) => {
                let [a, b, c, d, ..] = address.segments();
                Self::V6([a, b, c, d])
            }
        }
    }
}

impl Admission {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            connections: limits.connections,
            per_address: limits.per_address,
            state: Mutex::default(),
        }
    }

    /// Takes on one more, from its upgrade until the ticket is dropped
    pub(crate) fn admit(self: &Arc<Self>, address: Option<IpAddr>) -> Result<Ticket, Busy> {
        let mut state = self.lock();
        if state.admitted >= self.connections {
            return Err(Busy::Connections);
        }
        let counted = self.count(&mut state, address)?;
        state.admitted += 1;
        drop(state);
        Ok(Ticket { admission: Some(self.clone()), counted })
    }

    /// Counts one more from an address, if addresses are counted
    fn count(
        self: &Arc<Self>,
        state: &mut State,
        address: Option<IpAddr>,
    ) -> Result<Option<Counted>, Busy> {
        let (Some(limit), Some(address)) = (self.per_address, address) else {
            return Ok(None);
        };
        let origin = Origin::from(address);
        let count = state.by_address.entry(origin).or_default();
        if *count >= limit {
            return Err(Busy::PerAddress);
        }
        *count += 1;
        Ok(Some(Counted { admission: self.clone(), origin }))
    }

    /// Somebody whose ticket came down to his [place](Ticket::into_place) has gone
    pub(crate) fn leave(&self) {
        self.lock().admitted -= 1;
    }

    /// No step leaves the state half-changed, so a panic of another thread is no reason to stop
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection's place among those that the server may have
pub(crate) struct Ticket {
    /// Until the ticket came down to its place
    admission: Option<Arc<Admission>>,
    counted: Option<Counted>,
}

/// One of those from an address, until it is dropped, which takes the lock
pub(crate) struct Counted {
    admission: Arc<Admission>,
    origin: Origin,
}

impl Ticket {
    /// Counts it to another address, or to none
    pub(crate) fn reassign(&mut self, address: Option<IpAddr>) -> Result<(), Busy> {
        self.counted = None;
        if let Some(admission) = &self.admission {
            // A statement of its own: what was counted before is never dropped under the lock
            let counted = admission.count(&mut admission.lock(), address)?;
            self.counted = counted;
        }
        Ok(())
    }

    /// Counts it to an address, if it was counted to none so far
    pub(crate) fn assign(&mut self, address: Option<IpAddr>) -> Result<(), Busy> {
        if address.is_none() || self.counted.is_some() { Ok(()) } else { self.reassign(address) }
    }

    /// Where it is counted, if addresses are, for who then says himself when he
    /// [leaves](Admission::leave): he knows his server, and need not be told of it by another pointer
    pub(crate) fn into_place(mut self) -> Option<Counted> {
        self.admission = None;
        self.counted.take()
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if let Some(admission) = &self.admission {
            admission.leave();
        }
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let mut state = self.admission.lock();
        if let Some(count) = state.by_address.get_mut(&self.origin) {
            *count -= 1;
            if *count == 0 {
                state.by_address.remove(&self.origin);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admission(limits: Limits) -> Arc<Admission> {
        Arc::new(Admission::new(&limits))
    }

    fn v4(last: u8) -> Option<IpAddr> {
        Some(IpAddr::from([192, 0, 2, last]))
    }

    #[test]
    fn so_many_in_all_and_a_place_comes_back() {
        let admission = admission(Limits::default().connections(2));
        let first = admission.admit(v4(1)).unwrap();
        let _second = admission.admit(None).unwrap();
        assert_eq!(admission.admit(v4(2)).err(), Some(Busy::Connections));
        drop(first);
        assert!(admission.admit(v4(2)).is_ok());
        assert!(admission.lock().by_address.is_empty(), "addresses are not counted");
    }

    #[test]
    fn so_many_from_one_address_and_nothing_is_kept_of_those_who_left() {
        let admission = admission(Limits::default().per_address(2));
        let tickets = [1, 1, 2].map(|last| admission.admit(v4(last)).unwrap());
        assert_eq!(admission.admit(v4(1)).err(), Some(Busy::PerAddress));
        // The same address, as a socket that speaks both tells it
        let mapped = Ipv4Addr::new(192, 0, 2, 1).to_ipv6_mapped();
        assert_eq!(admission.admit(Some(mapped.into())).err(), Some(Busy::PerAddress));
        assert!(admission.admit(v4(2)).is_ok() && admission.admit(None).is_ok());
        drop(tickets);
        let state = admission.lock();
        assert_eq!((state.admitted, state.by_address.len()), (0, 0));
    }

    #[test]
    fn an_ipv6_subscriber_is_one_address() {
        let admission = admission(Limits::default().per_address(1));
        let address = |text: &str| Some(text.parse().unwrap());
        let _ticket = admission.admit(address("2001:db8:1:2::1")).unwrap();
        let neighbour = admission.admit(address("2001:db8:1:2:ffff::9"));
        assert_eq!(neighbour.err(), Some(Busy::PerAddress));
        assert!(admission.admit(address("2001:db8:1:3::1")).is_ok());
    }

    #[test]
    fn a_ticket_is_counted_where_it_belongs() {
        let admission = admission(Limits::default().per_address(1));
        let [mut proxied, mut other] = [1, 2].map(|last| admission.admit(v4(last)).unwrap());
        proxied.reassign(v4(7)).unwrap();
        assert!(admission.admit(v4(1)).is_ok());
        assert_eq!(other.reassign(v4(7)), Err(Busy::PerAddress));
        drop((proxied, other));
        assert!(admission.lock().by_address.is_empty());
    }

    #[test]
    fn an_address_that_is_found_late_is_counted_then_and_one_that_was_known_stays() {
        let admission = admission(Limits::default().per_address(1));
        let [mut early, mut late, mut second] =
            [v4(1), None, None].map(|address| admission.admit(address).unwrap());
        assert_eq!(early.assign(v4(9)), Ok(()));
        assert_eq!(late.assign(v4(9)), Ok(()));
        assert_eq!(second.assign(v4(9)), Err(Busy::PerAddress));
        assert_eq!(second.assign(v4(1)), Err(Busy::PerAddress));
        assert_eq!(second.assign(None), Ok(()));
    }
}
