//! The network: hosts that listen, links between them, and pipes at the links' ends.
//!
//! A link carries bytes as TCP does between two kernels, per write and acknowledgement, not per
//! segment:
//!
//! - A writer blocks when its kernel is full ([`Link::buffer`]), and a sender stops when the
//!   reader's is ([`Link::window`]). A closed window is probed, and a kernel answers probes also
//!   while its program stands still.
//! - The sender learns what has arrived by acknowledgements, which travel back over the other
//!   direction, with its delay, behind what waits there; they are cumulative, and can be lost.
//! - Whatever is lost is sent again: about a round trip later if something behind it arrives (as RFC
//!   8985 has it), or else when a timeout fires (RFC 6298: 200 ms beyond the round trip at least, 1 s
//!   before there is one, at most 2 min). The first time is a probe of the tail, after which the
//!   timeout begins anew and then doubles each time: of what is written when the road goes, the
//!   timeout, twice, four times, eight times as much later. Nothing is handed to the reader before
//!   the hole is filled.
//! - A kernel gives up as Linux does: after 16 timeouts in a row, about a quarter of an hour, after
//!   7, about two minutes, for an attempt to connect, and after 9 if its program is gone.
//! - What [`Pipe`] tells of the road is what Linux tells in `TCP_INFO`.
//!
//! There is no congestion window, no delayed acknowledgement, and headers weigh nothing:
//! heartbeats do not feel them. What waits at a link's narrowest place
//! ([`Link::rate`]) is bounded by the buffers only.
//!
//! ```
//! use std::time::Duration;
//! use everbeat_core::transport::{Outgoing, Transport};
//! use everbeat_sim::Sim;
//!
//! let mut sim = Sim::seed(7);
//! let link = sim.link("phone", "server");
//! link.delay(Duration::from_millis(50));
//! let (mut phone, mut server) = sim.pipe("phone", "server");
//! link.partition();
//! sim.block_on(phone.send(Outgoing::Ping([0; 8])), Duration::ZERO)?.unwrap(); // into the kernel
//! sim.run_for(Duration::from_secs(8))?;
//! assert_eq!(phone.path().map(|path| (path.acknowledged, path.unsent)), Some((0, 14)));
//! link.repair();
//! // It was sent again after 0.3, 0.6, 1.2, 2.4 and 4.8 s, and now is at 9.6 s.
//! sim.block_on(server.next(), Duration::from_secs(2))?;
//! assert_eq!(format!("{:?}", sim.now()), "t+9.65s");
//! # Ok::<_, everbeat_sim::SimError>(())
//! ```

mod arrival;
mod connector;
mod end;
mod ending;
mod error;
mod frame;
mod hatch;
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
