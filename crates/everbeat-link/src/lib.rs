//! A link between two networks of this kernel that is ours, packet by packet.
//!
//! ```no_run
//! # fn main() -> anyhow::Result<()> {
//! use std::net::Ipv4Addr;
//! use std::time::Duration;
//!
//! use everbeat_link::{Link, Shape, Way, Wire};
//! use everbeat_netns::{Place, Tools};
//!
//! let [one, two] = [Ipv4Addr::new(10, 9, 0, 1), Ipv4Addr::new(10, 9, 0, 2)];
//! let (near, far) = (Place::new("near", &Tools::default())?, Place::new("far", &Tools::default())?);
//! let link = Link::lay(Wire::new(&near, one, two)?, Wire::new(&far, two, one)?, 7)?;
//! link.shape(Way::Out, Shape { delay: Duration::from_millis(80), ..Shape::default() });
//! # Ok(())
//! # }
//! ```
//!
//! A kernel without netem delays and loses nothing by itself. Two TUN devices, one in each network,
//! bring us what either kernel sends; what becomes of it is decided by a [`Shaper`] for each way, which
//! is pure: it is given the time and a packet, and says what is due. The edge around it is a thread that
//! waits for packets and for what is due.
//!
//! What a link does is seeded: the same packets at the same times meet the same fate.

#![forbid(unsafe_code)]
#![expect(
    clippy::disallowed_methods,
    reason = "a kernel knows no virtual time; the shapers are given theirs"
)]

#[cfg_attr(not(target_os = "linux"), path = "elsewhere.rs")]
mod link;
mod shape;
mod shaper;

pub use everbeat_netns::Rate;
pub use link::{Link, Wire};
pub use shape::{Shape, Way};
pub use shaper::{Counts, Lost, Shaper};
