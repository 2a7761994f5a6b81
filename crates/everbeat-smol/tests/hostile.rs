//! Bad input over real sockets, on smol.

use everbeat_smol::Smol;

#[test]
fn bad_input_is_met_as_it_must_be() {
    for line in everbeat_conformance::hostile::lines::<Smol>() {
        eprintln!("{}", line.name);
        smol::block_on((line.check)());
    }
}
