//! The runtimes that everbeat runs on, by the names that programs and examples take.

/// Each has a crate `everbeat-NAME`, a pair of examples, and a place in the demo and in interop
pub(crate) const RUNTIMES: &[&str] = &["tokio", "async-std", "smol"];
