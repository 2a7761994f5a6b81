//! A port of this host for a program that cannot tell which one the system has chosen for it.

use std::net::{Ipv4Addr, SocketAddr};

use anyhow::{Context, Result};
use socket2::{Domain, Socket, Type};

/// A port that nobody else is given while this lives
///
/// Whoever lets go of a port before the program has it may find that somebody else does: another trial's
/// proxy, which then serves this one's client. So it stays bound, without listening, and as both sides
/// allow its reuse, Linux lets the program bind and listen.
#[derive(Debug)]
pub(crate) struct Port {
    _held: Socket,
    pub(crate) address: SocketAddr,
}

impl Port {
    pub(crate) fn reserve() -> Result<Self> {
        let held = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        held.set_reuse_address(true)?;
        held.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into())?;
        let address = held.local_addr()?.as_socket().context("a port has an address")?;
        Ok(Self { _held: held, address })
    }
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use std::collections::HashSet;
    use std::net::{TcpListener, TcpStream};

    use super::*;

    #[test]
    fn whom_it_is_for_can_listen_there_and_is_reached() {
        let port = Port::reserve().unwrap();
        assert!(TcpStream::connect(port.address).is_err(), "nobody listens yet");
        let listener = TcpListener::bind(port.address).unwrap();
        TcpStream::connect(port.address).unwrap();
        listener.accept().unwrap();
        drop(listener);
        TcpListener::bind(port.address).expect("and again, who is started anew");
    }

    #[test]
    fn nobody_else_is_given_it() {
        let held: Vec<_> = (0..200).map(|_| Port::reserve().unwrap()).collect();
        let taken: HashSet<_> = held.iter().map(|port| port.address).collect();
        assert_eq!(taken.len(), held.len());
        for _ in 0..5_000 {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
            assert!(!taken.contains(&listener.local_addr().unwrap()));
            assert!(!taken.contains(&Port::reserve().unwrap().address));
        }
    }
}
