//! What two views of the network, one before and one after a burst of changes, mean to a connection.
//! Here is decided what a host of containers does all day that is none of a client's business.

use std::collections::BTreeSet;
use std::net::IpAddr;

use everbeat_core::client::Hint;

use super::message::{Link, Route};
use super::view::View;

/// What was seen last, and what was said of it
#[derive(Debug)]
pub(super) struct Judge {
    seen: View,
    /// `Offline` was told, and is still so
    offline: bool,
}

impl Judge {
    pub(super) const fn new(seen: View) -> Self {
        Self { seen, offline: false }
    }

    /// Whether anything is not as it was
    pub(super) fn differs(&self, now: &View) -> bool {
        *now != self.seen
    }

    /// What is to be told, in this order; `missed` if something may have happened in between
    pub(super) fn judge(&mut self, now: &View, missed: bool) -> Vec<Hint> {
        // Every end of a container's wire has an address of its link, which nobody connects by.
        let usable = self.seen.addresses.iter().filter(|(_, address)| address.usable);
        let gone = usable.map(|((ip, _), _)| *ip).filter(|ip| !now.has(*ip));
        let gone = gone.collect::<BTreeSet<_>>();
        let (before, after) = (Roads::of(&self.seen), Roads::of(now));
        let mut hints = gone.iter().copied().map(Hint::AddressGone).collect::<Vec<_>>();
        // Who has lost the default route only still reaches its neighbours, and the peer may be one.
        if after.are_none() && !before.are_none() {
            self.offline = true;
            hints.push(Hint::Offline);
        } else if self.offline && !after.are_none() {
            self.offline = false;
            hints.push(Hint::Online);
        } else if missed || after.has_more_than(&before) || before.has_lost(&after, &gone) {
            hints.push(Hint::NetworkChanged);
        }
        self.seen = now.clone();
        hints
    }

    /// What must not stand when nobody watches any more
    pub(super) const fn taken_back(&self) -> Option<Hint> {
        if self.offline { Some(Hint::Online) } else { None }
    }
}

/// The ways out of this machine
#[derive(Debug, PartialEq, Eq)]
struct Roads {
    far: BTreeSet<Route>,
    near: BTreeSet<(u32, IpAddr)>,
}

impl Roads {
    fn of(view: &View) -> Self {
        let runs = |link: u32| view.links.get(&link).is_some_and(|link| link.running);
        let mut usable = view.addresses.iter().filter(|(_, address)| address.usable);
        let [v4, v6] =
            [false, true].map(|v6| usable.clone().any(|((ip, _), _)| ip.is_ipv6() == v6));
        // Nobody sends anything without an address of that family, wherever it stands.
        let far = view.routes.iter().filter(|route| if route.group.v6 { v6 } else { v4 });
        let far = far.filter(|route| runs(route.link)).copied().collect::<BTreeSet<_>>();
        let leads_out = |link: u32| view.routes.iter().any(|route| route.link == link);
        let counts = |link: u32| {
            let wired = |link: &Link| link.loopback || link.port || link.wiring;
            runs(link) && (leads_out(link) || !view.links.get(&link).is_some_and(wired))
        };
        let near = usable.by_ref().filter(|((_, link), _)| counts(*link));
        Self { far, near: near.map(|((ip, link), _)| (*link, *ip)).collect() }
    }

    fn are_none(&self) -> bool {
        self.far.is_empty() && self.near.is_empty()
    }

    fn has_more_than(&self, before: &Self) -> bool {
        !self.far.is_subset(&before.far) || !self.near.is_subset(&before.near)
    }

