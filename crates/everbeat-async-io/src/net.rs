//! Names and dialing.

use std::io;
use std::net::{SocketAddr, ToSocketAddrs};

use async_io::Async;

use crate::stream::Stream;

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
    Async::<std::net::TcpStream>::connect(address).await.map(Stream::alone)
}
