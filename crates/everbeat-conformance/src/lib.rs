//! What every runtime must keep.

#![forbid(unsafe_code)]
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::missing_panics_doc,
    reason = "a check fails by panicking"
)]

pub mod certificates;
pub mod contracts;
pub mod hostile;
mod line;
mod peer;
pub mod policy;
mod server_side;
mod sets;
mod skipped;
#[cfg(target_os = "linux")]
pub mod slept;
pub mod streams;
