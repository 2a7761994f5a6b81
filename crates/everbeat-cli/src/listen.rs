//! Where to listen, as the command line says it: what is no address at all is a mistake of the command
//! line, and one that this machine does not give is a failure of its own.

use std::net::SocketAddr;

use tokio::net::lookup_host;

use crate::exit::Failure;

/// The first address of `HOST:PORT`
pub(crate) async fn resolve(address: &str) -> Result<SocketAddr, Failure> {
    let found = lookup_host(address).await;
    let mut found = found.map_err(|error| Failure::Usage(format!("{address}: {error}")))?;
    found.next().ok_or_else(|| Failure::Usage(format!("{address}: the name has no address")))
}

/// One that cannot be listened at: somebody else has it, or it needs a right that we have not
pub(crate) fn cannot(what: &str, error: &std::io::Error) -> Failure {
    Failure::Listen(format!("{what}: {error}"))
}

/// An address for orders, which ask for no password: only this machine reaches it, unless that is what
/// is wanted
pub(crate) fn at_home(at: SocketAddr, anywhere: bool) -> Result<SocketAddr, Failure> {
    match anywhere || at.ip().to_canonical().is_loopback() {
        true => Ok(at),
        false => Err(Failure::Usage(format!(
            "--control {at} can be reached from elsewhere, and whoever reaches it breaks connections \
             and sends them where they like: listen on 127.0.0.1, or say --control-anywhere"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_are_taken_from_this_machine_unless_told_otherwise() {
        let checked = |at: &str, anywhere| at_home(at.parse().unwrap(), anywhere).is_ok();
        for home in ["127.0.0.1:1", "127.9.9.9:1", "[::1]:1", "[::ffff:127.0.0.1]:1"] {
            assert!(checked(home, false), "{home}");
        }
        for open in ["0.0.0.0:1", "[::]:1", "192.0.2.1:1", "[2001:db8::1]:1", "[::ffff:0.0.0.0]:1"]
        {
            assert!(!checked(open, false), "{open}");
            assert!(checked(open, true), "{open}");
        }
    }
}
