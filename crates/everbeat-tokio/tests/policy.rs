//! A server's policies over real sockets, on tokio.

use everbeat_conformance::policy::{self, Line};
use everbeat_tokio::Tokio;
use tokio::runtime::Builder;

#[test]
fn policies_hold_on_one_thread() {
    let hold = |line: &Line| {
        eprintln!("{}", line.name);
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on((line.check)());
    };
    policy::side_by_side(&policy::lines::<Tokio>(), hold);
    policy::lines_of_a_crowd::<Tokio>().iter().for_each(hold);
    policy::lines_on_one_thread::<Tokio>().iter().for_each(hold);
}

#[test]
fn who_blocks_a_thread_of_many_ends_nobody() {
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    for line in policy::lines_on_many_threads::<Tokio>() {
        eprintln!("{}", line.name);
        runtime.block_on((line.check)());
    }
}
