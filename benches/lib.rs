//! The benchmarks are beside this file; this crate only holds them.
