//! Applications of axum on loopback, served by `axum::serve`, with everbeat's connections in them.

mod http2;
mod routes;
mod stopping;
mod support;
