//! tokio keeps every line of every contract.

use everbeat_conformance::contracts::{Native, hold};
use everbeat_tokio::Tokio;

#[test]
fn every_line_of_every_contract_holds() {
    hold(&Native::<Tokio>::new(|check| {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(check);
    }));
}
