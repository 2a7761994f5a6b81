//! async-std keeps every line of every contract.

use everbeat_async_std::AsyncStd;
use everbeat_conformance::contracts::{Native, hold};

#[test]
fn every_line_of_every_contract_holds() {
    hold(&Native::<AsyncStd>::new(async_std::task::block_on));
}
