//! Bad input over real sockets, on async-std.

use everbeat_async_std::AsyncStd;

#[test]
fn bad_input_is_met_as_it_must_be() {
    for line in everbeat_conformance::hostile::lines::<AsyncStd>() {
        eprintln!("{}", line.name);
        async_std::task::block_on((line.check)());
    }
}
