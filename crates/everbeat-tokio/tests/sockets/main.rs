//! Over real loopback sockets: bad input in either role, each with its typed error and close code;
//! upgrades cut at every stage; the whole of client and server.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a failed helper fails its test")]

mod adopted;
#[cfg(target_os = "linux")]
mod backlog;
mod deadline;
mod dialled;
mod endpoints;
mod frames;
#[cfg(any(target_os = "android", target_os = "linux"))]
mod options;
mod peer;
mod refused;
#[cfg(any(target_os = "android", target_os = "linux"))]
mod road;
mod slow;
mod timer;
mod tls;
mod upgrade_client;
mod upgrade_server;
mod whole;
