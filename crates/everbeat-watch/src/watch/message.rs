//! The kernel's words: bytes in, changes out. Whatever else the bytes say is passed over, and what is
//! cut off ends them (rtnetlink(7), netlink(7)).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What one message says
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Told {
    Change(Change),
    /// The end of an answer, with the kernel's error number if it is not whole
    End(Option<i32>),
}

/// Something is so now
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// A link, by its index, is so, or gone
    Link(u32, Option<Link>),
    /// An address of a link is so, or gone
    Address { link: u32, ip: IpAddr, is: Option<Address> },
    /// Default routes, one for each next hop, are there
    Routes { replace: bool, routes: Vec<Route> },
    /// And are gone
    RoutesGone(Vec<Route>),
}

/// A link, as far as it matters
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Link {
    /// Somebody wants it to run
    pub(super) up: bool,
    /// It does: there is a carrier, a network was joined
    pub(super) running: bool,
    pub(super) loopback: bool,
    /// Belongs to a bridge or bond, which has the addresses
    pub(super) port: bool,
    /// Connects containers or virtual machines with each other
    pub(super) wiring: bool,
}

/// An address, as far as it matters
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Address {
    /// Good for talking to others than the link or the host
    pub(super) usable: bool,
}

/// A next hop of a default route
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Route {
    pub(super) group: Group,
    pub(super) link: u32,
    pub(super) gateway: Option<IpAddr>,
    /// The address that is said to be ours on this way
    pub(super) source: Option<IpAddr>,
}

/// What a route that replaces another has in common with it
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Group {
    pub(super) v6: bool,
    pub(super) table: u32,
    pub(super) tos: u8,
    pub(super) priority: u32,
}

/// A message with what its header says
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Message {
    /// The number of the request that it answers
    pub(super) sequence: u32,
    /// The answer may lack something: what it tells of changed meanwhile
    pub(super) interrupted: bool,
    pub(super) told: Option<Told>,
}

const ERROR: u16 = 2;
const DONE: u16 = 3;
const NEW_LINK: u16 = 16;
const DEL_LINK: u16 = 17;
const NEW_ADDRESS: u16 = 20;
const DEL_ADDRESS: u16 = 21;
const NEW_ROUTE: u16 = 24;
const DEL_ROUTE: u16 = 25;

const INTERRUPTED: u16 = 0x10;
const REPLACE: u16 = 0x100;

const INET: u8 = 2;
const INET6: u8 = 10;

/// How many bytes stand in front of a message's own
const HEADER: usize = 16;
/// And of an attribute's
const ATTRIBUTE: usize = 4;

/// The messages that one reading of the socket gave
pub(super) fn messages(bytes: &[u8]) -> impl Iterator<Item = Message> {
    pieces(bytes, HEADER, |head| four(head, 0)?.try_into().ok()).map_while(|piece| {
        let (kind, flags) = (two(piece, 4)?, two(piece, 6)?);
        let body = piece.get(HEADER..)?;
        Some(Message {
            sequence: four(piece, 8)?,
            interrupted: flags & INTERRUPTED != 0,
            told: told(kind, flags, body),
        })
    })
}

fn told(kind: u16, flags: u16, body: &[u8]) -> Option<Told> {
    let change = match kind {
        ERROR | DONE => {
            let number = body.first_chunk().map(|bytes| i32::from_ne_bytes(*bytes));
            let number = number.filter(|number| *number != 0);
            return Some(Told::End(number.map(i32::wrapping_neg)));
        }
        NEW_LINK => link(body, true)?,
        DEL_LINK => link(body, false)?,
        NEW_ADDRESS => address(body, true)?,
        DEL_ADDRESS => address(body, false)?,
        NEW_ROUTE => Change::Routes { replace: flags & REPLACE != 0, routes: routes(body)? },
        DEL_ROUTE => Change::RoutesGone(routes(body)?),
        _ => return None,
    };
    Some(Told::Change(change))
}

fn link(body: &[u8], there: bool) -> Option<Change> {
    const UP: u32 = 1;
    const LOOPBACK: u32 = 8;
    const RUNNING: u32 = 0x40;
    const MASTER: u16 = 10;
    const WIRELESS: u16 = 11;
    const INFO: u16 = 18;
    const INFO_KIND: u16 = 1;
    /// Kinds by which hosts wire containers; their ends are ports, or in other namespaces
    const WIRING: [&[u8]; 5] = [b"bridge", b"dummy", b"ifb", b"vxlan", b"geneve"];

    // A port that leaves its bridge is a link deleted from the bridge's family, and goes on.
    let family = *body.first()?;
    let (index, flags) = (four(body, 4)?, four(body, 8)?);
    let attributes = body.get(16..)?;
    // News of a radio are told as a link, without most of it.
    if family != 0 || attribute(attributes, WIRELESS).is_some() {
        return None;
    }
    let kind = attribute(attributes, INFO).and_then(|info| attribute(info, INFO_KIND));
    let kind = kind.and_then(|kind| kind.split(|byte| *byte == 0).next());
    let link = Link {
        up: flags & UP != 0,
        running: flags & UP != 0 && flags & RUNNING != 0,
        loopback: flags & LOOPBACK != 0,
        port: attribute(attributes, MASTER).and_then(|master| four(master, 0)).unwrap_or(0) != 0,
        wiring: kind.is_some_and(|kind| WIRING.contains(&kind)),
    };
    Some(Change::Link(index, there.then_some(link)))
}

