//! What a client has learnt of its road, from one connection to the next.

use core::net::IpAddr;

/// What was learnt of a road, which is another one from another address of ours
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct RoadMemory {
    from: Option<IpAddr>,
    pub(super) millis: u32,
}

impl RoadMemory {
    /// A connection stands from this address: what was learnt elsewhere says nothing of its road
    pub(super) fn leave_if_elsewhere(&mut self, from: Option<IpAddr>) {
        if from != self.from {
            *self = Self { from, millis: 0 };
        }
    }
}

#[cfg(test)]
mod tests {
    use core::net::Ipv4Addr;

    use super::*;

    #[test]
    fn a_road_is_remembered_by_the_address_that_it_begins_at() {
        let home = Some(IpAddr::from(Ipv4Addr::new(192, 0, 2, 1)));
        let train = Some(IpAddr::from(Ipv4Addr::new(198, 51, 100, 1)));
        let mut road = RoadMemory { from: home, millis: 7_000 };
        road.leave_if_elsewhere(home);
        assert_eq!(road.millis, 7_000);
        road.leave_if_elsewhere(train);
        assert_eq!((road.from, road.millis), (train, 0));
    }
}
