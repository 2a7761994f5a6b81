//! Tokio's sockets, with the addresses of a name left out that `-4` and `-6` leave out.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::OnceLock;
use std::task::{Context, Poll};

use everbeat_tokio::Tokio;
use everbeat_tokio::transport::{Tcp, TokioTimer};
use everbeat_ws::Runtime;
use tokio::net::lookup_host;

use crate::target::Family;

/// Which addresses this process dials: a runtime is made by its default, so that it cannot be told
static FAMILY: OnceLock<Family> = OnceLock::new();

/// Sets what is dialled from now on; the first word counts, for there is one command line
pub(crate) fn only(family: Family) {
    _ = FAMILY.set(family);
}

/// The addresses of a host that are dialled, in the resolver's order
pub(crate) async fn addresses(
    host: &str,
    port: u16,
    family: Family,
) -> io::Result<Vec<SocketAddr>> {
    let found = lookup_host((host, port)).await?;
    let found: Vec<_> = found.filter(|address| fits(*address, family)).collect();
    match (found.is_empty(), family) {
        (false, _) => Ok(found),
        (true, Family::Any) => Err(io::Error::other("the name has no address")),
        (true, Family::V4) => Err(io::Error::other("no IPv4 address, which -4 asks for")),
        (true, Family::V6) => Err(io::Error::other("no IPv6 address, which -6 asks for")),
    }
}

const fn fits(address: SocketAddr, family: Family) -> bool {
    match family {
        Family::Any => true,
        Family::V4 => address.is_ipv4(),
        Family::V6 => address.is_ipv6(),
    }
}

/// Tokio, with fewer addresses
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Road;

impl Runtime for Road {
    type Timer = TokioTimer;
    type Stream = Tcp;
    type Listener = <Tokio as Runtime>::Listener;

    fn timer(&self) -> TokioTimer {
        Tokio.timer()
    }

    async fn resolve(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        addresses(host, port, FAMILY.get().copied().unwrap_or_default()).await
    }

    async fn dial(&self, address: SocketAddr) -> io::Result<Tcp> {
        // An address in the URL is never resolved.
        if !fits(address, FAMILY.get().copied().unwrap_or_default()) {
            return Err(io::Error::other("not of the family that -4 or -6 asks for"));
        }
        Tokio.dial(address).await
    }

    fn adopt(&self, listener: TcpListener) -> io::Result<Self::Listener> {
        Tokio.adopt(listener)
    }

    fn poll_accept(
        &self,
        listener: &mut Self::Listener,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<(Tcp, SocketAddr)>> {
        Tokio.poll_accept(listener, cx)
    }

    fn local_address(&self, listener: &Self::Listener) -> io::Result<SocketAddr> {
        Tokio.local_address(listener)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn addresses_of_the_other_family_are_left_out() {
        let v4 = addresses("127.0.0.1", 1, Family::V4).await.unwrap();
        assert_eq!(v4, ["127.0.0.1:1".parse().unwrap()]);
        let error = addresses("127.0.0.1", 1, Family::V6).await.unwrap_err();
        assert!(error.to_string().contains("-6"), "{error}");
        assert!(addresses("::1", 1, Family::V4).await.is_err());
    }
}
