//! Bad input over real sockets, on smol.

use everbeat_conformance::hostile;
use everbeat_conformance::policy::{Line, side_by_side};
use everbeat_smol::Smol;

#[test]
fn bad_input_is_met_as_it_must_be() {
    let hold = |line: &Line| {
        eprintln!("{}", line.name);
        smol::block_on((line.check)());
    };
    side_by_side(&hostile::lines::<Smol>(), hold);
    hostile::lines_of_a_crowd::<Smol>().iter().for_each(hold);
}
