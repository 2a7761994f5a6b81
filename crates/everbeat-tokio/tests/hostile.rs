//! Bad input over real sockets, on tokio.

use everbeat_conformance::hostile;
use everbeat_conformance::policy::{Line, side_by_side};
use everbeat_tokio::Tokio;
use tokio::runtime::Builder;

#[test]
fn bad_input_is_met_as_it_must_be() {
    let hold = |line: &Line| {
        eprintln!("{}", line.name);
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on((line.check)());
    };
    side_by_side(&hostile::lines::<Tokio>(), hold);
    hostile::lines_of_a_crowd::<Tokio>().iter().for_each(hold);
}
