//! TCP between two kernels, per write and acknowledgement, not per segment: what is on the road,
//! what has been acknowledged, what is sent again and when. Pure: nothing here knows the time, the
//! agenda or who waits.
//!
//! What it has: a send buffer, a receive window, cumulative acknowledgements that travel back over
//! the other direction, loss that is noticed when later bytes arrive (RFC 8985) or else by a
//! timeout that doubles (RFC 6298), probes of a closed window (RFC 9293, section 3.8.6.1), and
//! giving up. What it has not: congestion windows, delayed acknowledgements, probes of the tail.

mod packet;
mod receiver;
mod road;
mod rtt;
mod sender;
mod settings;

pub(super) use packet::{Ack, Cargo, Load, Packet, Parcel};
pub(super) use receiver::Receiver;
pub(super) use road::Road;
pub(super) use rtt::Rtt;
pub(super) use sender::{Departure, Expiry, Sender};
pub(super) use settings::Settings;
