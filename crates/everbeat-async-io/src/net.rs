//! Names, dialing, listening.

use std::io;
use std::net::{SocketAddr, TcpListener, ToSocketAddrs};

use async_io::Async;
use socket2::SockRef;

use crate::listener::Listener;
use crate::stream::Stream;

/// How many connections the kernel lets wait for an accept; the standard library's 128 would turn
/// a fleet that comes back into one that is refused
const BACKLOG: i32 = 1_024;

/// The addresses of a name, as the system's resolver gives them, asked on a thread of its own
///
/// # Errors
///
/// The name cannot be resolved.
///
/// # Cancel safety
///
/// Dropping the future abandons the answer; the thread is free again when the system's resolver
/// gives up.
pub async fn resolve(host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
    let host = host.to_owned();
    blocking::unblock(move || Ok((host.as_str(), port).to_socket_addrs()?.collect())).await
}

/// Opens a TCP connection
///
/// # Errors
///
/// Nobody listens there, or the system refuses.
///
/// # Cancel safety
///
/// Dropping the future abandons the connection.
pub async fn dial(address: SocketAddr) -> io::Result<Stream> {
    Async::<std::net::TcpStream>::connect(address).await.map(Stream::new)
}

/// Listens at the first address of `address` that can be had
///
/// # Errors
///
/// None can be had, or the name cannot be resolved.
///
/// # Cancel safety
///
/// If the future is dropped, nothing listens.
pub async fn listen(address: &str) -> io::Result<Listener> {
    let listener = match address.parse::<SocketAddr>() {
        Ok(address) => TcpListener::bind(address)?,
        Err(_) => {
            let name = address.to_owned();
            blocking::unblock(move || TcpListener::bind(name)).await?
        }
    };
    SockRef::from(&listener).listen(BACKLOG)?;
    Listener::try_from(listener)
}
