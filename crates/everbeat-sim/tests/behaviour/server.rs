//! The server's behaviour in virtual time: whom it expires, what a handle does, what a slow, silent
//! or panicking party costs the others, and how it stops.

mod ends;
mod expiry;
mod fairness;
mod handlers;
mod handles;
mod layers;
mod limits;
mod many;
mod own_beat;
mod registry;
mod restart;
mod rig;
mod shutdown;
mod upgrades;
