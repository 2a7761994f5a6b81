//! TCP between two kernels, per write and acknowledgement, not per segment: what is on the road,
//! what has been acknowledged, what is sent again and when. Pure: nothing here knows the time, the
//! agenda or who waits.
//!
//! What it has and what it has not is said in the documentation of `net`, for users.

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
