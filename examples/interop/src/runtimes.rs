//! The runtimes by their names: each has a file that starts its executor, and nothing else is
//! different.

mod async_std;
mod smol;
mod tokio;

use anyhow::{Result, bail};

use crate::args::Args;

pub(crate) fn run(args: Args) -> Result<()> {
    match args.runtime.as_str() {
        "tokio" => tokio::run(args),
        "async-std" => async_std::run(args),
        "smol" => smol::run(args),
        other => bail!("no runtime is called `{other}`"),
    }
}
