//! Hosts and roads of this machine's kernel, made for a test and gone with it.
//!
//! ```no_run
//! # fn main() -> anyhow::Result<()> {
//! use everbeat_netns::{Lost, Network, Tools};
//!
//! let (network, [client, server]) = Network::join(&Tools::default(), ["client", "server"])?;
//! let listener = server.place().run(|| std::net::TcpListener::bind("0.0.0.0:9001"))??;
//! network.lose(&client, &server, Lost::Payload)?; // bare acknowledgements still pass
//! network.repair()?;
//! # drop(listener);
//! # Ok(())
//! # }
//! ```
//!
//! A [`Place`] is a thread in a network namespace that has no name: nobody else can find it, and it is
//! gone with the thread, so with this process, however that ends; there is nothing to be swept up. A
//! [`Host`] is a place with a link to a router, which is a place of its own: what is lost is lost there,
//! in the middle, while both hosts' links are as well as ever. A process that a host has started is
//! killed when the host goes ([`Place::command`]). [`Clock`] is not about networks, but about the same
//! tests: it lets the time of a process jump, by a file of a few bytes in the temporary folder, which
//! alone stays behind if we are killed, until the next clock is made.
//!
//! All of it wants Linux, root, and a few programs. [`Tools::missing`] says what is not there; who then
//! skips a test says so aloud ([`skipped`]).

#![forbid(unsafe_code)]
#![expect(clippy::disallowed_methods, reason = "kernels and processes know no virtual time")]

mod clock;
mod hole;
mod host;
mod network;
mod place;
#[cfg_attr(not(target_os = "linux"), path = "sys/elsewhere.rs")]
mod sys;
mod tools;

pub use clock::{Clock, Kind};
pub use hole::Lost;
pub use host::Host;
pub use network::{Network, Rate};
pub use place::Place;
pub use sys::{resume, stop};
pub use tools::{Tools, skipped};
