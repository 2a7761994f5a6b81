//! A runtime in virtual time, with hosts, links and faults, all from one seed: for everbeat's own
//! tests, and for yours.
//!
//! A [`Sim`] runs tasks on a clock that jumps from one event to the next, so that hours of
//! heartbeats take milliseconds, and the same seed always gives the same history. Between hosts
//! there are [`Link`]s, which delay, hold, swallow and break what passes; at their ends there are
//! [`Pipe`]s, which are WebSockets at message level, with RFC 6455's frame sizes.
//!
//! ```
//! use std::time::Duration;
//! use everbeat_core::transport::{Accept, Attempt, Connect, Incoming, Outgoing};
//! use everbeat_sim::{Sim, SimError};
//!
//! let mut sim = Sim::seed(7);
//!
//! // A server that echoes, on the host `server`.
//! let mut listener = sim.listen("server");
//! let handle = sim.handle();
//! sim.spawn(async move {
//!     loop {
//!         let (mut pipe, _peer) = listener.accept().await;
//!         handle.spawn(async move {
//!             while let Some(Ok(Incoming::Message(message))) = pipe.next().await {
//!                 pipe.send(Outgoing::Message(message)).await?;
//!             }
//!             Ok::<_, everbeat_sim::net::PipeError>(())
//!         });
//!     }
//! });
//!
//! // A client, and a road that is gone from the fifth second to the twentieth.
//! let link = sim.link("client", "server");
//! link.delay(Duration::from_millis(30));
//! sim.after(Duration::from_secs(5), { let link = link.clone(); move || link.partition() });
//! sim.after(Duration::from_secs(20), move || link.repair());
//! let mut connector = sim.connector("server");
//! let handle = sim.handle();
//! let echo = sim.block_on(async move {
//!     let mut pipe = connector.connect(Attempt::first()).await?;
//!     handle.sleep(Duration::from_secs(6)).await;
//!     pipe.send(Outgoing::Message("hello".into())).await?;
//!     Ok::<_, Box<dyn std::error::Error>>(pipe.next().await.transpose()?)
//! }, Duration::from_secs(60))?;
//!
//! assert_eq!(echo.unwrap(), Some(Incoming::Message("hello".into())));
//! assert_eq!(format!("{:?}", sim.now()), "t+20.06s");
//! # Ok::<_, SimError>(())
//! ```

#![forbid(unsafe_code)]

mod agenda;
mod error;
mod executor;
mod handle;
pub mod net;
mod seeds;
mod sim;
mod task;
pub mod time;
mod trace;
mod world;

pub use error::{SimError, Stop};
pub use handle::SimHandle;
pub use net::{Link, Pipe, SimConnector, SimListener};
pub use seeds::{for_each_seed, seeds};
pub use sim::Sim;
pub use task::Task;
pub use time::SimTimer;
pub use trace::Trace;
