//! smol's TCP connection, and any other stream, as a byte stream that a WebSocket can
//! run on.

pub use everbeat_async_io::{Stream, adopt};

/// A TCP connection of a client's, or of a server's, many of which share one registration
pub type Tcp = everbeat_nest::Tcp<Stream>;
