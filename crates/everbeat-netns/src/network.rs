//! Hosts around a router: a star of links. What is lost or slow is so at the router, in the middle.

use std::fs;

use anyhow::{Context, Result};

use crate::hole::{self, Lost};
use crate::host::Host;
use crate::place::Place;
use crate::tools::Tools;

/// What a router hands on, by default nothing
const FORWARDING: [&str; 2] =
    ["/proc/sys/net/ipv4/ip_forward", "/proc/sys/net/ipv6/conf/all/forwarding"];

/// As much as may go out at once on a slow link: more than a packet
const BURST: u32 = 4 << 10;

/// The router, and what it does to what passes
///
/// Dropped, every link is gone; the hosts stay until they are dropped.
#[derive(Debug)]
pub struct Network {
    router: Place,
}

/// How slow a link is
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "what a test asks for")]
pub struct Rate {
    /// Bits a second, of all bytes of a packet and its Ethernet header
    pub bits: u32,
    /// How many bytes may wait; what comes beyond them is lost
    pub queue: u32,
}

impl Network {
    /// Hosts of these names, each of which reaches every other, from its first packet on
    ///
    /// # Errors
    ///
    /// A name is no name for a link, or is another's too; or there is no network for us, which
    /// [`Tools::missing`] tells beforehand.
    pub fn join<const N: usize>(tools: &Tools, names: [&str; N]) -> Result<(Self, [Host; N])> {
        Self::join_from(1, tools, names)
    }

    /// The same, and the first of them has this number ([`Host::v4_of`]), so that two networks that
    /// somebody joins have no address twice
    ///
    /// # Errors
    ///
    /// As [`join`](Self::join).
    pub fn join_from<const N: usize>(
        first: u8,
        tools: &Tools,
        names: [&str; N],
    ) -> Result<(Self, [Host; N])> {
        let router = Place::new("router", tools)?;
        router
            .run(|| FORWARDING.iter().try_for_each(|path| fs::write(path, "1")))?
            .context("forwarding")?;
        router.tool("nft", &["-f", "-"], hole::NONE)?;
        let hosts = names.into_iter().zip(first..).map(|(name, number)| {
            let host = Host::new(name, number, tools)?;
            host.connect(&router).with_context(|| format!("the link to {name}"))?;
            Ok(host)
        });
        let hosts = hosts.collect::<Result<Vec<_>>>()?;
        for host in &hosts {
            host.settle().with_context(|| host.name().to_owned())?;
        }
        let hosts = hosts.try_into().ok().context("there is a host for each name")?;
        Ok((Self { router }, hosts))
    }

    /// Where a wire to another network may end
    #[must_use]
    pub const fn router(&self) -> &Place {
        &self.router
    }

    /// What is for a host of another network leaves by that device of the router's; IPv4 only
    ///
    /// # Errors
    ///
    /// There is no such device.
    pub fn lead(&self, to: &Host, device: &str) -> Result<()> {
        self.router.ip(&[format!("route replace {}/24 dev {device}", to.v4_network())])
    }

    /// What comes from one host and goes to the other is lost, beside what is lost already
    ///
    /// # Errors
    ///
    /// The packet filter refuses.
    pub fn lose(&self, from: &Host, to: &Host, lost: Lost) -> Result<()> {
        self.filter(&hole::lose(&[(from.name(), to.name())], lost))
    }

    /// A black hole between two hosts: nothing passes either way, and nobody is told
    ///
    /// # Errors
    ///
    /// The packet filter refuses.
    pub fn part(&self, one: &Host, other: &Host) -> Result<()> {
        let ways = [(one.name(), other.name()), (other.name(), one.name())];
        self.filter(&hole::lose(&ways, Lost::All))
    }

    /// Whatever that host sends by TCP is answered by a reset, and goes no further
    ///
    /// # Errors
    ///
    /// The packet filter refuses.
    pub fn refuse(&self, from: &Host) -> Result<()> {
        self.filter(&hole::refuse(from.name()))
    }

    /// Nothing is lost any more, and nobody refused
    ///
    /// # Errors
    ///
    /// The packet filter refuses.
    pub fn repair(&self) -> Result<()> {
        self.filter(&hole::repair())
    }

    /// Makes the link to a host slow, for what goes to it; its own way out is as fast as ever
    ///
    /// # Errors
    ///
    /// The kernel refuses.
    pub fn slow(&self, to: &Host, rate: Rate) -> Result<()> {
        let rate = format!("rate {}bit burst {BURST} limit {}", rate.bits, rate.queue);
        let words = format!("qdisc replace dev {} root tbf {rate}", to.name());
        self.router.tool("tc", &words.split(' ').collect::<Vec<_>>(), "").map(drop)
    }

    /// Makes it as fast as ever; what waits is lost
    ///
    /// # Errors
    ///
    /// It is.
    pub fn fast(&self, to: &Host) -> Result<()> {
        self.router.tool("tc", &["qdisc", "delete", "dev", to.name(), "root"], "").map(drop)
    }

    fn filter(&self, rules: &str) -> Result<()> {
        self.router.tool("nft", &["-f", "-"], rules).map(drop)
    }
}
