//! The command as whoever types it has it: the binary itself, against everbeat's own servers and
//! through the fault proxy, on loopback.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a failed helper fails its test")]

#[cfg(target_os = "linux")]
mod capture;
mod connect;
mod doctor;
mod headers;
#[cfg(target_os = "linux")]
mod middles;
mod ping;
mod proxy;
#[cfg(target_os = "linux")]
mod road;
mod serve;
mod support;
mod usage;
