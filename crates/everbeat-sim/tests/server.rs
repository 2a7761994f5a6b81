//! The server's behaviour in virtual time: whom it expires, what a handle does, what a slow, silent
//! or panicking party costs the others, and how it stops.

#[path = "server/expiry.rs"]
mod expiry;
#[path = "server/handlers.rs"]
mod handlers;
#[path = "server/handles.rs"]
mod handles;
#[path = "server/rig.rs"]
mod rig;
#[path = "server/shutdown.rs"]
mod shutdown;
#[path = "server/upgrades.rs"]
mod upgrades;
