//! Where there is no epoll there is no nest.

use std::io;
use std::net::TcpStream;

use crate::Tcp;

/// Where sockets join a crowd; there is none here
#[derive(Debug)]
pub enum Nest {}

/// The turns of a nest; there is none here
#[derive(Debug)]
pub enum Turns {}

impl Nest {
    /// There is none
    ///
    /// # Errors
    ///
    /// Always `Unsupported`.
    pub fn new() -> io::Result<(Self, Turns)> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub(crate) fn settle<S>(
        &self,
        _: TcpStream,
        _: impl FnOnce(TcpStream) -> io::Result<S>,
    ) -> io::Result<Tcp<S>> {
        match *self {}
    }
}
