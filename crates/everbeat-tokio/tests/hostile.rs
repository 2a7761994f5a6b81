//! Bad input over real sockets, on tokio.

use everbeat_tokio::Tokio;

#[test]
fn bad_input_is_met_as_it_must_be() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for line in everbeat_conformance::hostile::lines::<Tokio>() {
        eprintln!("{}", line.name);
        runtime.block_on((line.check)());
    }
}
