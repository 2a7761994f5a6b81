//! A server without descriptors, on smol; alone in its process, whose limit it changes.

#![cfg(unix)]

use everbeat_smol::Smol;

#[test]
fn a_server_without_descriptors_waits_and_says_so() {
    smol::block_on(everbeat_conformance::policy::descriptors::<Smol>());
}
