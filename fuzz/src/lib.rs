//! Properties that no bytes may break, one a target: a plain function that panics if one does not
//! hold.
//!
//! `cargo xtask fuzz` looks for such bytes with libFuzzer. What it found, and the corpus that it
//! searched from, are replayed as plain tests, without it.

mod request_head;
mod wire;

pub use request_head::request_head;

/// A target's name, which is its folder's in the corpus too, and its property
pub type Target = (&'static str, fn(&[u8]));

/// All targets
pub const TARGETS: [Target; 1] = [("request_head", request_head)];
