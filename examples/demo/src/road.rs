//! What is between the clients and the server, and can be broken: a proxy on the loopback, or a network
//! of this machine's kernel, in which what is lost is lost on the way and no kernel is told.

use std::net::SocketAddr;

use anyhow::{Context, bail};
use everbeat_faults::{Direction, Fault, Proxy};
use everbeat_netns::{Host, Lost, Network, Place, Tools};

use crate::note::Who;

/// Where the server listens on its host
const PORT: u16 = 9_001;
/// And where it is among them
const SERVER: u8 = 3;

/// The way from the clients to the server
#[derive(Debug)]
pub(crate) enum Road {
    Proxy(Proxy),
    Hosts(Box<Hosts>),
}

/// The server's host, that of the clients to whom the faults happen, and the witness's
#[derive(Debug)]
pub(crate) struct Hosts {
    network: Network,
    clients: Host,
    witness: Host,
    server: Host,
}

impl Hosts {
    /// Where the server will listen
    pub(crate) fn address() -> SocketAddr {
        (Host::v4_of(SERVER), PORT).into()
    }

    pub(crate) fn new() -> anyhow::Result<Self> {
        let names = ["clients", "witness", "server"];
        let (network, [clients, witness, server]) = Network::join(&Tools::default(), names)?;
        Ok(Self { network, clients, witness, server })
    }

    /// Where somebody lives
    pub(crate) const fn place(&self, who: Who) -> &Place {
        match who {
            Who::Server => self.server.place(),
            Who::Client(_) => self.clients.place(),
            _ => self.witness.place(),
        }
    }

    fn inject(&self, fault: Fault) -> anyhow::Result<()> {
        match fault {
            Fault::BlackHole(direction) => self.lose(direction, Lost::All),
            Fault::Reset => self.clients.reset(Self::address()),
            Fault::Heal => {
                self.network.repair()?;
                self.clients.restore()
            }
            other => bail!("no kernel does that to a connection: {other}"),
        }
    }

    fn lose(&self, direction: Direction, lost: Lost) -> anyhow::Result<()> {
        match direction {
            Direction::ToServer => self.network.lose(&self.clients, &self.server, lost),
            Direction::ToClient => self.network.lose(&self.server, &self.clients, lost),
            Direction::Both => self.network.part(&self.clients, &self.server),
        }
    }
}

impl Road {
    /// Does this to it
    pub(crate) fn inject(&self, fault: Fault) -> anyhow::Result<()> {
        match self {
            Self::Proxy(proxy) => {
                proxy.inject(fault);
                Ok(())
            }
            Self::Hosts(hosts) => hosts.inject(fault),
        }
    }

    /// What the clients say is lost, and their acknowledgements pass
    pub(crate) fn lose_payload(&self) -> anyhow::Result<()> {
        self.hosts()?.lose(Direction::ToServer, Lost::Payload)
    }

    /// The clients' addresses are gone
    pub(crate) fn lose_addresses(&self) -> anyhow::Result<()> {
        self.hosts()?.clients.lose_addresses()
    }

    /// Leads to this server
    pub(crate) fn redirect(&self, server: SocketAddr) {
        if let Self::Proxy(proxy) = self {
            proxy.redirect(server);
        }
    }

    pub(crate) fn proxy(&self) -> anyhow::Result<&Proxy> {
        match self {
            Self::Proxy(proxy) => Ok(proxy),
            Self::Hosts(_) => bail!("there is no proxy on this road"),
        }
    }

    fn hosts(&self) -> anyhow::Result<&Hosts> {
        match self {
            Self::Hosts(hosts) => Ok(hosts),
            Self::Proxy(_) => bail!("a proxy cannot show that"),
        }
    }

    /// Where somebody lives, if that is another network than ours
    pub(crate) fn place(&self, who: Who) -> Option<&Place> {
        self.hosts().ok().map(|hosts| hosts.place(who))
    }
}

/// Why the faults cannot be played on a path here, in words for people
pub(crate) fn missing() -> Option<String> {
    let why = Tools::default().missing()?;
    Some(format!(
        "{why}. A proxy cannot show the path: it stands between two connections, and each kernel is \
         acknowledged all that it sends. Without --netns the demo shows the rest."
    ))
}

/// The name by which TLS knows the server
pub(crate) fn name_of_server(netns: bool) -> String {
    let address = if netns { Hosts::address().ip() } else { [127, 0, 0, 1].into() };
    address.to_string()
}

/// A child's words, said where it lives
pub(crate) fn command(place: Option<&Place>) -> anyhow::Result<std::process::Command> {
    let program = std::env::current_exe().context("where are we?")?;
    Ok(match place {
        Some(place) => place.command(program),
        None => std::process::Command::new(program),
    })
}
