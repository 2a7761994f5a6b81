//! What is there: links, addresses, default routes, kept up by the changes that the kernel tells.

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
    /// Applies a change; whether routes may be gone with it
    ///
    /// The kernel does not tell of routes that go with their link or their address, and which these
    /// are is its own affair: it has to be asked.
    pub(super) fn apply(&mut self, change: Change) -> bool {
        match change {
            Change::Link(index, link) => {
                let before = match link {
                    Some(link) => self.links.insert(index, link),
                    None => self.links.remove(&index),
                };
                let up = |link: Option<Link>| link.is_some_and(|link| link.up);
                up(before) != up(link) && self.routes.iter().any(|route| route.link == index)
            }
            Change::Address { link, ip, is: Some(address) } => {
                self.addresses.insert((ip, link), address);
                false
            }
            Change::Address { link, ip, is: None } => {
                self.addresses.remove(&(ip, link));
                self.routes.iter().any(|route| route.link == link || route.source == Some(ip))
            }
            Change::Routes { replace, routes } => {
                if replace {
                    let replaced =
                        |route: &Route| routes.iter().any(|new| new.group == route.group);
                    self.routes.retain(|route| !replaced(route));
                }
                self.routes.extend(routes);
                false
            }
            Change::RoutesGone(routes) => {
                for route in routes {
                    self.routes.remove(&route);
                }
                false
            }
        }
    }

    /// Whether an address is on any link
    pub(super) fn has(&self, ip: IpAddr) -> bool {
        self.addresses.range((ip, 0)..=(ip, u32::MAX)).next().is_some()
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

    fn address(link: u32, ip: IpAddr) -> Change {
        Change::Address { link, ip, is: Some(Address { usable: true }) }
    }

    fn gone(link: u32, ip: IpAddr) -> Change {
        Change::Address { link, ip, is: None }
    }

    fn route(gateway: IpAddr, source: Option<IpAddr>) -> Route {
        let group = Group { v6: false, table: 254, tos: 0, priority: 0 };
        Route { group, link: 1, gateway: Some(gateway), source }
    }

    fn with_routes(routes: &[Route]) -> View {
        let mut view = View::default();
        let routes = Change::Routes { replace: false, routes: routes.to_vec() };
        for change in [Change::Link(1, Some(RUNS)), address(1, NEAR), routes] {
            assert!(!view.apply(change));
        }
        view
    }

    #[test]
    fn routes_may_go_with_their_link_and_their_address() {
        let mut view = with_routes(&[route(OTHER, Some(NEAR))]);
        assert!(!view.apply(Change::Link(1, Some(Link { running: false, ..RUNS }))));
        assert!(!view.apply(Change::Link(2, Some(Link { up: false, ..RUNS }))));
        assert!(!view.apply(Change::Link(2, None)));
        let down = Link { up: false, running: false, ..RUNS };
        assert!(view.apply(Change::Link(1, Some(down))));
        assert!(view.has(NEAR));
        // A route with several hops has one of them again.
        assert!(view.apply(Change::Link(1, Some(RUNS))));
        assert!(!view.apply(address(2, OTHER)));
        assert!(!view.apply(gone(2, OTHER)));
        assert!(!view.apply(address(2, NEAR)));
        assert!(view.apply(gone(2, NEAR)));
        assert!(view.has(NEAR));
        assert!(view.apply(gone(1, NEAR)));
        assert!(!view.has(NEAR));
        assert!(view.apply(Change::Link(1, None)));
    }

    #[test]
    fn a_route_replaces_its_like_only_if_it_says_so() {
        let (old, new) = (route(NEAR, None), route(OTHER, None));
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
