//! Listening at an address, for every runtime alike.

use std::io;
use std::net::{SocketAddr, TcpListener};

use socket2::{Domain, Socket, Type};

use crate::runtime::Runtime;

/// A listening socket at the first address of `address` that can be had, for which so many
/// connections may wait
pub(super) async fn listen<R: Runtime>(
    runtime: &R,
    address: &str,
    backlog: u16,
) -> io::Result<R::Listener> {
    let mut problem = None;
    for address in addresses(runtime, address).await? {
        match listen_at(address, backlog).and_then(|listener| runtime.adopt(listener)) {
            Ok(listener) => return Ok(listener),
            Err(error) => problem = Some(error),
        }
    }
    Err(problem
        .unwrap_or_else(|| io::Error::new(io::ErrorKind::NotFound, "the name has no address")))
}

async fn addresses<R: Runtime>(runtime: &R, address: &str) -> io::Result<Vec<SocketAddr>> {
    if let Ok(address) = address.parse() {
        return Ok(vec![address]);
    }
    let parts = address.rsplit_once(':').and_then(|(host, port)| Some((host, port.parse().ok()?)));
    let Some((host, port)) = parts else {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not HOST:PORT"));
    };
    runtime.resolve(host, port).await
}

fn listen_at(address: SocketAddr, backlog: u16) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    // A server that is started again finds its old connections in TIME_WAIT. On Windows the option
    // means something else, and nothing good.
    #[cfg(not(windows))]
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(backlog.into())?;
    socket.set_nonblocking(true)?;
    Ok(socket.into())
}
