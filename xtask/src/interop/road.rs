//! Two hosts of this machine's kernel with a road between them, for peers that are to lose it.

use std::net::Ipv4Addr;
use std::process::{Child, Command, Stdio};

use anyhow::Result;
use everbeat_netns::{Host, Network, Tools};

use super::peer::Role;

#[derive(Debug)]
pub(super) struct Road {
    network: Network,
    server: Host,
    client: Host,
}

impl Road {
    /// Where servers are on every road: networks know nothing of each other
    pub(super) const SERVER: Ipv4Addr = Host::v4_of(1);

    pub(super) fn new(tools: &Tools) -> Result<Self> {
        let (network, [server, client]) = Network::join(tools, ["server", "client"])?;
        Ok(Self { network, server, client })
    }

    /// Starts a program at its end, with pipes for its stdin and stdout
    pub(super) fn spawn(&self, role: Role, command: &Command) -> Result<Child> {
        let host = match role {
            Role::Server => &self.server,
            Role::Client => &self.client,
        };
        let mut there = host.place().command(command.get_program());
        there.args(command.get_args()).stdin(Stdio::piped()).stdout(Stdio::piped());
        host.place().spawn(there)
    }

    /// Nothing passes any more, and nobody is told
    pub(super) fn cut(&self) -> Result<()> {
        self.network.part(&self.server, &self.client)
    }

    /// The cable of the client's host is out
    pub(super) fn unplug(&self) -> Result<()> {
        self.client.unplug()
    }

    /// And in again
    pub(super) fn plug(&self) -> Result<()> {
        self.client.restore()
    }

    /// All is as it was
    pub(super) fn repair(&self) -> Result<()> {
        self.network.repair()
    }
}
