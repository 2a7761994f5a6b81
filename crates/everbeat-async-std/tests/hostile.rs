//! Bad input over real sockets, on async-std.

use everbeat_async_std::AsyncStd;
use everbeat_conformance::hostile;
use everbeat_conformance::policy::{Line, side_by_side};

#[test]
fn bad_input_is_met_as_it_must_be() {
    let hold = |line: &Line| {
        eprintln!("{}", line.name);
        async_std::task::block_on((line.check)());
    };
    side_by_side(&hostile::lines::<AsyncStd>(), hold);
    hostile::lines_of_a_crowd::<AsyncStd>().iter().for_each(hold);
}
