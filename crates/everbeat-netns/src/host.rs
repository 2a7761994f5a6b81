//! A host: a place with one link, by which it reaches the others, and what can happen to it.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Result, ensure};

use crate::place::Place;
use crate::tools::Tools;

/// What a host calls its link
const LINK: &str = "road";
/// The hosts' networks; each has a third byte of its own
const V4: [u8; 2] = [10, 77];
/// And for IPv6 a fourth word, in a block that is nobody's (RFC 4193)
const V6: u16 = 0xfd77;

/// The last number of a host's first address, and of the last that it may have; below is the router
const FIRST: u8 = 2;
const LAST: u8 = 254;

/// Where nobody listens at a router, so that it refuses
const CLOSED: u16 = 9;
/// How long a link that was just laid may carry nothing: it is a second at most
const LAID: Duration = Duration::from_secs(10);

/// A host on a [`Network`](crate::Network)
#[derive(Debug)]
pub struct Host {
    place: Place,
    number: u8,
    /// The last number of its addresses
    last: u8,
}

impl Host {
    pub(crate) fn new(name: &str, number: u8, tools: &Tools) -> Result<Self> {
        Ok(Self { place: Place::new(name, tools)?, number, last: FIRST })
    }

    /// Where its sockets and processes are
    #[must_use]
    pub const fn place(&self) -> &Place {
        &self.place
    }

    /// Its name
    #[must_use]
    pub fn name(&self) -> &str {
        self.place.name()
    }

    /// Its address
    #[must_use]
    pub const fn v4(&self) -> Ipv4Addr {
        Ipv4Addr::new(V4[0], V4[1], self.number, self.last)
    }

    /// What its link's addresses have in common
    pub(crate) const fn v4_network(&self) -> Ipv4Addr {
        Ipv4Addr::new(V4[0], V4[1], self.number, 0)
    }

    /// The first address of a network's first host, of its second, ..: all networks are alike, for they know
    /// nothing of each other
    #[must_use]
    pub const fn v4_of(number: u8) -> Ipv4Addr {
        Ipv4Addr::new(V4[0], V4[1], number, FIRST)
    }

    /// Its address of IPv6
    #[must_use]
    pub const fn v6(&self) -> Ipv6Addr {
        Ipv6Addr::new(V6, 0, 0, self.number as u16, 0, 0, 0, self.last as u16)
    }

    /// The router's addresses on the same link
    const fn router(&self) -> (Ipv4Addr, Ipv6Addr) {
        let v4 = Ipv4Addr::new(V4[0], V4[1], self.number, 1);
        (v4, Ipv6Addr::new(V6, 0, 0, self.number as u16, 0, 0, 0, 1))
    }

    /// Lays the link, from the router's side
    pub(crate) fn connect(&self, router: &Place) -> Result<()> {
        let (name, network) = (self.name(), self.place.network().display());
        let (v4, v6) = self.router();
        router.ip(&[
            format!("link add {name} type veth peer name {LINK} netns {network}"),
            format!("address add {v4}/24 dev {name}"),
            format!("address add {v6}/64 dev {name} nodad"),
            format!("link set {name} up"),
        ])?;
        self.place.ip(&["link set lo up".into()])?;
        self.restore()
    }

    /// Waits until its link carries, both ways
    ///
    /// The kernel wakes a link up a little after it is up. What is sent before is lost, and who sent
    /// it tries again a second later: long enough for an attempt to be given up.
    pub(crate) fn settle(&self) -> Result<()> {
        let router = SocketAddr::from((self.router().0, CLOSED));
        let answer = self.place.run(move || TcpStream::connect_timeout(&router, LAID))?;
        let refused = |error: &io::Error| error.kind() == io::ErrorKind::ConnectionRefused;
        ensure!(answer.as_ref().is_err_and(refused), "its link carries nothing: {answer:?}");
        Ok(())
    }

    /// Its addresses are gone, as after another DHCP lease: its kernel tells no socket of it
    ///
    /// # Errors
    ///
    /// The kernel refuses, say because they are gone already.
    pub fn lose_addresses(&self) -> Result<()> {
        let (v4, v6) = (self.v4(), self.v6());
        self.place.ip(&[
            format!("address delete {v4}/24 dev {LINK}"),
            format!("address delete {v6}/64 dev {LINK}"),
        ])
    }

    /// It has other addresses from now on, as after a move to another network: what was connected by
    /// the old ones is told nothing
    ///
    /// # Errors
    ///
    /// The kernel refuses, say because the old ones are gone already.
    pub fn renumber(&mut self) -> Result<()> {
        self.lose_addresses()?;
        self.last = if self.last == LAST { FIRST } else { self.last + 1 };
        self.restore()
    }

    /// Its cable is out
    ///
    /// # Errors
    ///
    /// The kernel refuses.
    pub fn unplug(&self) -> Result<()> {
        self.place.ip(&[format!("link set {LINK} down")])
    }

    /// All is as it was: link, addresses and routes
    ///
    /// # Errors
    ///
    /// The kernel refuses.
    pub fn restore(&self) -> Result<()> {
        let (v4, v6) = self.router();
        self.place.ip(&[
            format!("link set {LINK} up"),
            format!("address replace {}/24 dev {LINK}", self.v4()),
            format!("address replace {}/64 dev {LINK} nodad", self.v6()),
            format!("route replace default via {v4}"),
            format!("route replace default via {v6}"),
        ])
    }

    /// Has its kernel end its connections to that address: it is told at once, and the other end by a
    /// reset
    ///
    /// # Errors
    ///
    /// There is none, or the kernel cannot do that.
    pub fn reset(&self, peer: SocketAddr) -> Result<()> {
        let address = match peer.ip() {
            IpAddr::V4(v4) => v4.to_string(),
            IpAddr::V6(v6) => format!("[{v6}]"),
        };
        let port = format!("= :{}", peer.port());
        let words = ["--kill", "--no-header", "--tcp", "dst", &address, "dport", &port];
        let killed = self.place.tool("ss", &words, "")?;
        ensure!(!killed.trim().is_empty(), "{} has no connection to {peer}", self.name());
        Ok(())
    }
}
