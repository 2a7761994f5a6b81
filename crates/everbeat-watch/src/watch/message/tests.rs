//! What another library writes is read as it was meant; what nobody meant is survived.

use netlink_packet_core::{NetlinkMessage, NetlinkPayload};
use netlink_packet_route::address::{AddressAttribute, AddressFlags, AddressMessage, AddressScope};
use netlink_packet_route::link::{InfoKind, LinkAttribute, LinkFlags, LinkInfo, LinkMessage};
use netlink_packet_route::route::{
    RouteAttribute, RouteFlags, RouteMessage, RouteNextHop, RouteType, RouteVia,
};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage as Kind};
use proptest::prelude::*;

use super::*;

/// A message as the kernel would write it
fn written(kind: Kind, flags: u16, sequence: u32) -> Vec<u8> {
    let mut message = NetlinkMessage::from(kind);
    message.header.flags = flags;
    message.header.sequence_number = sequence;
    message.finalize();
    let mut bytes = vec![0; message.buffer_len()];
    message.serialize(&mut bytes);
    bytes
}

/// What is read in it
fn read(kind: Kind, flags: u16) -> Option<Change> {
    let [message] = messages(&written(kind, flags, 7)).collect::<Vec<_>>().try_into().unwrap();
    assert_eq!((message.sequence, message.interrupted), (7, flags & INTERRUPTED != 0));
    match message.told {
        Some(Told::Change(change)) => Some(change),
        Some(Told::End(_)) => panic!("no end was written"),
        None => None,
    }
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn family(ip: IpAddr) -> AddressFamily {
    if ip.is_ipv6() { AddressFamily::Inet6 } else { AddressFamily::Inet }
}

fn link_with(flags: LinkFlags, attributes: Vec<LinkAttribute>) -> LinkMessage {
    let mut message = LinkMessage::default();
    (message.header.index, message.header.flags) = (5, flags);
    message.attributes = vec![LinkAttribute::IfName("eth0".into()), LinkAttribute::Mtu(1_500)];
    message.attributes.extend(attributes);
    message
}

fn address_with(ip: IpAddr, scope: AddressScope, flags: AddressFlags) -> AddressMessage {
    let mut message = AddressMessage::default();
    (message.header.family, message.header.index) = (family(ip), 5);
    message.header.scope = scope;
    message.attributes = vec![AddressAttribute::Address(ip), AddressAttribute::Flags(flags)];
    message
}

fn route_with(v6: bool, attributes: Vec<RouteAttribute>) -> RouteMessage {
    let mut message = RouteMessage::default();
    message.header.address_family = if v6 { AddressFamily::Inet6 } else { AddressFamily::Inet };
    (message.header.table, message.header.kind) = (254, RouteType::Unicast);
    message.attributes = attributes;
    message
}

#[test]
fn links_are_read() {
    let is = |flags, attributes| match read(Kind::NewLink(link_with(flags, attributes)), 0) {
        Some(Change::Link(5, Some(link))) => link,
        other => panic!("{other:?}"),
    };
    let idle = Link { up: false, running: false, loopback: false, port: false, wiring: false };
    let (up, running) = (LinkFlags::Up, LinkFlags::Running);
    assert_eq!(is(LinkFlags::empty(), vec![]), idle);
    assert_eq!(is(up, vec![]), Link { up: true, ..idle });
    assert_eq!(is(up | running, vec![]), Link { up: true, running: true, ..idle });
    assert_eq!(is(running | LinkFlags::Loopback, vec![]), Link { loopback: true, ..idle });
    let port = Link { port: true, ..idle };
    assert_eq!(is(LinkFlags::empty(), vec![LinkAttribute::Controller(3)]), port);
    let of_kind = |kind| vec![LinkAttribute::LinkInfo(vec![LinkInfo::Kind(kind)])];
    let wiring = Link { wiring: true, ..idle };
    for kind in
        [InfoKind::Bridge, InfoKind::Dummy, InfoKind::Ifb, InfoKind::Vxlan, InfoKind::Geneve]
    {
        assert_eq!(is(LinkFlags::empty(), of_kind(kind)), wiring);
    }
    for kind in [InfoKind::Veth, InfoKind::Wireguard, InfoKind::Vlan, InfoKind::Bond] {
        assert_eq!(is(LinkFlags::empty(), of_kind(kind)), idle);
    }
    let gone = Kind::DelLink(link_with(up | running, vec![]));
    assert_eq!(read(gone, 0), Some(Change::Link(5, None)));
}

#[test]
fn a_bridges_words_of_its_port_and_a_radios_news_are_no_news_of_the_link() {
    let mut of_bridge = link_with(LinkFlags::Up, vec![]);
    of_bridge.header.interface_family = AddressFamily::Bridge;
    assert_eq!(read(Kind::DelLink(of_bridge), 0), None);
    let mut bytes = written(Kind::NewLink(link_with(LinkFlags::empty(), vec![])), 0, 0);
    let length = u32::try_from(bytes.len() + 8).unwrap();
    bytes.extend(8_u16.to_ne_bytes().into_iter().chain(11_u16.to_ne_bytes()).chain([1, 2, 3, 4]));
    bytes[..4].copy_from_slice(&length.to_ne_bytes());
    assert_eq!(messages(&bytes).next().unwrap().told, None);
}

#[test]
fn addresses_are_read() {
    use AddressFlags as Flags;
    use AddressScope as Scope;
    for (text, scope, flags, usable) in [
        ("192.0.2.1", Scope::Universe, Flags::Permanent, true),
        ("2001:db8::1", Scope::Universe, Flags::empty(), true),
        ("2001:db8::1", Scope::Universe, Flags::Tentative, false),
        ("2001:db8::1", Scope::Universe, Flags::Tentative | Flags::Optimistic, true),
        ("2001:db8::1", Scope::Universe, Flags::Dadfailed, false),
        ("2001:db8::1", Scope::Site, Flags::Deprecated, true),
        ("169.254.0.1", Scope::Link, Flags::Permanent, false),
        ("127.0.0.1", Scope::Host, Flags::Permanent, false),
    ] {
        let ip = ip(text);
        let message = address_with(ip, scope, flags);
        let there = Change::Address { link: 5, ip, is: Some(Address { usable }) };
        assert_eq!(read(Kind::NewAddress(message.clone()), 0), Some(there), "{text} {flags:?}");
        let gone = Change::Address { link: 5, ip, is: None };
        assert_eq!(read(Kind::DelAddress(message), 0), Some(gone));
    }
}

#[test]
fn of_a_point_to_point_link_the_address_is_ours_and_not_the_peers() {
    let mut message = address_with(ip("10.0.0.2"), AddressScope::Universe, AddressFlags::empty());
    message.attributes.push(AddressAttribute::Local(ip("10.0.0.1")));
    let Some(Change::Address { ip: found, .. }) = read(Kind::NewAddress(message), 0) else {
        panic!("no address");
    };
    assert_eq!(found, ip("10.0.0.1"));
}

#[test]
fn default_routes_are_read_and_no_others() {
    let gateway = |text| RouteAttribute::Gateway(ip(text).into());
    let group = Group { v6: false, table: 254, tos: 0, priority: 0 };
    let route = Route { group, link: 5, gateway: Some(ip("192.0.2.9")), source: None };
    let plain = route_with(false, vec![RouteAttribute::Oif(5), gateway("192.0.2.9")]);
    let there = |replace, routes| Some(Change::Routes { replace, routes });
    assert_eq!(read(Kind::NewRoute(plain.clone()), 0), there(false, vec![route]));
    assert_eq!(read(Kind::NewRoute(plain.clone()), REPLACE), there(true, vec![route]));
    assert_eq!(read(Kind::DelRoute(plain.clone()), 0), Some(Change::RoutesGone(vec![route])));

    let more = [
        RouteAttribute::Oif(5),
        RouteAttribute::Table(1_000),
        RouteAttribute::Priority(600),
        RouteAttribute::PrefSource(ip("192.0.2.1").into()),
        RouteAttribute::Via(RouteVia::Inet6("fe80::1".parse().unwrap())),
    ];
    let full = Route {
        group: Group { table: 1_000, priority: 600, ..group },
        link: 5,
        gateway: Some(ip("fe80::1")),
        source: Some(ip("192.0.2.1")),
    };
    let message = route_with(false, more.to_vec());
    assert_eq!(read(Kind::NewRoute(message), 0), there(false, vec![full]));

    let change = |change: fn(&mut RouteMessage)| {
        let mut message = plain.clone();
        change(&mut message);
        read(Kind::NewRoute(message), 0)
    };
    assert_eq!(change(|it| it.header.destination_prefix_length = 1), None);
    assert_eq!(change(|it| it.header.kind = RouteType::Unreachable), None);
    assert_eq!(change(|it| it.header.table = 255), None);
    assert_eq!(change(|it| it.header.flags = RouteFlags::Cloned), None);
    assert_eq!(change(|it| it.header.address_family = AddressFamily::Mpls), None);
    assert_eq!(change(|it| it.attributes.clear()), None);
}

#[test]
fn every_next_hop_is_a_route() {
    let hop = |link, text| {
        let mut hop = RouteNextHop::default();
        hop.interface_index = link;
        hop.attributes = vec![RouteAttribute::Gateway(ip(text).into())];
        hop
    };
    let hops = vec![hop(5, "2001:db8::5"), hop(6, "2001:db8::6")];
    let message = route_with(true, vec![RouteAttribute::MultiPath(hops)]);
    let Some(Change::Routes { routes, .. }) = read(Kind::NewRoute(message), 0) else {
        panic!("no routes");
    };
    let found = routes.iter().map(|route| (route.link, route.gateway)).collect::<Vec<_>>();
    assert_eq!(found, [(5, Some(ip("2001:db8::5"))), (6, Some(ip("2001:db8::6")))]);
}

#[test]
fn an_answer_ends_well_or_with_the_kernels_number() {
    let told = |kind: u16, body: &[u8]| {
        let mut bytes = u32::try_from(HEADER + body.len()).unwrap().to_ne_bytes().to_vec();
        bytes.extend([kind, 0].iter().flat_map(|word: &u16| word.to_ne_bytes()));
        bytes.extend([0; 8]);
        bytes.extend(body);
        messages(&bytes).next().unwrap().told
    };
    assert_eq!(told(DONE, &[]), Some(Told::End(None)));
    assert_eq!(told(DONE, &0_i32.to_ne_bytes()), Some(Told::End(None)));
    assert_eq!(told(DONE, &(-90_i32).to_ne_bytes()), Some(Told::End(Some(90))));
    assert_eq!(told(ERROR, &(-1_i32).to_ne_bytes()), Some(Told::End(Some(1))));
    assert_eq!(told(ERROR, &i32::MIN.to_ne_bytes()), Some(Told::End(Some(i32::MIN))));
    assert_eq!(told(99, &[1, 2, 3]), None);
}

/// Two messages of a kind each, in one reading
fn two_messages() -> (Vec<u8>, usize) {
    let hops = (1..4).map(|link| {
        let mut hop = RouteNextHop::default();
        hop.interface_index = link;
        hop
    });
    let hops = RouteAttribute::MultiPath(hops.collect());
    let first = written(Kind::NewRoute(route_with(false, vec![hops])), 0, 1);
    let kind = LinkAttribute::LinkInfo(vec![LinkInfo::Kind(InfoKind::Bridge)]);
    let second = written(Kind::NewLink(link_with(LinkFlags::Up, vec![kind])), 0, 2);
    ([&first[..], &second].concat(), first.len())
}

#[test]
fn what_is_cut_off_ends_the_reading() {
    let (bytes, first) = two_messages();
    assert_eq!(messages(&bytes).count(), 2);
    for length in 0..bytes.len() {
        let whole = usize::from(length >= first);
        assert_eq!(messages(&bytes[..length]).count(), whole, "{length}");
    }
}

#[test]
fn a_length_of_nothing_ends_the_reading() {
    for length in [0_u32, 1, 15, u32::MAX] {
        let (mut bytes, _) = two_messages();
        bytes[..4].copy_from_slice(&length.to_ne_bytes());
        assert_eq!(messages(&bytes).count(), 0, "{length}");
    }
}

#[test]
fn an_attribute_of_no_length_ends_them() {
    for length in 0..4_u16 {
        let mut body = vec![0; 16];
        body.extend(length.to_ne_bytes().into_iter().chain([0; 2]));
        body.extend(8_u16.to_ne_bytes().into_iter().chain(10_u16.to_ne_bytes()).chain([9; 4]));
        let Some(Change::Link(0, Some(link))) = link(&body, true) else { panic!("no link") };
        assert!(!link.port, "{length}");
    }
}

/// An address, by either family
fn any_ip() -> impl Strategy<Value = IpAddr> {
    prop_oneof![any::<Ipv4Addr>().prop_map(IpAddr::V4), any::<Ipv6Addr>().prop_map(IpAddr::V6)]
}

proptest! {
    #[test]
    fn any_address_is_read_as_written(
        ip in any_ip(), peer in any_ip(), scope: u8, flags: u32, link: u32,
    ) {
        prop_assume!(ip.is_ipv6() == peer.is_ipv6());
        let flags = AddressFlags::from_bits_retain(flags);
        let mut message = address_with(peer, scope.into(), flags);
        message.attributes.insert(0, AddressAttribute::Label("eth0:1".into()));
        message.attributes.push(AddressAttribute::Local(ip));
        message.header.index = link;
        let unsure = flags.contains(AddressFlags::Dadfailed)
            || flags.contains(AddressFlags::Tentative) && !flags.contains(AddressFlags::Optimistic);
        let is = Some(Address { usable: scope < 253 && !unsure });
        prop_assert_eq!(
            read(Kind::NewAddress(message), 0),
            Some(Change::Address { link, ip, is })
        );
    }

    #[test]
    fn any_bytes_are_survived(
        // Small numbers are lengths and types that mean something.
        bytes in proptest::collection::vec(prop_oneof![0..20_u8, 0..4_u8, any::<u8>()], 0..400),
    ) {
        prop_assert!(messages(&bytes).count() <= bytes.len() / HEADER);
        for kind in [NEW_LINK, DEL_LINK, NEW_ADDRESS, DEL_ADDRESS, NEW_ROUTE, DEL_ROUTE, DONE, ERROR] {
            if let Some(Told::Change(Change::Routes { routes, .. })) = told(kind, 0, &bytes) {
                prop_assert!(routes.len() <= bytes.len());
            }
        }
    }

    #[test]
    fn any_change_to_a_message_is_survived(at: prop::sample::Index, byte: u8, cut: prop::sample::Index) {
        let (mut bytes, _) = two_messages();
        let index = at.index(bytes.len());
        bytes[index] = byte;
        bytes.truncate(cut.index(bytes.len()) + 1);
        prop_assert!(messages(&bytes).count() <= bytes.len() / HEADER);
    }
}

#[test]
fn an_error_is_written_by_the_other_library_as_we_read_it() {
    let mut error = netlink_packet_core::ErrorMessage::default();
    error.code = std::num::NonZeroI32::new(-16);
    let mut message = NetlinkMessage::<Kind>::new(
        netlink_packet_core::NetlinkHeader::default(),
        NetlinkPayload::Error(error),
    );
    message.finalize();
    let mut bytes = vec![0; message.buffer_len()];
    message.serialize(&mut bytes);
    assert_eq!(messages(&bytes).next().unwrap().told, Some(Told::End(Some(16))));
}
