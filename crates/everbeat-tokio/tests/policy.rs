//! A server's policies over real sockets, on tokio.

use everbeat_conformance::policy;
use everbeat_tokio::Tokio;
use tokio::runtime::Builder;

#[test]
fn policies_hold_on_one_thread() {
    let one_thread = |check| {
        Builder::new_current_thread().enable_all().build().unwrap().block_on(check);
    };
    policy::side_by_side(&policy::lines::<Tokio>(), one_thread);
    for line in
        policy::lines_of_a_crowd::<Tokio>().iter().chain(&policy::lines_on_one_thread::<Tokio>())
    {
        eprintln!("{}", line.name);
        one_thread((line.check)());
    }
}

#[test]
fn who_blocks_a_thread_of_many_ends_nobody() {
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    for line in policy::lines_on_many_threads::<Tokio>() {
        eprintln!("{}", line.name);
        runtime.block_on((line.check)());
    }
}
