//! A server's policies over real sockets, on smol.

use everbeat_conformance::policy::{self, Line};
use everbeat_smol::Smol;

/// smol's own tasks have one thread unless `SMOL_THREADS` says more
#[test]
fn policies_hold_on_one_thread() {
    let hold = |line: &Line| {
        eprintln!("{}", line.name);
        smol::block_on((line.check)());
    };
    policy::side_by_side(&policy::lines::<Smol>(), hold);
    policy::lines_of_a_crowd::<Smol>().iter().for_each(hold);
    policy::lines_on_one_thread::<Smol>().iter().for_each(hold);
}
