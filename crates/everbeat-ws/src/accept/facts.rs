//! What is known of a peer for as long as its connection lives: [`Facts`], of which every idle
//! connection holds one.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, SocketAddrV6};

/// What is known of a peer for as long as its connection lives
///
/// What it asked for is handed over once, when its upgrade is done.
///
/// Two words for an IPv4 address, beside the principal: whatever is longer is in a box.
#[derive(Clone)]
pub struct Facts<P = ()> {
    socket: Kept,
    /// Who it is, as the hook found out
    pub principal: P,
}

/// An address, and a subprotocol if one was chosen, in no more room than most need
#[derive(Clone)]
enum Kept {
    V4(SocketAddrV4),
    /// An IPv4 address, as a socket that speaks both tells it
    Mapped(SocketAddrV4),
    V6(Box<SocketAddrV6>),
    Spoken(Box<(SocketAddr, Box<str>)>),
}

impl<P> Facts<P> {
    /// What an acceptor of one's own knows of a peer: the address of the socket's other end, the
    /// subprotocol if one was chosen, and who it is
    #[must_use]
    pub fn new(peer: SocketAddr, subprotocol: Option<Box<str>>, principal: P) -> Self {
        let socket = match (peer, subprotocol) {
            (peer, Some(subprotocol)) => Kept::Spoken(Box::new((peer, subprotocol))),
            (SocketAddr::V4(peer), None) => Kept::V4(peer),
            (SocketAddr::V6(peer), None) => match unmapped(peer) {
                Some(address) => Kept::Mapped(SocketAddrV4::new(address, peer.port())),
                None => Kept::V6(Box::new(peer)),
            },
        };
        Self { socket, principal }
    }

    /// The address of the socket's other end: behind a proxy, the proxy's
    #[must_use]
    pub fn peer(&self) -> SocketAddr {
        match &self.socket {
            Kept::V4(peer) => (*peer).into(),
            Kept::Mapped(peer) => (peer.ip().to_ipv6_mapped(), peer.port()).into(),
            Kept::V6(peer) => (**peer).into(),
            Kept::Spoken(kept) => kept.0,
        }
    }

    /// Which subprotocol the hook chose (RFC 6455, section 1.9)
    #[must_use]
    pub fn subprotocol(&self) -> Option<&str> {
        match &self.socket {
            Kept::Spoken(kept) => Some(&kept.1),
            Kept::V4(_) | Kept::Mapped(_) | Kept::V6(_) => None,
        }
    }
}

/// The IPv4 address in an IPv6 one, if that is all there is in it
fn unmapped(peer: SocketAddrV6) -> Option<Ipv4Addr> {
    let address = peer.ip().to_ipv4_mapped()?;
    (peer.flowinfo() == 0 && peer.scope_id() == 0).then_some(address)
}

impl<P: fmt::Debug> fmt::Debug for Facts<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Facts")
            .field("peer", &self.peer())
            .field("subprotocol", &self.subprotocol())
            .field("principal", &self.principal)
            .finish()
    }
}

#[cfg(target_pointer_width = "64")]
const _: () = assert!(size_of::<Facts>() == 16);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_what_was_told() {
        let v6 = |address: &str, flow, scope| -> SocketAddr {
            SocketAddrV6::new(address.parse().unwrap(), 7, flow, scope).into()
        };
        for peer in [
            "192.0.2.1:80".parse().unwrap(),
            v6("::ffff:192.0.2.1", 0, 0),
            v6("::ffff:192.0.2.1", 1, 0),
            v6("::ffff:192.0.2.1", 0, 1),
            v6("2001:db8::1", 0, 0),
            v6("fe80::1", 3, 2),
            v6("::192.0.2.1", 0, 0),
            v6("::1", 0, 0),
        ] {
            for spoken in [None, Some("chat.v1")] {
                let facts = Facts::new(peer, spoken.map(Into::into), 42);
                assert_eq!((facts.peer(), facts.subprotocol()), (peer, spoken));
                let again = facts.clone();
                assert_eq!(
                    (again.peer(), again.subprotocol(), again.principal),
                    (peer, spoken, 42)
                );
            }
        }
    }

    #[test]
    fn an_ipv4_address_is_kept_without_a_box() {
        for peer in ["192.0.2.1:80", "[::ffff:192.0.2.1]:80"] {
            let facts = Facts::new(peer.parse().unwrap(), None, ());
            assert!(matches!(facts.socket, Kept::V4(_) | Kept::Mapped(_)), "{facts:?}");
        }
    }
}
