//! A real actix-web server on loopback, with real clients of everbeat's and raw peers.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a failed helper fails its test")]

mod clients;
mod ends;
mod limits;
mod raw;
mod stopping;
mod support;
mod traced;
