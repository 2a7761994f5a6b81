//! A server's policies over real sockets, on async-std.

use std::thread::available_parallelism;

use everbeat_async_std::AsyncStd;
use everbeat_conformance::policy::{self, Line};

/// async-std has as many threads as the machine, and one that waits for sockets
#[test]
fn policies_hold_on_many_threads() {
    let one = available_parallelism().is_ok_and(|threads| threads.get() == 1);
    let blocking = match one {
        true => policy::lines_on_one_thread::<AsyncStd>(),
        false => policy::lines_beside_a_reactor::<AsyncStd>(),
    };
    let hold = |line: &Line| {
        eprintln!("{}", line.name);
        async_std::task::block_on((line.check)());
    };
    policy::side_by_side(&policy::lines::<AsyncStd>(), hold);
    policy::lines_of_a_crowd::<AsyncStd>().iter().for_each(hold);
    blocking.iter().for_each(hold);
}