    /// Something that is not told by its address already
    fn has_lost(&self, after: &Self, gone: &BTreeSet<IpAddr>) -> bool {
        let stays = |(_, ip): &&(u32, IpAddr)| !gone.contains(ip);
        !self.far.is_subset(&after.far)
            || self.near.difference(&after.near).any(|road| stays(&road))
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::super::message::{Address, Change, Group};
    use super::*;

    const ETH: u32 = 2;
    const WIFI: u32 = 3;
    const BRIDGE: u32 = 4;
    const RUNS: Link =
        Link { up: true, running: true, loopback: false, port: false, wiring: false };
    const GONE: Hint = Hint::AddressGone(ip(2));

    const fn ip(last: u32) -> IpAddr {
        IpAddr::V4(Ipv4Addr::new(192, 0, 2, last as u8))
    }

    fn address(link: u32, usable: bool) -> Change {
        Change::Address { link, ip: ip(link), is: Some(Address { usable }) }
    }

    fn gone(link: u32) -> Change {
        Change::Address { link, ip: ip(link), is: None }
    }

    fn default(link: u32) -> Route {
        let group = Group { v6: false, table: 254, tos: 0, priority: link };
        Route { group, link, gateway: Some(ip(200 + link)), source: None }
    }

    fn routes(link: u32) -> Change {
        Change::Routes { replace: false, routes: vec![default(link)] }
    }

    fn no_routes(link: u32) -> Change {
        Change::RoutesGone(vec![default(link)])
    }

    /// A machine, and what is told of it
    struct Machine(View, Judge);

    impl Machine {
        /// With a wire that leads out
        fn wired() -> Self {
            let mut view = View::default();
            for change in [Change::Link(ETH, Some(RUNS)), address(ETH, true), routes(ETH)] {
                view.apply(change);
            }
            Self(view.clone(), Judge::new(view))
        }

        /// After all of these
        fn told<const N: usize>(&mut self, changes: [Change; N]) -> Vec<Hint> {
            for change in changes {
                self.0.apply(change);
            }
            self.1.judge(&self.0, false)
        }
    }

    #[test]
    fn what_is_as_it_was_is_told_to_nobody() {
        let mut machine = Machine::wired();
        assert_eq!(machine.told([]), []);
        let flapped = [gone(ETH), address(ETH, true), routes(ETH)];
        assert_eq!(machine.told(flapped), []);
        assert!(!machine.1.differs(&machine.0));
        assert_eq!(machine.1.judge(&machine.0, true), [Hint::NetworkChanged]);
    }

    #[test]
    fn another_network_beside_the_first_comes_and_goes() {
        let mut machine = Machine::wired();
        assert_eq!(machine.told([Change::Link(WIFI, Some(RUNS))]), []);
        assert_eq!(machine.told([address(WIFI, false)]), []);
        assert_eq!(machine.told([gone(WIFI)]), []);
        assert_eq!(machine.told([address(WIFI, true)]), [Hint::NetworkChanged]);
        assert_eq!(machine.told([routes(WIFI)]), [Hint::NetworkChanged]);
        assert_eq!(machine.told([no_routes(WIFI)]), [Hint::NetworkChanged]);
        assert_eq!(machine.told([gone(WIFI)]), [Hint::AddressGone(ip(WIFI))]);
        assert_eq!(machine.told([address(WIFI, true)]), [Hint::NetworkChanged]);
        let no_carrier = Link { running: false, ..RUNS };
        assert_eq!(machine.told([Change::Link(WIFI, Some(no_carrier))]), [Hint::NetworkChanged]);
    }

    #[test]
    fn the_last_way_out_goes_and_comes_again() {
        let mut machine = Machine::wired();
        assert_eq!(machine.told([no_routes(ETH)]), [Hint::NetworkChanged]);
        assert_eq!(machine.1.taken_back(), None);
        assert_eq!(machine.told([gone(ETH)]), [GONE, Hint::Offline]);
        assert_eq!(machine.1.taken_back(), Some(Hint::Online));
        assert_eq!(machine.told([address(ETH, true)]), [Hint::Online]);
        assert_eq!(machine.told([routes(ETH)]), [Hint::NetworkChanged]);
        let no_carrier = Link { running: false, ..RUNS };
        assert_eq!(machine.told([Change::Link(ETH, Some(no_carrier))]), [Hint::Offline]);
        assert_eq!(machine.told([Change::Link(ETH, Some(RUNS))]), [Hint::Online]);
        assert_eq!(machine.1.taken_back(), None);
        let removed = [no_routes(ETH), gone(ETH), Change::Link(ETH, None)];
        assert_eq!(machine.told(removed), [GONE, Hint::Offline]);
    }

    #[test]
    fn from_one_network_to_another_at_once() {
        let mut machine = Machine::wired();
        assert_eq!(machine.told([Change::Link(WIFI, Some(RUNS))]), []);
        let moved = [no_routes(ETH), gone(ETH), address(WIFI, true), routes(WIFI)];
        assert_eq!(machine.told(moved), [GONE, Hint::NetworkChanged]);
    }

    #[test]
    fn who_never_had_a_network_is_not_told_that_it_has_none() {
        let mut machine = Machine(View::default(), Judge::new(View::default()));
        let lo = Link { loopback: true, ..RUNS };
        assert_eq!(machine.told([Change::Link(1, Some(lo)), address(1, true)]), []);
        let wire = [Change::Link(ETH, Some(RUNS)), address(ETH, true)];
        assert_eq!(machine.told(wire), [Hint::NetworkChanged]);
    }

    #[test]
    fn containers_come_and_go_unless_a_default_route_leaves_by_their_bridge() {
        let mut machine = Machine::wired();
        let bridge = Link { wiring: true, ..RUNS };
        let port = Link { port: true, ..RUNS };
        let idle = Link { running: false, ..bridge };
        assert_eq!(machine.told([Change::Link(BRIDGE, Some(idle)), address(BRIDGE, true)]), []);
        assert_eq!(machine.told([Change::Link(5, Some(port)), address(5, true)]), []);
        assert_eq!(machine.told([Change::Link(BRIDGE, Some(bridge))]), []);
        assert_eq!(machine.told([Change::Link(BRIDGE, Some(idle)), Change::Link(6, None)]), []);
        assert_eq!(machine.told([gone(BRIDGE)]), [Hint::AddressGone(ip(BRIDGE))]);
        let leads = [Change::Link(BRIDGE, Some(bridge)), address(BRIDGE, true), routes(BRIDGE)];
        assert_eq!(machine.told(leads), [Hint::NetworkChanged]);
        let second =
            Change::Address { link: BRIDGE, ip: ip(9), is: Some(Address { usable: true }) };
        assert_eq!(machine.told([second]), [Hint::NetworkChanged]);
        assert_eq!(machine.told([Change::Link(BRIDGE, Some(idle))]), [Hint::NetworkChanged]);
    }

    #[test]
    fn a_default_route_without_an_address_of_its_family_leads_nowhere() {
        let mut machine = Machine::wired();
        let mut v6 = default(ETH);
        v6.group.v6 = true;
        let alone = Change::Routes { replace: false, routes: vec![v6] };
        assert_eq!(machine.told([alone]), []);
        assert_eq!(machine.told([gone(ETH)]), [GONE, Hint::Offline]);
    }
}
