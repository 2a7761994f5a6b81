//! A runtime in virtual time, with hosts, links and faults, all from one seed: for everbeat's own
//! tests, and for yours.
//!
//! A [`Sim`] runs tasks on a clock that jumps from one event to the next, so that hours of
//! heartbeats take milliseconds, and the same seed always gives the same history. Between hosts
//! there are [`Link`]s, which delay, lose, hold and break what passes, with TCP's timeouts, windows
//! and acknowledgements; at their ends there are [`Pipe`]s, which are WebSockets at message level,
//! with RFC 6455's frame sizes. [`Host`]s stall, sleep and crash. The connections, clients and
//! servers on them are the real ones. `cargo run -p everbeat-sim --example reconnect_logic` tests a
//! reconnect loop that was written by hand.
//!
//! What an application would tell of its network is told as to a real client, by
//! [`Hints`](everbeat_core::client::Hints): `sim.after(.., move || hints.tell(Hint::AddressGone(address)))`
//! with the [`address`](Host::address) of its host.
//!
//! Its kernels tell of the road, as Linux's does: to see what everbeat does where none tells, say
//! [`blind`](Host::blind) to its host first. And what befalls a host befalls what that host spawned:
//! [`Host::spawn`], not [`Sim::spawn`](SimHandle::spawn).
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
//! # Testing your own reconnect logic
//!
//! It needs none of everbeat's policies. Write it over [`Connect`], [`Transport`] and [`Timer`], or
//! over a seam of your own that a [`Pipe`] can stand in for, and run it on a [`Host`]. Then say what
//! has to hold, for many seeds, whatever befalls the road, the phone and the server:
//!
//! ```
//! use std::time::Duration;
//! use everbeat_core::time::Timer;
//! use everbeat_core::transport::{Attempt, Connect};
//! use everbeat_sim::{Host, for_each_seed};
//!
//! /// The logic under test: it only waits for the connection to break, and then makes a new one
//! async fn stay_connected(phone: Host) {
//!     let timer = phone.timer();
//!     loop {
//!         if let Ok(mut pipe) = phone.connector("server").connect(Attempt::first()).await {
//!             phone.sim().note("connected");
//!             while let Some(Ok(_)) = pipe.next().await {}
//!         }
//!         timer.sleep_until(timer.now() + Duration::from_secs(1)).await;
//!     }
//! }
//!
//! for_each_seed(0..10, |sim| {
//!     sim.link("phone", "server").delay(Duration::from_millis(50)).loss(0.05);
//!     let mut listener = sim.host("server").listen();
//!     sim.host("server").spawn(async move {
//!         let mut pipes = Vec::new();
//!         loop {
//!             pipes.push(listener.accept().await);
//!         }
//!     });
//!     let phone = sim.host("phone");
//!     phone.spawn(stay_connected(phone.clone()));
//!     sim.run_for(Duration::from_secs(60)).unwrap();
//!     let connections = |trace: String| trace.matches("connected").count();
//!     assert_eq!(connections(sim.trace().to_string()), 1);
//!
//!     sim.link("phone", "server").reset();
//!     sim.run_for(Duration::from_secs(60)).unwrap();
//!     assert_eq!(connections(sim.trace().to_string()), 2, "it comes back after a reset");
//!
//!     sim.link("phone", "server").cut(); // a router forgets the connection, and tells nobody
//!     sim.run_for(Duration::from_secs(3_600)).unwrap();
//!     assert_eq!(connections(sim.trace().to_string()), 2, "it never notices: it needs a heartbeat");
//! });
//! ```
//!
//! The example `reconnect_logic` of this crate tests a better one, with a Ping and a backoff. A
//! simulation that ends in a panic prints its seed and what happened last; `EVERBEAT_SEED=7 cargo
//! test name` runs that one again.
//!
//! [`Connect`]: everbeat_core::transport::Connect
//! [`Transport`]: everbeat_core::transport::Transport
//! [`Timer`]: everbeat_core::time::Timer
//!
//! # Finding what to look at
//!
//! | to | use |
//! |---|---|
//! | let time pass, run tasks | [`Sim`], and [`SimHandle`] inside of tasks |
//! | lend code a clock and count what it asks of it | [`SimTimer`] |
//! | stall a program, suspend or crash a machine, hide what its kernel knows | [`Host`] |
//! | connect and accept | [`SimConnector`], [`net::SimListener`] |
//! | refuse, reject, hang, accept and close | [`SimHandle::answer`] with [`net::Answer`] |
//! | slow, thin out, break and mend a road | [`Link`], and [`net`] for what TCP does there |
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
pub use net::{Link, Pipe, SimConnector};
pub use seeds::for_each_seed;
pub use sim::Sim;
pub use task::Task;
pub use time::SimTimer;
pub use trace::Trace;
