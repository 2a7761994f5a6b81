//! Starts async-std.

use anyhow::Result;
use everbeat_async_std::AsyncStd;

use crate::args::Args;

pub(super) fn run(args: Args) -> Result<()> {
    async_std::task::block_on(crate::run::<AsyncStd>(args))
}
