//! Starts tokio.

use anyhow::Result;
use everbeat_tokio::Tokio;

use crate::args::Args;

pub(super) fn run(args: Args) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let ended = runtime.block_on(crate::run::<Tokio>(args));
    // The thread that reads stdin never comes back, and nobody else is waited for.
    runtime.shutdown_background();
    ended
}
