//! A runtime in virtual time, with hosts, links and faults, all from one seed: for everbeat's own
//! tests, and for yours.
//!
//! A [`Sim`] runs tasks on a clock that jumps from one event to the next, so that hours of
//! heartbeats take milliseconds, and the same seed always gives the same history. Between hosts
//! there are [`Link`]s, which delay, hold, swallow and break what passes; at their ends there are
//! [`Pipe`]s, which are WebSockets at message level, with RFC 6455's frame sizes. The connections,
//! clients and servers on them are the real ones.
//!
//! ```
//! use std::time::Duration;
//! use everbeat_core::config::ConnectionConfig;
//! use everbeat_core::{Client, Connection, Event};
//! use everbeat_sim::Sim;
//!
//! let seconds = Duration::from_secs;
//! let mut sim = Sim::seed(7);
//!
//! // Your server, on the host `server`.
//! let (handle, mut listener) = (sim.handle(), sim.listen("server"));
//! sim.spawn(async move {
//!     loop {
//!         let (pipe, _peer) = listener.accept().await;
//!         let (timer, seed) = (handle.timer(), handle.random());
//!         let mut connection = Connection::new(pipe, timer, ConnectionConfig::server(), seed);
//!         handle.spawn(async move {
//!             while let Some(message) = connection.recv().await? {
//!                 connection.send(message).await?;
//!             }
//!             Ok::<_, everbeat_core::Cause>(())
//!         });
//!     }
//! });
//!
//! // A road that is gone from the fifth second to the hundredth.
//! let link = sim.link("client", "server");
//! link.delay(Duration::from_millis(30));
//! let broken = link.clone();
//! sim.after(seconds(5), move || broken.partition());
//! sim.after(seconds(100), move || link.repair());
//!
//! // Your client: it must come back.
//! let client = Client::over(sim.connector("server"), sim.timer(), sim.random());
//! let back = sim.spawn(async move {
//!     let mut client = client.connect().await?;
//!     let mut connected = 0;
//!     while connected < 2 {
//!         match client.next().await {
//!             Some(Event::Connected { .. }) => connected += 1,
//!             Some(_) => {}
//!             None => panic!("gave up: {:?}", client.outcome()),
//!         }
//!     }
//!     Ok::<_, everbeat_core::client::ConnectError>(client)
//! });
//! sim.run_for(seconds(150))?; // a failure prints the seed and the last events
//! assert!(back.is_finished());
//! # Ok::<_, everbeat_sim::SimError>(())
//! ```
//!
//! # Finding what to look at
//!
//! | to | use |
//! |---|---|
//! | let time pass, run tasks | [`Sim`], and [`SimHandle`] inside of tasks |
//! | lend code a clock and count what it asks of it | [`SimTimer`] |
//! | stall a program, suspend a machine | [`Host`] |
//! | connect and accept | [`SimConnector`], [`SimListener`] |
//! | refuse, reject, hang, accept and close | [`SimHandle::answer`] with [`net::Answer`] |
//! | slow, break and mend a road | [`Link`] |
//! | script a peer by hand | [`Pipe`] |
//! | test over many seeds, or replay one | [`for_each_seed`], `EVERBEAT_SEED=7` |
//! | see what happened, or compare two runs | [`Trace`], [`SimHandle::digest`] |

#![forbid(unsafe_code)]

mod agenda;
mod error;
mod executor;
mod handle;
mod host;
mod machine;
pub mod net;
mod seeds;
mod sim;
mod sleeps;
mod task;
pub mod time;
mod trace;
mod world;

pub use error::{SimError, Stop};
pub use handle::SimHandle;
pub use host::Host;
pub use machine::Clock;
pub use net::{Link, Pipe, SimConnector, SimListener};
pub use seeds::{for_each_seed, seeds};
pub use sim::Sim;
pub use task::Task;
pub use time::SimTimer;
pub use trace::Trace;
