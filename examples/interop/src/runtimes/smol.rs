//! Starts smol.

use anyhow::Result;
use everbeat_smol::Smol;

use crate::args::Args;

pub(super) fn run(args: Args) -> Result<()> {
    smol::block_on(crate::run::<Smol>(args))
}
