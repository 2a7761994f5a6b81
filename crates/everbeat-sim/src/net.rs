//! The network: hosts that listen, links between them, and pipes at the links' ends.
//!
//! A link carries bytes in order, as TCP does, without a model of TCP: nothing is lost but by
//! [`Link::cut`], and the sender knows at once what the reader has taken.

mod connector;
mod end;
mod error;
mod frame;
mod host;
mod link;
mod listener;
mod pipe;
mod way;
mod wire;

pub(crate) use wire::{Network, Side};

pub use connector::{Connecting, SimConnector};
pub use error::{ConnectError, PipeError};
pub use host::Answer;
pub use link::Link;
pub use listener::{SimListener, Upgrading};
pub use pipe::{Next, Pipe};
