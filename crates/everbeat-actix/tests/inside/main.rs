//! A real actix-web server on loopback, with real clients of everbeat's and raw peers.

#![expect(clippy::unwrap_used, reason = "a failed helper fails its test")]

mod clients;
mod raw;
mod stopping;
mod support;
