//! The proxy over real sockets on loopback.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a helper of a test fails the test")]

mod exactness;
mod faults;
mod rig;
