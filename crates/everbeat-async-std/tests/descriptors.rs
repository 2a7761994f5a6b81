//! A server without descriptors, on async-std; alone in its process, whose limit it changes.

#![cfg(unix)]

use everbeat_async_std::AsyncStd;

#[test]
fn a_server_without_descriptors_waits_and_says_so() {
    async_std::task::block_on(everbeat_conformance::policy::descriptors::<AsyncStd>());
}
