//! The network: hosts that listen, links between them, and pipes at the links' ends.
//!
//! A link carries bytes as TCP does between two kernels: what is lost is sent again, nothing is
//! handed to the reader before a hole is filled, and the sender learns what has arrived by
//! acknowledgements, which take their time and can be lost too.

mod arrival;
mod connector;
mod end;
mod ending;
mod error;
mod frame;
mod host;
mod link;
mod listener;
mod network;
mod pipe;
mod tcp;
mod wire;

pub(crate) use network::Network;
pub(crate) use wire::Side;

pub use connector::{Connecting, SimConnector};
pub use error::{ConnectError, PipeError};
pub use host::Answer;
pub use link::Link;
pub use listener::{SimListener, Upgrading};
pub use pipe::{Next, Pipe};
