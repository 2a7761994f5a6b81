//! A server's policies over real sockets, on async-std.

use everbeat_async_std::AsyncStd;
use everbeat_conformance::policy;

/// async-std has as many threads as the machine
#[test]
fn policies_hold_on_many_threads() {
    let many = policy::lines_on_many_threads::<AsyncStd>();
    for line in policy::lines::<AsyncStd>().iter().chain(&many) {
        eprintln!("{}", line.name);
        async_std::task::block_on((line.check)());
    }
}
