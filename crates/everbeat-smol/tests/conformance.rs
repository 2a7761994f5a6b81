//! smol keeps every line of every contract.

use everbeat_conformance::contracts::{Native, hold};
use everbeat_smol::Smol;

#[test]
fn every_line_of_every_contract_holds() {
    hold(&Native::<Smol>::new(smol::block_on));
}
