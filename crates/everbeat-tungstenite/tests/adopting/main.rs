//! Streams of the real libraries become connections: nothing that their codecs hold is lost, and what
//! ends them is told.

#![expect(clippy::unwrap_used, reason = "a failed helper fails its test")]

mod client;
mod on_smol;
mod reading;
mod server;

mod support;
