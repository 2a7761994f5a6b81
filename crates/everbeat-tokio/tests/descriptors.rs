//! A server without descriptors, on tokio; alone in its process, whose limit it changes.

#![cfg(unix)]

use everbeat_tokio::Tokio;

#[test]
fn a_server_without_descriptors_waits_and_says_so() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(everbeat_conformance::policy::descriptors::<Tokio>());
}
