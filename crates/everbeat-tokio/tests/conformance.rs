//! tokio keeps every line of every contract.

use everbeat_conformance::contracts::{Native, hold, lines, socket_lines};
use everbeat_tokio::Tokio;

#[test]
fn every_line_of_every_contract_holds() {
    let runtime = Native::<Tokio>::new(|check| {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(check);
    });
    hold(&runtime, lines());
    hold(&runtime, socket_lines());
    #[cfg(any(target_os = "android", target_os = "linux"))]
    hold(&runtime, everbeat_conformance::contracts::road_lines());
}

#[test]
#[cfg(target_os = "linux")]
fn who_is_accepted_lives_in_a_nest_and_who_dials_does_not() {
    let runtime = Native::<Tokio>::new(|check| {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(check);
    });
    everbeat_conformance::contracts::nests(&runtime);
}
