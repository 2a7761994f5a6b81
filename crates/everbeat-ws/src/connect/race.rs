//! In which order and when a name's addresses are tried (RFC 8305, sections 4 and 5): families take
//! turns, and who is slow to answer gets company. It takes instants and reads no clock.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use everbeat_core::time::Instant;

/// How long an attempt is alone before the next address is tried beside it: the value that RFC
/// 8305, section 8, recommends
const DELAY: Duration = Duration::from_millis(250);

/// How many addresses of one name are tried: a resolver's answer may hold hundreds, and what is
/// tried holds a descriptor each and a line of the error
const MOST: usize = 16;

/// A race between the addresses of one name
#[derive(Debug)]
pub(super) struct Race {
    waiting: VecDeque<SocketAddr>,
    /// When the next address may start beside those that run; `None` is now
    due: Option<Instant>,
    running: usize,
    failed: Vec<(SocketAddr, io::Error)>,
}

impl Race {
    /// A race between these addresses, in the resolver's order (RFC 6724)
    pub(super) fn new(addresses: Vec<SocketAddr>) -> Self {
        Self { waiting: take_turns(addresses), due: None, running: 0, failed: Vec::new() }
    }

    /// The next address to start now, if any; to be asked until it is none
    pub(super) fn start(&mut self, now: Instant) -> Option<SocketAddr> {
        if self.due.is_some_and(|due| now < due) {
            return None;
        }
        let address = self.waiting.pop_front()?;
        self.running += 1;
        self.due = Some(now + DELAY);
        Some(address)
    }

    /// When [`start`](Self::start) has an answer next; `None` is never, or not before a failure.
    /// Changes with `start` and `handle_failed`.
    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.due.filter(|_| !self.waiting.is_empty())
    }

    /// Whether an address waits for nothing any more
    pub(super) fn is_free(&self) -> bool {
        self.due.is_none() && !self.waiting.is_empty()
    }

    /// An attempt failed: the next one starts at once
    pub(super) fn handle_failed(&mut self, address: SocketAddr, error: io::Error) {
        self.running -= 1;
        self.due = None;
        self.failed.push((address, error));
    }

    /// Every address and what it failed with, once none is left
    pub(super) fn failures(&mut self) -> Option<Vec<(SocketAddr, io::Error)>> {
        let over = self.running == 0 && self.waiting.is_empty();
        over.then(|| std::mem::take(&mut self.failed))
    }
}

/// Alternates between the families, beginning with the first address's, each in its own order
fn take_turns(addresses: Vec<SocketAddr>) -> VecDeque<SocketAddr> {
    let first = addresses.first().is_some_and(SocketAddr::is_ipv6);
    let (one, other): (Vec<_>, Vec<_>) =
        addresses.into_iter().partition(|address| address.is_ipv6() == first);
    let (mut one, mut other) = (one.into_iter(), other.into_iter());
    let mut turns = VecDeque::new();
    while turns.len() < MOST {
        let pair = [one.next(), other.next()];
        if pair == [None, None] {
            break;
        }
        turns.extend(pair.into_iter().flatten());
    }
    turns.truncate(MOST);
    turns
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(hosts: &[&str]) -> Vec<SocketAddr> {
        hosts.iter().map(|host| SocketAddr::new(host.parse().unwrap(), 9)).collect()
    }

    fn at(ms: u64) -> Instant {
        Instant::from_origin(Duration::from_millis(ms))
    }

    fn refused() -> io::Error {
        io::ErrorKind::ConnectionRefused.into()
    }

    #[test]
    fn families_take_turns_and_the_resolvers_first_is_first() {
        let cases: [(&[&str], &[&str]); 5] = [
            (&["::1", "::2", "::3", "1.1.1.1"], &["::1", "1.1.1.1", "::2", "::3"]),
            (&["1.1.1.1", "::1", "::2"], &["1.1.1.1", "::1", "::2"]),
            (&["1.1.1.1", "2.2.2.2", "::1"], &["1.1.1.1", "::1", "2.2.2.2"]),
            (&["1.1.1.1"], &["1.1.1.1"]),
            (&[], &[]),
        ];
        for (given, tried) in cases {
            assert_eq!(take_turns(addresses(given)), addresses(tried), "{given:?}");
        }
        assert_eq!(take_turns(addresses(&["::1"; 100])).len(), MOST);
        assert_eq!(take_turns(addresses(&["::1", "1.1.1.1"].repeat(100))).len(), MOST);
    }

    #[test]
    fn who_is_slow_gets_company_each_delay() {
        let all = addresses(&["::1", "::2", "::3"]);
        let mut race = Race::new(all.clone());
        assert_eq!(race.start(at(5)), Some(all[0]));
        assert_eq!(race.start(at(5)), None);
        assert_eq!(race.poll_timeout(), Some(at(255)));
        assert_eq!(race.start(at(254)), None);
        assert_eq!(race.start(at(255)), Some(all[1]));
        assert_eq!(race.start(at(255)), None);
        assert_eq!(race.start(at(505)), Some(all[2]));
        assert_eq!((race.poll_timeout(), race.start(at(9_000))), (None, None));
    }

    #[test]
    fn a_failure_lets_the_next_one_start_at_once() {
        let all = addresses(&["::1", "::2", "::3"]);
        let mut race = Race::new(all.clone());
        assert_eq!(race.start(at(0)), Some(all[0]));
        race.handle_failed(all[0], refused());
        assert_eq!((race.start(at(1)), race.start(at(1))), (Some(all[1]), None));
        assert!(race.failures().is_none());
        // Its own delay counts from its own start
        assert_eq!(race.poll_timeout(), Some(at(251)));
        race.handle_failed(all[1], refused());
        assert_eq!(race.start(at(2)), Some(all[2]));
        assert!(race.failures().is_none(), "one still runs");
        race.handle_failed(all[2], refused());
        let failures = race.failures().unwrap();
        assert_eq!(failures.into_iter().map(|(address, _)| address).collect::<Vec<_>>(), all);
    }

    #[test]
    fn no_address_is_over_before_it_begins() {
        let mut race = Race::new(Vec::new());
        assert_eq!((race.start(at(0)), race.poll_timeout()), (None, None));
        assert!(race.failures().is_some_and(|failures| failures.is_empty()));
    }
}
