//! A real actix-web server on loopback, with real clients of everbeat's and raw peers.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a failed helper fails its test")]

use everbeat_actix::core;

mod clients;
mod ends;
mod limits;
mod raw;
#[path = "../../../everbeat-hosted/tests/support/spans.rs"]
mod spans;
mod stopping;
mod support;
mod traced;
