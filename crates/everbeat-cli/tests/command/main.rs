//! The command as whoever types it has it: the binary itself, against everbeat's own servers and
//! through the fault proxy, on loopback.

mod connect;
mod doctor;
mod ping;
mod proxy;
mod serve;
mod support;
mod usage;
