//! What is below a connection: the seams, the WebSocket that fills them, smol's socket and clock.

pub use everbeat_core::transport::*;
pub use everbeat_ws::tls;
pub use everbeat_ws::upgrade::UpgradeError;
pub use everbeat_ws::{Adopted, Error, ProtocolError, Role, Settings, Socket};

pub use crate::stream::{Stream, Tcp, adopt};
pub use crate::timer::{SmolSleep, SmolTimer};

/// One WebSocket over a TCP connection of smol's
pub type WebSocket<S = Tcp> = everbeat_ws::WebSocket<S>;
