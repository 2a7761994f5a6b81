//! async-std's TCP connection, and any other stream, as a byte stream that a WebSocket can
//! run on.

pub use everbeat_async_io::{Stream, adopt};
