//! hyper's own servers on loopback, with everbeat's connections in them; its peers are everbeat's
//! client, or bytes by hand.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a failed helper fails its test")]

use everbeat_hyper::core;

mod http2;
mod lifecycle;
mod limits;
mod observed;
#[path = "../../../everbeat-hosted/tests/support/peer.rs"]
mod peer;
mod rejections;
#[path = "../../../everbeat-hosted/tests/support/spans.rs"]
mod spans;
mod stopping;
mod support;
mod traced;
