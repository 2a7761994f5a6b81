//! Properties that no bytes may break, one a target: a plain function that panics if one does not
//! hold.
//!
//! `cargo xtask fuzz` looks for such bytes with libFuzzer. What it found, and the corpus that it
//! searched from, are replayed as plain tests, without it.

mod config;
mod draw;
mod frames;
mod request_head;
mod response_head;
mod retry_after;
mod run;
mod url;
mod wire;

pub use config::config;
pub use frames::frames;
pub use request_head::request_head;
pub use response_head::response_head;
pub use retry_after::retry_after;
pub use url::url;

/// A target's name, which is its folder's in the corpus too, and its property
pub type Target = (&'static str, fn(&[u8]));

/// All targets
pub const TARGETS: &[Target] = &[
    ("config", config),
    ("frames", frames),
    ("request_head", request_head),
    ("response_head", response_head),
    ("retry_after", retry_after),
    ("url", url),
];
