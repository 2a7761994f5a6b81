//! A server's policies over real sockets, on smol.

use everbeat_conformance::policy;
use everbeat_smol::Smol;

/// smol's own tasks have one thread unless `SMOL_THREADS` says more
#[test]
fn policies_hold_on_one_thread() {
    policy::side_by_side(&policy::lines::<Smol>(), smol::block_on);
    let alone = policy::lines_of_a_crowd::<Smol>();
    for line in alone.iter().chain(&policy::lines_on_one_thread::<Smol>()) {
        eprintln!("{}", line.name);
        smol::block_on((line.check)());
    }
}
