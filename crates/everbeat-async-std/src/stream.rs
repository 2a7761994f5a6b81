//! async-std's TCP connection as a byte stream that a WebSocket can run on.

pub use everbeat_async_io::Stream;
