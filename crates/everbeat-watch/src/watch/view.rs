//! What is there: links, addresses, default routes, kept up by the changes that the kernel tells, and
//! by those that it does not tell.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::message::{Address, Change, Link, Route};

/// Links, addresses and default routes at one moment
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct View {
    pub(super) links: BTreeMap<u32, Link>,
    /// By themselves, then by their link: one may stand on several
    pub(super) addresses: BTreeMap<(IpAddr, u32), Address>,
    pub(super) routes: BTreeSet<Route>,
}

impl View {
    pub(super) fn apply(&mut self, change: Change) {
        match change {
            Change::Link(index, Some(link)) => {
                self.links.insert(index, link);
                if !link.up {
                    self.drop_silently(index);
                }
            }
            Change::Link(index, None) => {
                self.links.remove(&index);
                self.addresses.retain(|(_, link), _| *link != index);
                self.routes.retain(|route| route.link != index);
            }
            Change::Address { link, ip, is: Some(address) } => {
                self.addresses.insert((ip, link), address);
            }
            Change::Address { link, ip, is: None } => {
                self.addresses.remove(&(ip, link));
                if !self.has(ip) {
                    self.routes.retain(|route| route.group.v6 || route.source != Some(ip));
                }
                let mut left = self.addresses.keys();
                if ip.is_ipv4() && !left.any(|(ip, other)| ip.is_ipv4() && *other == link) {
                    self.drop_silently(link);
                }
            }
            Change::Routes { replace, routes } => {
                if replace {
                    let replaced = |route: &Route| routes.iter().any(|new| new.group == route.group);
                    self.routes.retain(|route| !replaced(route));
                }
                self.routes.extend(routes);
            }
            Change::RoutesGone(routes) => {
                for route in routes {
                    self.routes.remove(&route);
                }
            }
        }
    }

    /// Whether an address is on any link
    pub(super) fn has(&self, ip: IpAddr) -> bool {
        self.addresses.range((ip, 0)..=(ip, u32::MAX)).next().is_some()
    }

    /// A link that is set down, or has lost its last address, loses its IPv4 routes, and of these the
    /// kernel does not tell
    fn drop_silently(&mut self, link: u32) {
        self.routes.retain(|route| route.group.v6 || route.link != link);
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::super::message::Group;
    use super::*;

    const NEAR: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
    const OTHER: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 2));

    const RUNS: Link =
        Link { up: true, running: true, loopback: false, port: false, wiring: false };

    fn address(ip: IpAddr, there: bool) -> Change {
        Change::Address { link: 1, ip, is: there.then_some(Address { usable: true }) }
    }

    fn route(gateway: IpAddr, source: Option<IpAddr>, v6: bool) -> Route {
        let group = Group { v6, table: 254, tos: 0, priority: 0 };
        Route { group, link: 1, gateway: Some(gateway), source }
    }

    fn with_routes(routes: &[Route]) -> View {
        let mut view = View::default();
        view.apply(Change::Link(1, Some(RUNS)));
        view.apply(address(NEAR, true));
        view.apply(address(OTHER, true));
        view.apply(Change::Routes { replace: false, routes: routes.to_vec() });
        view
    }

    #[test]
    fn routes_go_with_their_link_its_last_address_or_the_one_that_they_name() {
        let (plain, named) = (route(OTHER, None, false), route(NEAR, Some(NEAR), false));
        let v6 = route(OTHER, None, true);
        let mut view = with_routes(&[plain, named, v6]);
        view.apply(address(NEAR, false));
        assert_eq!(view.routes, BTreeSet::from([plain, v6]));
        view.apply(address(OTHER, false));
        assert_eq!(view.routes, BTreeSet::from([v6]));
        let mut view = with_routes(&[plain, v6]);
        view.apply(Change::Link(1, Some(Link { up: false, running: false, ..RUNS })));
        assert_eq!(view.routes, BTreeSet::from([v6]));
        assert!(view.has(NEAR));
        view.apply(Change::Link(1, None));
        assert_eq!(view, View::default());
    }

    #[test]
    fn a_route_replaces_its_like_only_if_it_says_so() {
        let (old, new) = (route(NEAR, None, false), route(OTHER, None, false));
        let mut other = old;
        other.group.priority = 100;
        let mut view = with_routes(&[old, other]);
        view.apply(Change::Routes { replace: false, routes: vec![new] });
        assert_eq!(view.routes.len(), 3);
        view.apply(Change::Routes { replace: true, routes: vec![new] });
        assert_eq!(view.routes, BTreeSet::from([new, other]));
        view.apply(Change::RoutesGone(vec![new]));
        assert_eq!(view.routes, BTreeSet::from([other]));
    }
}
