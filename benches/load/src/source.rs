//! Where a connection comes from. A loopback address has 28,000 ports for those who connect, fewer
//! while others wait to be forgotten; but it is one of sixteen million.

use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};

/// How many come from one address
const A_SOURCE: usize = 1_000;

/// The address that the connection of this number binds, of a port that nobody has chosen
///
/// Elsewhere than on Linux only the first loopback address is there without being asked for.
#[must_use]
pub fn of(number: usize) -> SocketAddr {
    let street = if cfg!(target_os = "linux") { number / A_SOURCE } else { 0 };
    let [.., high, low] = (street as u32).to_be_bytes();
    SocketAddrV4::new(Ipv4Addr::new(127, 0, high, low.saturating_add(1)), 0).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_os = "linux")]
    fn a_thousand_come_from_one_address() {
        assert_eq!(of(0), "127.0.0.1:0".parse().unwrap());
        assert_eq!(of(999), of(0));
        assert_eq!(of(18_999), "127.0.0.19:0".parse().unwrap());
    }
}
