//! smol keeps every line of every contract.

use everbeat_conformance::contracts::{Native, hold, lines, socket_lines};
use everbeat_smol::Smol;

#[test]
fn every_line_of_every_contract_holds() {
    let runtime = Native::<Smol>::new(smol::block_on);
    hold(&runtime, lines());
    hold(&runtime, socket_lines());
    #[cfg(any(target_os = "android", target_os = "linux"))]
    hold(&runtime, everbeat_conformance::contracts::road_lines());
}

#[test]
#[cfg(target_os = "linux")]
fn who_is_accepted_lives_in_a_nest_and_who_dials_does_not() {
    let runtime = Native::<Smol>::new(smol::block_on);
    everbeat_conformance::contracts::nests(&runtime);
}
