//! Applications of axum on loopback, served by `axum::serve`, with everbeat's connections in them.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a failed helper fails its test")]

use everbeat_axum::core;

mod http2;
#[path = "../../../everbeat-hosted/tests/support/peer.rs"]
mod peer;
mod routes;
#[path = "../../../everbeat-hosted/tests/support/spans.rs"]
mod spans;
mod stopping;
mod support;
mod traced;