fn address(body: &[u8], there: bool) -> Option<Change> {
    const OF_PEER: u16 = 1;
    const LOCAL: u16 = 2;
    const FLAGS: u16 = 8;
    const OPTIMISTIC: u32 = 0x04;
    const NOT_UNIQUE: u32 = 0x08;
    const TENTATIVE: u32 = 0x40;
    /// From here on it is valid on the link, then on the host only
    const SCOPE_LINK: u8 = 253;

    let family = *body.first()?;
    let (flags, scope) = (u32::from(*body.get(2)?), *body.get(3)?);
    let link = four(body, 4)?;
    let attributes = body.get(8..)?;
    // The other end of a point to point link stands where other links have their own.
    let ip = attribute(attributes, LOCAL).or_else(|| attribute(attributes, OF_PEER));
    let ip = ip_address(family, ip?)?;
    let flags = attribute(attributes, FLAGS).and_then(|flags| four(flags, 0)).unwrap_or(flags);
    let unsure = flags & NOT_UNIQUE != 0 || flags & TENTATIVE != 0 && flags & OPTIMISTIC == 0;
    let is = Address { usable: scope < SCOPE_LINK && !unsure };
    Some(Change::Address { link, ip, is: there.then_some(is) })
}

/// The next hops of a default route; `None` if it is no such
fn routes(body: &[u8]) -> Option<Vec<Route>> {
    const LINK: u16 = 4;
    const GATEWAY: u16 = 5;
    const PRIORITY: u16 = 6;
    const SOURCE: u16 = 7;
    const HOPS: u16 = 9;
    const TABLE: u16 = 15;
    const VIA: u16 = 18;
    const UNICAST: u8 = 1;
    const LOCAL_TABLE: u32 = 255;
    /// How many bytes stand in front of a next hop's attributes
    const HOP: usize = 8;
    /// Made from another for one destination
    const CLONED: u32 = 0x200;

    let family = *body.first()?;
    let (length, tos, table, kind) = (*body.get(1)?, *body.get(3)?, *body.get(4)?, *body.get(7)?);
    let attributes = body.get(12..)?;
    if length != 0 || kind != UNICAST || four(body, 8)? & CLONED != 0 {
        return None;
    }
    let number = |wanted| attribute(attributes, wanted).and_then(|number| four(number, 0));
    let table = number(TABLE).unwrap_or_else(|| table.into());
    let v6 = match family {
        INET => false,
        INET6 => true,
        _ => return None,
    };
    if table == LOCAL_TABLE {
        return None;
    }
    let group = Group { v6, table, tos, priority: number(PRIORITY).unwrap_or(0) };
    let source = attribute(attributes, SOURCE).and_then(|source| ip_address(family, source));
    let hop = |link, attributes| {
        let gateway = attribute(attributes, GATEWAY).and_then(|ip| ip_address(family, ip));
        let via = || {
            let via = attribute(attributes, VIA)?;
            ip_address(u8::try_from(two(via, 0)?).ok()?, via.get(2..)?)
        };
        Route { group, link, gateway: gateway.or_else(via), source }
    };
    if let Some(hops) = attribute(attributes, HOPS) {
        let hops = pieces(hops, HOP, |head| Some(two(head, 0)?.into()));
        return Some(hops.filter_map(|it| Some(hop(four(it, 4)?, it.get(HOP..)?))).collect());
    }
    Some(vec![hop(number(LINK)?, attributes)])
}

fn ip_address(family: u8, bytes: &[u8]) -> Option<IpAddr> {
    match family {
        INET => Some(Ipv4Addr::from(*bytes.first_chunk::<4>()?).into()),
        INET6 => Some(Ipv6Addr::from(*bytes.first_chunk::<16>()?).into()),
        _ => None,
    }
}

/// What the first attribute of this type holds
fn attribute(attributes: &[u8], wanted: u16) -> Option<&[u8]> {
    /// Two flags may stand in front of a type: it is nested, it is in network order
    const TYPE: u16 = 0x3fff;
    let mut all = pieces(attributes, ATTRIBUTE, |head| Some(two(head, 0)?.into()));
    all.find(|piece| two(piece, 2).is_some_and(|kind| kind & TYPE == wanted))?.get(ATTRIBUTE..)
}

/// Cuts bytes into pieces that begin with their own length and stand at multiples of four; a length
/// that is less than `least`, or more than there is, ends them
fn pieces(
    mut bytes: &[u8],
    least: usize,
    length: impl Fn(&[u8]) -> Option<usize>,
) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let length = length(bytes).filter(|length| *length >= least)?;
        let piece = bytes.get(..length)?;
        bytes = bytes.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some(piece)
    })
}

fn two(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..)?.first_chunk().map(|bytes| u16::from_ne_bytes(*bytes))
}

fn four(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|bytes| u32::from_ne_bytes(*bytes))
}

#[cfg(test)]
mod tests;
