//! TLS for `wss` (RFC 6455, section 10.6), once for all runtimes: rustls over any byte stream, with
//! ring as its provider. Feature `tls`; this file alone knows whether it is on.

#[cfg(feature = "tls")]
mod api;
#[cfg(feature = "tls")]
mod client;
#[cfg(feature = "tls")]
mod clients;
mod error;
#[cfg(feature = "tls")]
mod layered;
#[cfg(feature = "tls")]
mod live;
#[cfg(not(feature = "tls"))]
mod off;
#[cfg(feature = "tls")]
mod pem;
#[cfg(feature = "tls")]
mod platform;
#[cfg(feature = "tls")]
mod server;
#[cfg(feature = "tls")]
mod words;

pub use error::TlsError;
/// The version of rustls that `from_rustls` takes
#[cfg(feature = "tls")]
pub use futures_rustls::rustls;
#[cfg(feature = "tls")]
pub use {client::ClientTls, clients::Clients, server::ServerTls};

#[cfg(not(feature = "tls"))]
pub(crate) use off::{
    ClientTls, Layered, ServerTls, certificates, late, plain, secure_client, secure_server,
};
#[cfg(feature = "tls")]
pub(crate) use {
    client::secure_client,
    layered::{Layered, certificates, late, plain},
    server::secure_server,
};

/// Whether `wss` can be spoken
pub(crate) const AVAILABLE: bool = cfg!(feature = "tls");
