//! hyper's own servers on loopback, with everbeat's connections in them; its peers are everbeat's
//! client, or bytes by hand.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a failed helper fails its test")]

mod http2;
mod lifecycle;
mod limits;
mod observed;
mod rejections;
mod stopping;
mod support;
mod traced;
