//! Applications of axum on loopback, served by `axum::serve`, with everbeat's connections in them.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a failed helper fails its test")]

mod http2;
mod routes;
mod stopping;
mod support;
