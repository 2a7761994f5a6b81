//! Without the feature: nobody can make a configuration, and nothing lies between a WebSocket and
//! its socket.

use std::future::Future;
use std::io;
use std::time::Duration;

use super::TlsError;
use crate::connect::Request;
use crate::socket::{Counted, Socket};

/// Never made
#[derive(Clone, Debug)]
pub(crate) enum ClientTls {}

/// Never made
#[derive(Clone, Debug)]
pub(crate) enum ServerTls {}

pub(crate) type Layered<S> = Counted<S>;

pub(crate) const fn plain<S>(socket: Counted<S>) -> Layered<S> {
    socket
}

/// Nobody shows any
pub(crate) const fn certificates<S>(_: &Layered<S>) -> Vec<Vec<u8>> {
    Vec::new()
}

/// None is of TLS
pub(crate) const fn late(error: io::Error) -> Result<TlsError, io::Error> {
    Err(error)
}

/// The socket as it is: no request is for `wss`
pub(crate) async fn secure_client<S: Socket + Unpin>(
    _: Option<ClientTls>,
    _: &Request,
    socket: Counted<S>,
) -> Result<Layered<S>, TlsError> {
    Ok(socket)
}

/// The socket as it is
pub(crate) async fn secure_server<S: Socket + Unpin, L: Future<Output = ()>>(
    _: Option<ServerTls>,
    socket: Counted<S>,
    _: impl Fn(Duration) -> L,
) -> Result<Layered<S>, TlsError> {
    Ok(socket)
}
